// CRPS of realised volatility: the part that newer subnet rules add to the price score.
// Promises: per block, the sample standard deviation of step returns (bps) of every path against the real one.
// Leaves to others: block lengths and weights, which are rules and therefore data.
import { ForecastError } from '../errors.js';
import { crpsEnsemble } from './crps.js';
import { checkShapes, type Paths } from './paths.js';
import { pairwiseSum } from './sum.js';

export interface VolatilityRule {
  readonly blocks: readonly { readonly steps: number; readonly weight: number }[];
}

export interface VolatilityScore {
  /** Weighted sum over block lengths, bps. */
  readonly total: number;
  /** Unweighted sums, one per entry of the rule's blocks, in its order. */
  readonly blocks: readonly number[];
}

/**
 * Volatility CRPS of paths [count x points] against real [points]. Blocks do not overlap and a remainder at the end
 * is dropped; NaN returns are ignored; a real block with fewer than two returns is not observed and adds nothing.
 */
export function volatilityCrps(
  paths: Paths,
  real: Float64Array,
  increment_s: number,
  rule: VolatilityRule,
): VolatilityScore {
  checkShapes(paths, real);
  if (!(increment_s > 0) || rule.blocks.some((b) => !(Number.isInteger(b.steps) && b.steps >= 2))) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      'a volatility block needs at least 2 steps',
      'correct the rule',
    );
  }
  const realReturns = stepReturns(real, 0, paths.points);
  const simulated = Array.from({ length: paths.count }, (_, i) =>
    stepReturns(paths.prices, i * paths.points, paths.points),
  );
  const blocks = rule.blocks.map(({ steps }) => blockSum(simulated, realReturns, steps));
  return { total: blocks.reduce((sum, value, i) => sum + rule.blocks[i].weight * value, 0), blocks };
}

function blockSum(simulated: readonly Float64Array[], real: Float64Array, steps: number): number {
  const terms: number[] = [];
  const ensemble = new Float64Array(simulated.length);
  for (let from = 0; from + steps <= real.length; from += steps) {
    const observed = sampleDeviation(real, from, steps);
    if (Number.isNaN(observed)) continue;
    for (let i = 0; i < simulated.length; i++) ensemble[i] = sampleDeviation(simulated[i], from, steps);
    terms.push(crpsEnsemble(observed, ensemble.sort()));
  }
  return pairwiseSum(terms);
}

function stepReturns(prices: Float64Array, from: number, points: number): Float64Array {
  const out = new Float64Array(points - 1);
  for (let j = 0; j < out.length; j++) {
    out[j] = ((prices[from + j + 1] - prices[from + j]) / prices[from + j]) * 10_000;
  }
  return out;
}

/** Standard deviation with n - 1 of the non-NaN values; NaN when fewer than two. */
function sampleDeviation(values: Float64Array, from: number, n: number): number {
  const seen = values.subarray(from, from + n).filter((v) => !Number.isNaN(v));
  if (seen.length < 2) return Number.NaN;
  const mean = pairwiseSum(seen) / seen.length;
  return Math.sqrt(pairwiseSum(seen.map((v) => (v - mean) * (v - mean))) / (seen.length - 1));
}
