// The law of a fitted recursion: its variance along training runs, its paths, and what variance it expects.
// Promises: deterministic. Expectations are means over a few stratified paths: iterating with the mean square of a shock
// would be exact for recursions that are linear in r^2 and wrong for all others (a log variance, say).
// Leaves to others: fitting, and the graph.

import type { Filtered, Law, Start } from '../compose/volatility.js';
import type { BlockSet } from '../fit/level.js';
import { machine } from './machine.js';
import { shockTable } from './shocks.js';
import type { Tape } from './tape.js';

const PATHS = 32;
/** Later steps are expected to be as the last of these on average: by then the beginning is forgotten, or refused. */
const MAX_AHEAD = 720;
/** Elementary operations that all expectations of a level fit together may take. */
const BUDGET = 6e8;
const ORIGINS = 1500;

export interface Recursion {
  /** With parameters as constants. */
  readonly tape: Tape;
  /** Variance of the training returns, which the recursion takes for 1. */
  readonly variance: number;
  readonly nu: number;
}

export function recursionLaw({ tape, variance, nu }: Recursion, bars: number, horizonSteps: number): Law {
  const unit = Math.sqrt(variance);
  const expectedFrom = expectations(tape, nu, horizonSteps);
  return {
    filter: (runs) => filtered(tape, runs, variance, bars, expectedFrom),
    start(history): Start {
      const m = machine(tape);
      for (const v of history ?? []) {
        m.open();
        m.close(v / unit, v / unit / m.deviation());
      }
      const first = m.states.slice();
      let sums: Float64Array | undefined;
      return {
        unit,
        expected(h) {
          if (h === 0) {
            m.states.set(first);
            return m.open();
          }
          sums ??= expectedFrom(first);
          return sumTo(sums, h + 1) - sumTo(sums, h);
        },
        walker() {
          const own = machine(tape);
          own.states.set(first);
          return {
            step(shock) {
              own.open();
              const r = own.deviation() * shock;
              own.close(r, shock);
              return r;
            },
          };
        },
      };
    },
  };
}

function filtered(
  tape: Tape,
  runs: readonly Float64Array[],
  variance: number,
  bars: number,
  expectedFrom: (states: Float64Array) => Float64Array,
): Filtered {
  const m = machine(tape);
  const unit = Math.sqrt(variance);
  const width = m.states.length;
  const states = runs.map((run) => new Float64Array(run.length * width));
  const variances = runs.map((run, k) => {
    m.reset();
    m.open();
    return run.map((v, i) => {
      const r = v / unit;
      m.close(r, r / m.deviation());
      states[k].set(m.states, i * width);
      const next = variance * m.open();
      return i + 2 < bars ? Number.NaN : next;
    });
  });
  const known = new Map<string, Float64Array>();
  const blockVariance = (run: number, i: number, { lead, length }: BlockSet): number => {
    if (i + 2 < bars) return Number.NaN;
    const key = `${run}/${i}`;
    let sums = known.get(key);
    if (sums === undefined) {
      sums = expectedFrom(states[run].subarray(i * width, (i + 1) * width));
      known.set(key, sums);
    }
    return variance * (sumTo(sums, lead + length) - sumTo(sums, lead));
  };
  return { variance: variances, blockVariance };
}

/** Sums of expected variances over the first 0, 1, 2, ... steps after given states. */
function expectations(tape: Tape, nu: number, horizonSteps: number): (states: Float64Array) => Float64Array {
  const steps = Math.min(MAX_AHEAD, Math.max(1, horizonSteps));
  const affordable = BUDGET / (ORIGINS * steps * tape.steps.length);
  const paths = Math.min(PATHS, Math.max(4, 2 * Math.floor(affordable / 2)));
  let shocks: Float64Array | undefined;
  const m = machine(tape);
  return (states) => {
    shocks ??= shockTable(nu, steps, paths);
    const sums = new Float64Array(steps + 1);
    for (let p = 0; p < paths; p++) {
      m.states.set(states);
      for (let h = 0; h < steps; h++) {
        sums[h + 1] += m.open();
        const shock = shocks[h * paths + p];
        m.close(m.deviation() * shock, shock);
      }
    }
    for (let h = 0; h < steps; h++) sums[h + 1] = sums[h] + sums[h + 1] / paths;
    return sums;
  };
}

/** The sum over the first n steps; beyond the last one known, as over the last third. */
function sumTo(sums: Float64Array, n: number): number {
  const last = sums.length - 1;
  if (n <= last) return sums[n];
  const from = Math.floor((2 * last) / 3);
  return sums[last] + ((n - last) * (sums[last] - sums[from])) / (last - from);
}
