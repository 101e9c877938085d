// GARCH(1,1) and GJR by maximum likelihood with t innovations and variance targeting.
// Promises: stationary by construction (persistence < 1), alpha and alpha + gamma non-negative, deterministic.
// Leaves to others: the level for scoring, and the training window.
import { minimise } from './simplex.js';
import { GAUSSIAN_NU, studentLogConstant } from './student.js';
import { nuOf } from './tail.js';
import { noConvergence, type TrainingData, type TrainingReturns } from './training.js';

/** Variance in units of its long-run mean: u' = (1 - persistence) + (alpha + gamma [r < 0]) r^2 + beta u. */
export interface GarchLaw {
  readonly alpha: number;
  readonly gamma: number;
  readonly beta: number;
}
interface Garch extends GarchLaw {
  readonly nu: number;
}

const MAX_PERSISTENCE = 0.9999;
/** Mean log likelihood per return; 1e-8 times 26,000 returns is far below one unit of deviance. */
const TOLERANCE = 1e-8;
const MAX_CALLS = 600;

export function persistence(g: GarchLaw): number {
  return g.alpha + g.gamma / 2 + g.beta;
}

/** Fits the recursion; `nu` a number fixes it. Throws SWARM_E_FIT_FAILED when no start converges. */
export function fitGarch(
  train: TrainingData,
  returns: TrainingReturns,
  shape: { readonly gjr: boolean; readonly nu: number | 'fit' },
): Garch {
  const unit = 1 / Math.sqrt(returns.variance);
  const runs = returns.runs.map((run) => run.map((r) => r * unit));
  const read = (x: readonly number[]): Garch => {
    const sum = MAX_PERSISTENCE * logistic(x[0]);
    const reaction = sum * logistic(x[1]);
    const skew = shape.gjr ? Math.tanh(x[2]) : 0;
    const nu = shape.nu === 'fit' ? nuOf(x[shape.gjr ? 3 : 2]) : shape.nu;
    return { alpha: reaction * (1 - skew), gamma: 2 * reaction * skew, beta: sum - reaction, nu };
  };
  const rest = [...(shape.gjr ? [0.05] : []), ...(shape.nu === 'fit' ? [Math.log(3)] : [])];
  // Two starts: quick reaction, and near-integrated. The likelihood has a ridge between them.
  const found = [
    [4, -2],
    [6, -3.5],
  ].map((x) =>
    minimise((p) => meanLoss(runs, returns.count, read(p)), [...x, ...rest], 0.5, TOLERANCE, MAX_CALLS),
  );
  const best = found.filter((m) => m.converged).sort((a, b) => a.value - b.value)[0];
  if (best === undefined) throw noConvergence(train, 'GARCH');
  return read(best.x);
}

/** Mean negative log likelihood of unit-variance returns; each run starts from the long-run variance. */
function meanLoss(runs: readonly Float64Array[], count: number, g: Garch): number {
  const omega = 1 - persistence(g);
  const down = g.alpha + g.gamma;
  const gaussian = g.nu >= GAUSSIAN_NU;
  const inverse = gaussian ? 1 : 1 / (g.nu - 2);
  let logVariance = 0;
  let tails = 0;
  for (const run of runs) {
    let u = 1;
    // Eight factors to one logarithm: logs were two thirds of the fit's time.
    let uProduct = 1;
    let tailProduct = 1;
    for (let i = 0; i < run.length; i++) {
      const r = run[i];
      const square = r * r;
      uProduct *= u;
      if (gaussian) tails += square / u;
      else tailProduct *= 1 + (square * inverse) / u;
      if ((i & 7) === 7) {
        logVariance += Math.log(uProduct);
        uProduct = 1;
        tails += gaussian ? 0 : Math.log(tailProduct);
        tailProduct = 1;
      }
      u = omega + (r < 0 ? down : g.alpha) * square + g.beta * u;
    }
    logVariance += Math.log(uProduct);
    if (!gaussian) tails += Math.log(tailProduct);
  }
  if (gaussian) return (0.5 * (logVariance + tails)) / count;
  return (0.5 * logVariance + ((g.nu + 1) / 2) * tails) / count - studentLogConstant(g.nu);
}

/** Per run, the variance (in long-run units) of the next return after each return. */
export function garchStates(runs: readonly Float64Array[], variance: number, g: GarchLaw): Float64Array[] {
  const omega = 1 - persistence(g);
  return runs.map((run) => {
    let u = 1;
    return run.map((r) => {
      u = omega + ((g.alpha + (r < 0 ? g.gamma : 0)) * r * r) / variance + g.beta * u;
      return u;
    });
  });
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
