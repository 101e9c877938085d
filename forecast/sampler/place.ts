// Placing: a thousand paths whose every scored sum lies on the quantile midpoints of its law, instead of drawn.
// Promises: ranks decide, so the order of the paths in every block, and with it the dependence between blocks, is the
// simulation's own; the finest grid is met exactly, the others to what the last sweep leaves.
// Leaves to others: what is simulated, and the law's recalibration.
// An ensemble of N draws from the true law scores CRPS/N more than the law itself; a placed one almost nothing.
import { ForecastError } from '../errors.js';
import type { PlacePlan } from './plan.js';
import { MOST_VALUES } from './quantiles.js';
import { Ranker } from './rank.js';
import { type BlockTarget, targetsOf } from './targets.js';

/**
 * `count` paths [steps x count] of log returns from source returns in portions, each [steps x width] row-major.
 * Throws SWARM_E_SCORE_INPUT for shapes that do not agree.
 */
export function place(
  portions: readonly Float32Array[],
  steps: number,
  count: number,
  plan: PlacePlan,
): Float32Array {
  const widths = portions.map((portion) => portion.length / steps);
  const n = widths.reduce((total, width) => total + width, 0);
  const whole = widths.every((width) => Number.isInteger(width) && width >= 1);
  if (!(whole && count >= 1 && count <= n && n <= MOST_VALUES)) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `${n} paths of ${steps} steps, in portions of ${widths.join(', ')}, of which ${count} are wanted`,
      `pass [steps x width] log returns of at most ${MOST_VALUES} paths, and ask for no more than there are`,
    );
  }
  const targets = targetsOf(portions, steps, count, plan.grids);
  const paths = new Float64Array(steps * count);
  let from = 0;
  for (const [p, portion] of portions.entries()) {
    const kept = Math.min(widths[p], count - from);
    for (let h = 0; kept > 0 && h < steps; h++)
      paths.set(portion.subarray(h * widths[p], h * widths[p] + kept), h * count + from);
    from += widths[p];
  }
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
