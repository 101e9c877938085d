// EGARCH(1,1) (Nelson 1991) by maximum likelihood with t innovations.
// Promises: stationary (|beta| < 1), deterministic; log variance kept within 6 of its mean, in fits and models alike.
// Leaves to others: the level for scoring, and the training window.
import { minimise } from './simplex.js';
import { GAUSSIAN_NU, studentLogConstant, studentMeanSize } from './student.js';
import { nuOf } from './tail.js';
import { noConvergence, type TrainingData, type TrainingReturns } from './training.js';

/** Log variance over the long-run variance: l' = mean + beta (l - mean) + alpha (|x| - size) + gamma x, x the shock. */
export interface Egarch {
  readonly alpha: number;
  readonly gamma: number;
  readonly beta: number;
  readonly mean: number;
  /** E|x|. */
  readonly size: number;
}

export const LOG_REACH = 6;
const TOLERANCE = 1e-8;
const MAX_CALLS = 1200;

export function egarchNext(p: Egarch, l: number, x: number): number {
  const next = p.mean + p.beta * (l - p.mean) + p.alpha * (Math.abs(x) - p.size) + p.gamma * x;
  return Math.min(p.mean + LOG_REACH, Math.max(p.mean - LOG_REACH, next));
}

/** Fits the recursion; `nu` a number fixes it. Throws SWARM_E_FIT_FAILED. */
export function fitEgarch(
  train: TrainingData,
  returns: TrainingReturns,
  nu: number | 'fit',
): Egarch & { readonly nu: number } {
  const unit = 1 / Math.sqrt(returns.variance);
  const runs = returns.runs.map((run) => run.map((r) => r * unit));
  const read = (x: readonly number[]) => {
    const tail = nu === 'fit' ? nuOf(x[4]) : nu;
    const beta = 1 / (1 + Math.exp(-x[0]));
    return { beta, alpha: x[1], gamma: x[2], mean: x[3], size: studentMeanSize(tail), nu: tail };
  };
  const start = [3.5, 0.15, 0.02, -0.1, ...(nu === 'fit' ? [Math.log(4)] : [])];
  const loss = (x: readonly number[]) => meanLoss(runs, returns.count, read(x));
  // Restarted where it ended: Nelder-Mead's simplex goes flat along the ridge of alpha and beta.
  const first = minimise(loss, start, 0.3, 1e-6, MAX_CALLS);
  const found = minimise(loss, first.x, 0.1, TOLERANCE, MAX_CALLS);
  if (!found.converged) throw noConvergence(train, 'EGARCH');
  return read(found.x);
}

function meanLoss(runs: readonly Float64Array[], count: number, p: Egarch & { readonly nu: number }): number {
  const gaussian = p.nu >= GAUSSIAN_NU;
  const inverse = gaussian ? 0 : 1 / (p.nu - 2);
  let logs = 0;
  let tails = 0;
  for (const run of runs) {
    let l = p.mean;
    let product = 1;
    for (let i = 0; i < run.length; i++) {
      const x = run[i] * Math.exp(-0.5 * l);
      logs += l;
      if (gaussian) tails += x * x;
      else product *= 1 + x * x * inverse;
      if ((i & 7) === 7) {
        tails += gaussian ? 0 : Math.log(product);
        product = 1;
      }
      l = egarchNext(p, l, x);
    }
    if (!gaussian) tails += Math.log(product);
  }
  if (gaussian) return (0.5 * (logs + tails)) / count;
  return (0.5 * logs + ((p.nu + 1) / 2) * tails) / count - studentLogConstant(p.nu);
}
