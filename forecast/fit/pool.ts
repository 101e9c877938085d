// Weights of a linear pool: the mixture of laws with the least mean CRPS.
// Promises: non-negative, adding up to 1; the global minimum, because CRPS is convex in the weights of a mixture.
// Leaves to others: simulating the members.
import { noConvergence, type TrainingData } from './training.js';

/** Mean E|X_k - y|, and mean E|X_k - X_l| over independent draws. */
export interface PoolScores {
  readonly distance: Float64Array;
  readonly spread: readonly Float64Array[];
}

export function emptyScores(members: number): PoolScores {
  return {
    distance: new Float64Array(members),
    spread: Array.from({ length: members }, () => new Float64Array(members)),
  };
}

/** Adds one observation and the members' draws of it, as many each. Draws of one place share their luck. */
export function addScore(
  scores: PoolScores,
  draws: readonly Float64Array[],
  y: number,
  weight: number,
): void {
  const n = draws[0].length;
  draws.forEach((x, k) => {
    let distance = 0;
    for (let i = 0; i < n; i++) distance += Math.abs(x[i] - y);
    scores.distance[k] += (weight * distance) / n;
    for (let l = 0; l <= k; l++) {
      let sum = 0;
      // Never a draw with the one of its own place: those two are not independent.
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) if (i !== j) sum += Math.abs(x[i] - draws[l][j]);
      scores.spread[k][l] += (weight * sum) / (n * (n - 1));
      if (l !== k) scores.spread[l][k] = scores.spread[k][l];
    }
  });
}

const ROUNDS = 20_000;
/** Distance to the minimum, relative to the score, that is small enough. */
const TOLERANCE = 1e-5;

/** Exponentiated gradient, until its own bound on what is left to gain is small. Throws SWARM_E_FIT_FAILED. */
export function poolWeights(train: TrainingData, { distance, spread }: PoolScores): number[] {
  let weights: number[] = Array.from(distance, () => 1 / distance.length);
  const size = distance.reduce((a, b) => a + b, 0) / distance.length;
  for (let round = 0; round < ROUNDS; round++) {
    const slope = Array.from(
      distance,
      (d, k) => (d - weights.reduce((sum, w, l) => sum + w * spread[k][l], 0)) / size,
    );
    const mean = slope.reduce((sum, s, k) => sum + weights[k] * s, 0);
    if (mean - Math.min(...slope) < TOLERANCE) return weights;
    const raw = weights.map((w, k) => w * Math.exp(-5 * (slope[k] - mean)));
    const sum = raw.reduce((a, b) => a + b, 0);
    weights = raw.map((w) => w / sum);
  }
  throw noConvergence(train, 'the weights of the pool');
}
