// The tail of innovations: degrees of freedom of a unit-variance t, by maximum likelihood.
// Promises: deterministic; level and tail are found together, so a biased variance does not pass for a fat tail.
// Leaves to others: the variance states that standardise the returns.

import { minimise } from './simplex.js';
import { GAUSSIAN_NU, MIN_NU, studentLogConstant } from './student.js';
import { MIN_RETURNS, noConvergence, type TrainingData, tooFew } from './training.js';

const MAX_SAMPLE = 20_000;

/** nu in [2.1, 200] of r[i + 1] / sqrt(state[i]). Throws SWARM_E_BARS_TOO_FEW or SWARM_E_FIT_FAILED. */
export function fitTail(
  train: TrainingData,
  runs: readonly Float64Array[],
  states: readonly Float64Array[],
): number {
  const squares: number[] = [];
  runs.forEach((run, r) => {
    for (let i = 0; i + 1 < run.length; i++) {
      if (states[r][i] > 0) squares.push((run[i + 1] * run[i + 1]) / states[r][i]);
    }
  });
  return fitTailOf(train, squares);
}

/** nu in [2.1, 200] of innovations given by their squares, of any size. Throws as fitTail does. */
export function fitTailOf(train: TrainingData, squares: readonly number[]): number {
  if (squares.length < MIN_RETURNS) {
    throw tooFew(train, squares.length);
  }
  const stride = Math.ceil(squares.length / MAX_SAMPLE);
  const sample = squares.filter((_, i) => i % stride === 0);
  const found = minimise(
    (x) => meanLoss(sample, Math.exp(x[0]), nuOf(x[1])),
    [0, Math.log(3)],
    0.4,
    1e-7,
    400,
  );
  if (!found.converged) throw noConvergence(train, 'the tail');
  return nuOf(found.x[1]);
}

export function nuOf(x: number): number {
  return Math.min(GAUSSIAN_NU, MIN_NU + Math.exp(x));
}

function meanLoss(squares: readonly number[], level: number, nu: number): number {
  const inverse = 1 / ((nu - 2) * level);
  let sum = 0;
  for (const q of squares) sum += Math.log1p(q * inverse);
  return ((nu + 1) / 2) * (sum / squares.length) + 0.5 * Math.log(level) - studentLogConstant(nu);
}
