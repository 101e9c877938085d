// Maximum likelihood for the parameters of a recursion, with t shocks.
// Promises: parameters stay inside their bounds, work is bounded, deterministic; says why when there is no optimum.
// Leaves to others: whether the fitted recursion settles (stability.ts), and the level.
import { minimise } from '../fit/simplex.js';
import { GAUSSIAN_NU, studentLogConstant } from '../fit/student.js';
import { nuOf } from '../fit/tail.js';
import { noConvergence, type TrainingData, type TrainingReturns } from '../fit/training.js';
import type { Param, Program } from './checker.js';
import { compiled } from './compile.js';
import { type Machine, machine } from './machine.js';
import { workOf } from './tape.js';

/** Of mean log likelihoods per return, as for GARCH. */
const TOLERANCE = 1e-8;
/** A restart that gains less has found the same optimum: a quarter of a unit of log likelihood in 26,000 returns. */
const SAME = 1e-5;
const RESTARTS = 2;
/** Elementary operations that a fit may take. */
const BUDGET = 1.5e9;
/** Starts keep this far from a bound, on the way between the two. */
const EDGE = 0.002;

/** Where the optimiser's x puts a parameter: between its bounds, in proportion where they span orders of magnitude. */
function inside({ lo, hi }: Param, x: number): number {
  const u = 1 / (1 + Math.exp(-x));
  return isLog({ lo, hi }) ? lo * (hi / lo) ** u : lo + (hi - lo) * u;
}

function outside({ lo, hi, start }: Param): number {
  const share = isLog({ lo, hi }) ? Math.log(start / lo) / Math.log(hi / lo) : (start - lo) / (hi - lo);
  const u = Math.min(1 - EDGE, Math.max(EDGE, share));
  return Math.log(u / (1 - u));
}

function isLog({ lo, hi }: { readonly lo: number; readonly hi: number }): boolean {
  return lo > 0 && hi / lo >= 30;
}

/**
 * Parameters in the order of the program; `nu` a number fixes it. Throws SWARM_E_FIT_FAILED where `budget` elementary
 * operations find no optimum.
 */
export function fitRecursion(
  train: TrainingData,
  returns: TrainingReturns,
  program: Program,
  nu: number | 'fit',
  budget = BUDGET,
): { readonly values: readonly number[]; readonly nu: number } {
  const { params } = program;
  const read = (x: readonly number[]) => ({
    values: params.map((p, i) => inside(p, x[i])),
    nu: nu === 'fit' ? nuOf(x[params.length]) : nu,
  });
  const start = [...params.map(outside), ...(nu === 'fit' ? [Math.log(4)] : [])];
  if (start.length === 0) return read(start);
  const tape = compiled(program);
  const m = machine(tape);
  const unit = 1 / Math.sqrt(returns.variance);
  const runs = returns.runs.map((run) => run.map((r) => r * unit));
  const loss = (x: readonly number[]): number => {
    const at = read(x);
    m.setParams(at.values);
    return meanLoss(m, runs, returns.count, at.nu);
  };
  const most = Math.min(250 + 250 * start.length, Math.floor(budget / (returns.count * workOf(tape))));
  let best = minimise(loss, start, 0.5, TOLERANCE, Math.max(start.length + 2, Math.floor(most / 2)));
  let settled = false;
  // Restarted where it ended: a simplex goes flat along ridges, and stops there.
  for (let k = 0; k < RESTARTS && !settled; k++) {
    const again = minimise(loss, best.x, 0.25, TOLERANCE, Math.max(start.length + 2, Math.floor(most / 4)));
    settled = best.value - again.value < SAME && (again.converged || best.converged || k > 0);
    if (again.value <= best.value) best = again;
  }
  if (!settled) throw noConvergence(train, `the recursion (${start.length} parameters, ${most} evaluations)`);
  return read(best.x);
}

/** Mean negative log likelihood; each run starts from the initial states. */
function meanLoss(m: Machine, runs: readonly Float64Array[], count: number, nu: number): number {
  const gaussian = nu >= GAUSSIAN_NU;
  const inverse = gaussian ? 0 : 1 / (nu - 2);
  let logVariance = 0;
  let tails = 0;
  for (const run of runs) {
    m.reset();
    // Eight factors to one logarithm: variances stay within 1e-6 and 1e6.
    let variances = 1;
    let product = 1;
    for (let i = 0; i < run.length; i++) {
      const r = run[i];
      variances *= m.open();
      const z = r / m.deviation();
      if (gaussian) tails += z * z;
      else product *= 1 + z * z * inverse;
      if ((i & 7) === 7) {
        logVariance += Math.log(variances);
        variances = 1;
        if (!gaussian) tails += Math.log(product);
        product = 1;
      }
      m.close(r, z);
    }
    logVariance += Math.log(variances);
    if (!gaussian) tails += Math.log(product);
  }
  if (gaussian) return (0.5 * (logVariance + tails)) / count;
  return (0.5 * logVariance + ((nu + 1) / 2) * tails) / count - studentLogConstant(nu);
}
