// Placing: a thousand paths whose every scored sum lies on the quantile midpoints of its law, instead of drawn.
// Promises: ranks decide, so the order of the paths in every block, and with it the dependence between blocks, is the
// simulation's own; the finest grid is met exactly, the others to what the last sweep leaves.
// Leaves to others: what is simulated, and the law's recalibration.
// An ensemble of N draws from the true law scores CRPS/N more than the law itself; a placed one almost nothing.
import { ForecastError } from '../errors.js';
import type { PlacePlan } from './plan.js';
import { Ranker } from './rank.js';
import { type BlockTarget, Targets } from './targets.js';

/** What a rank fits into, and a count of paths. */
const MOST_PATHS = 65_535;

/** Reads all simulated paths, portion by portion, and keeps the first `count` to place. */
export class Placer {
  readonly #targets: Targets;
  readonly #paths: Float64Array;
  #taken = 0;

  /** Of n paths of `steps`, n >= count. Throws SWARM_E_SCORE_INPUT. */
  constructor(
    readonly steps: number,
    readonly n: number,
    readonly count: number,
    readonly plan: PlacePlan,
  ) {
    if (!(count >= 1 && count <= n && n <= MOST_PATHS))
      throw refused(`${count} paths of ${n} are wanted`, `ask for at most n paths, n at most ${MOST_PATHS}`);
    this.#targets = new Targets(steps, n, count, plan.grids);
    this.#paths = new Float64Array(steps * count);
  }

  /** Log returns [steps x width], row-major, of the next `width` paths. Throws SWARM_E_SCORE_INPUT. */
  take(returns: Float32Array): void {
    const { steps, n, count } = this;
    const width = returns.length / steps;
    if (!(Number.isInteger(width) && width >= 1 && this.#taken + width <= n))
      throw refused(
        `${returns.length} log returns for ${steps} steps x ${n - this.#taken} paths`,
        'pass [steps x width] log returns, n paths in all',
      );
    this.#targets.add(returns);
    const kept = Math.max(0, Math.min(width, count - this.#taken));
    for (let h = 0; h < steps; h++)
      this.#paths.set(returns.subarray(h * width, h * width + kept), h * count + this.#taken);
    this.#taken += width;
  }

  /** The placed paths, log returns [steps x count]. Throws SWARM_E_SCORE_INPUT before all n are taken. */
  placed(): Float32Array {
    if (this.#taken < this.n) throw refused(`${this.#taken} of ${this.n} paths were taken`, 'take all first');
    const { count, plan } = this;
    const targets = this.#targets.found();
    const ranker = new Ranker(count);
    const sum = new Float64Array(count);
    for (let sweep = 0; sweep < plan.sweeps; sweep++)
      for (const grid of targets) for (const block of grid) remap(this.#paths, count, block, ranker, sum);
    return Float32Array.from(this.#paths);
  }
}

function refused(why: string, hint: string): ForecastError {
  return new ForecastError('SWARM_E_SCORE_INPUT', why, hint);
}

/** Moves every path's sum over a block onto the target of its rank; the change is spread evenly over the block. */
function remap(
  paths: Float64Array,
  count: number,
  { from, to, quantiles }: BlockTarget,
  ranker: Ranker,
  sum: Float64Array,
): void {
  sum.set(paths.subarray(from * count, (from + 1) * count));
  for (let h = from + 1; h < to; h++) {
    const at = h * count;
    for (let i = 0; i < count; i++) sum[i] += paths[at + i];
  }
  const order = ranker.order(sum);
  if (to - from === 1) {
    for (let rank = 0; rank < count; rank++) paths[from * count + order[rank]] = quantiles[rank];
    return;
  }
  const share = 1 / (to - from);
  for (let rank = 0; rank < count; rank++) {
    const i = order[rank];
    sum[i] = (quantiles[rank] - sum[i]) * share;
  }
  for (let h = from; h < to; h++) {
    const at = h * count;
    for (let i = 0; i < count; i++) paths[at + i] += sum[i];
  }
}
