// Placing: a thousand paths whose every scored sum lies on the quantile midpoints of its law, instead of drawn.
// Promises: ranks decide, so the order of the paths in every block, and with it the dependence between blocks, is the
// simulation's own; the finest grid is met exactly, the others to what the last sweep leaves.
// Leaves to others: what is simulated, and the law's recalibration.
// An ensemble of N draws from the true law scores CRPS/N more than the law itself; a placed one almost nothing.
import { ForecastError } from '../errors.js';
import type { PlacePlan } from './plan.js';
import { Ranker } from './rank.js';
import { type BlockTarget, targetsOf } from './targets.js';

/** What a rank fits into. */
const MOST_PATHS = 65_536;

/**
 * `count` paths [steps x count] of log returns from source returns [steps x n], n >= count, both row-major.
 * Throws SWARM_E_SCORE_INPUT for shapes that do not agree.
 */
export function place(
  source: Float32Array,
  steps: number,
  n: number,
  count: number,
  plan: PlacePlan,
): Float32Array {
  if (source.length !== steps * n || !(count >= 1 && count <= Math.min(n, MOST_PATHS))) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `${source.length} log returns for ${steps} steps x ${n} paths of which ${count} are wanted`,
      'pass [steps x n] log returns and ask for at most n paths',
    );
  }
  const targets = targetsOf(source, steps, n, count, plan.grids);
  const paths = new Float64Array(steps * count);
  for (let h = 0; h < steps; h++) for (let i = 0; i < count; i++) paths[h * count + i] = source[h * n + i];
  const ranker = new Ranker(count);
  const sum = new Float64Array(count);
  for (let sweep = 0; sweep < plan.sweeps; sweep++)
    for (const grid of targets) for (const block of grid) remap(paths, count, block, ranker, sum);
  return Float32Array.from(paths);
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
