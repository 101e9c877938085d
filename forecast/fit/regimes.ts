// Two regimes of variance that switch as a Markov chain (Hamilton 1989), by maximum likelihood with t innovations.
// Promises: the second regime is the livelier one; chances of switching stay below one half; deterministic.
// Leaves to others: the level for scoring, and the training window.
import { minimise } from './simplex.js';
import { studentLogConstant } from './student.js';
import { nuOf } from './tail.js';
import { noConvergence, type TrainingData, type TrainingReturns } from './training.js';

/** Variances in units of the long-run variance; chances per step of entering and leaving the lively regime. */
export interface Regimes {
  readonly low: number;
  readonly high: number;
  readonly enter: number;
  readonly leave: number;
  /** Degrees of freedom that the filter assumes. */
  readonly filter_nu: number;
}

/** The filter sees at most this much evidence in one return, as a logarithm: keeps single precision finite. */
export const MAX_EVIDENCE = 30;
const MAX_RETURNS = 12_000;
const TOLERANCE = 1e-7;
const MAX_CALLS = 900;
const LARGE_NU = 1000;

/** Long-run share of the lively regime. */
export function livelyShare(p: Regimes): number {
  return p.enter / (p.enter + p.leave);
}

/** Log density ratio of a squared return, lively over calm. */
export function evidence(p: Regimes, square: number): number {
  const q = square / (p.filter_nu - 2);
  const ratio = ((p.filter_nu + 1) / 2) * Math.log((1 + q / p.low) / (1 + q / p.high));
  return Math.min(MAX_EVIDENCE, Math.max(-MAX_EVIDENCE, ratio - 0.5 * Math.log(p.high / p.low)));
}

/** Chance of the lively regime in the next step, after a squared return. */
export function livelyNext(p: Regimes, lively: number, square: number): number {
  const weight = lively * Math.exp(evidence(p, square));
  return p.enter + (weight / (weight + 1 - lively)) * (1 - p.enter - p.leave);
}

/** Fits on the last 12,000 returns; `nu` a number fixes it. Throws SWARM_E_FIT_FAILED. */
export function fitRegimes(train: TrainingData, returns: TrainingReturns, nu: number | 'fit'): Regimes {
  const squares = lastSquares(returns);
  const chance = (x: number): number => 0.5 / (1 + Math.exp(-x));
  const read = (x: readonly number[]): Regimes => {
    const low = Math.exp(x[0]);
    const filter_nu = nu === 'fit' ? nuOf(x[4]) : Math.min(nu, LARGE_NU);
    return { low, high: low * (1 + Math.exp(x[1])), enter: chance(x[2]), leave: chance(x[3]), filter_nu };
  };
  const loss = (x: readonly number[]) => meanLoss(squares, read(x));
  const start = [Math.log(0.5), Math.log(3), -4, -3, ...(nu === 'fit' ? [Math.log(4)] : [])];
  const first = minimise(loss, start, 0.7, 1e-5, MAX_CALLS);
  const found = minimise(loss, first.x, 0.2, TOLERANCE, MAX_CALLS);
  if (!found.converged) throw noConvergence(train, 'the regimes');
  return read(found.x);
}

/** Squares over the long-run variance, the latest runs last. */
function lastSquares({ runs, variance }: TrainingReturns): Float64Array[] {
  const out: Float64Array[] = [];
  let room = MAX_RETURNS;
  for (const run of [...runs].reverse()) {
    if (room > 0) out.unshift(run.slice(-room).map((r) => (r * r) / variance));
    room -= run.length;
  }
  return out;
}

function meanLoss(runs: readonly Float64Array[], p: Regimes): number {
  const inverse = 1 / (p.filter_nu - 2);
  const power = (p.filter_nu + 1) / 2;
  const height = Math.sqrt(p.low / p.high);
  const persistence = 1 - p.enter - p.leave;
  let [tails, sums, count] = [0, 0, 0];
  for (const run of runs) {
    let lively = livelyShare(p);
    let product = 1;
    for (let i = 0; i < run.length; i++) {
      const q = run[i] * inverse;
      const calm = 1 + q / p.low;
      const log = Math.log(calm);
      tails += log;
      const weight = lively * height * Math.exp(power * (log - Math.log(1 + q / p.high)));
      const sum = weight + 1 - lively;
      product *= sum;
      // Far out, one return can be 1e13 times likelier in the lively regime.
      if ((i & 7) === 7 || product > 1e200) {
        sums += Math.log(product);
        product = 1;
      }
      lively = p.enter + (weight / sum) * persistence;
    }
    sums += Math.log(product);
    count += run.length;
  }
  return (power * tails - sums) / count + 0.5 * Math.log(p.low) - studentLogConstant(p.filter_nu);
}
