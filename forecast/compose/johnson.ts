// Johnson's SU law, standardised: a skewed, fat-tailed law that is a closed map of a normal.
// Promises: mean 0 and variance 1 for every skew and tail; maximum likelihood that says when it did not converge.
// Leaves to others: the residuals. Johnson (1949), Biometrika 36.
import { mapOf } from '../fit/map.js';
import { minimise } from '../fit/simplex.js';
import { noConvergence, type TrainingData } from '../fit/training.js';

interface Johnson {
  /** Above 0 the long tail is on the left: skew moves the centre to larger z. */
  readonly skew: number;
  /** Small is fat; towards infinity the law is normal. */
  readonly tail: number;
}

const MAX_SKEW = 2;
const TAIL = { min: 0.7, max: 20 };

/** Mean and standard deviation of sinh((Z - skew) / tail). */
function moments({ skew, tail }: Johnson): { mean: number; deviation: number } {
  const w = Math.exp(1 / (tail * tail));
  const mean = -Math.sqrt(w) * Math.sinh(skew / tail);
  return { mean, deviation: Math.sqrt(((w - 1) / 2) * (w * Math.cosh((2 * skew) / tail) + 1)) };
}

export function johnsonMap(skew: number, tail: number): Float64Array {
  const { mean, deviation } = moments({ skew, tail });
  return mapOf((z) => (Math.sinh((z - skew) / tail) - mean) / deviation);
}

/** Fits what is not given, together with the residuals' standard deviation. Throws SWARM_E_FIT_FAILED. */
export function fitJohnson(
  train: TrainingData,
  residuals: Float64Array,
  wanted: { readonly skew: number | 'fit'; readonly tail: number | 'fit' },
): Johnson & { readonly size: number } {
  const ratio = Math.log(TAIL.max / TAIL.min);
  const read = (x: readonly number[]): Johnson => ({
    skew: wanted.skew === 'fit' ? MAX_SKEW * Math.tanh(x[1]) : wanted.skew,
    tail: wanted.tail === 'fit' ? TAIL.min * Math.exp(ratio / (1 + Math.exp(-x[2]))) : wanted.tail,
  });
  const found = minimise((x) => meanLoss(residuals, Math.exp(x[0]), read(x)), [0, 0, -0.5], 0.3, 1e-7, 500);
  if (!found.converged) throw noConvergence(train, 'the Johnson law');
  return { ...read(found.x), size: Math.exp(found.x[0]) };
}

/** Mean negative log likelihood, without its constant. */
function meanLoss(residuals: Float64Array, size: number, law: Johnson): number {
  const { mean, deviation } = moments(law);
  const slope = deviation / size;
  let sum = 0;
  for (const e of residuals) {
    const y = mean + slope * e;
    const z = law.skew + law.tail * Math.asinh(y);
    sum += 0.5 * z * z + 0.5 * Math.log1p(y * y);
  }
  return sum / residuals.length - Math.log(law.tail * slope);
}
