// Normals of several sizes: a scale mixture of variance 1, by expectation-maximisation.
// Promises: deterministic; says when it did not converge; sizes ascend.
// Leaves to others: the residuals.
import { oddMap } from '../fit/map.js';
import { normalDensity } from '../fit/normal.js';
import { noConvergence, type TrainingData } from '../fit/training.js';

export function mixtureMap(weights: readonly number[], sizes: readonly number[]): Float64Array {
  return oddMap((z, x) => {
    let density = 0;
    for (let k = 0; k < sizes.length; k++) density += (weights[k] / sizes[k]) * normalDensity(x / sizes[k]);
    return normalDensity(z) / density;
  });
}

const ROUNDS = 1000;
/** Gain of mean log likelihood per round that counts as none: a hundredth of a unit over 10,000 residuals. */
const TOLERANCE = 1e-6;
/** Smallest size in standard deviations: keeps a heap of zero returns from drawing a component onto itself. */
const MIN_SIZE = 0.05;

/** Weights, sizes, and the standard deviation that they are multiples of. Throws SWARM_E_FIT_FAILED. */
export function fitMixture(
  train: TrainingData,
  residuals: Float64Array,
  components: number,
): { weights: number[]; sizes: number[]; size: number } {
  const squares = residuals.map((e) => e * e);
  let weights = components === 2 ? [0.7, 0.3] : [0.5, 0.4, 0.1];
  let variances = components === 2 ? [0.5, 2.2] : [0.3, 1.2, 4];
  let before = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const { likelihood, shares, spreads } = weigh(squares, weights, variances);
    if (!Number.isFinite(likelihood)) break;
    weights = shares.map((s) => s / squares.length);
    variances = spreads.map((s, k) => Math.max(MIN_SIZE ** 2, s / shares[k]));
    if (likelihood - before < TOLERANCE) return standardised(weights, variances);
    before = likelihood;
  }
  throw noConvergence(train, 'the mixture of normals');
}

/** The expectation step: each component's share of the residuals and of their squares. */
function weigh(squares: Float64Array, weights: readonly number[], variances: readonly number[]) {
  const heights = weights.map((w, k) => w / Math.sqrt(2 * Math.PI * variances[k]));
  const slopes = variances.map((v) => -0.5 / v);
  const shares = weights.map(() => 0);
  const spreads = weights.map(() => 0);
  const density = weights.map(() => 0);
  let likelihood = 0;
  for (const square of squares) {
    let sum = 0;
    for (let k = 0; k < heights.length; k++) {
      density[k] = heights[k] * Math.exp(slopes[k] * square);
      sum += density[k];
    }
    likelihood += Math.log(sum);
    for (let k = 0; k < heights.length; k++) {
      shares[k] += density[k] / sum;
      spreads[k] += (density[k] / sum) * square;
    }
  }
  return { likelihood: likelihood / squares.length, shares, spreads };
}

function standardised(weights: readonly number[], variances: readonly number[]) {
  const variance = weights.reduce((sum, w, k) => sum + w * variances[k], 0);
  const order = variances.map((_, k) => k).sort((a, b) => variances[a] - variances[b]);
  return {
    weights: order.map((k) => weights[k]),
    sizes: order.map((k) => Math.sqrt(variances[k] / variance)),
    size: Math.sqrt(variance),
  };
}
