// The law of a fitted recursion: its variance along training runs, its paths, and what variance it expects.
// Promises: deterministic. Expected variances follow the states' means, times what many paths from rest find that to be
// wrong by, step by step: exact, but for the paths' noise, where a variance is linear in r^2 (GARCH) and where its
// logarithm is linear in functions of z (EGARCH); close elsewhere. Fitting the level corrects what is left on average.
// Leaves to others: fitting, and the graph.

import type { Filtered, Law, Start } from '../compose/volatility.js';
import type { BlockSet } from '../fit/level.js';
import { type Machine, machine } from './machine.js';
import { shockTable } from './shocks.js';
import { type Tape, workOf } from './tape.js';

/** Shocks that each state's mean is taken over. */
const NODES = 16;
/** Paths that say, once and from rest, how far the variance of mean states is from the mean variance. */
const PATHS = 2048;
/** Later steps are expected to be as the last of these on average: by then the beginning is forgotten, or refused. */
const MAX_AHEAD = 720;
/** Elementary operations that the expectations of one level fit may take; it looks ahead from so many origins. */
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
  expectedFrom: (states: ArrayLike<number>) => Float64Array,
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
function expectations(
  tape: Tape,
  nu: number,
  horizonSteps: number,
): (states: ArrayLike<number>) => Float64Array {
  const steps = Math.min(MAX_AHEAD, Math.max(1, horizonSteps));
  const m = machine(tape);
  const affordable = (origins: number) => Math.floor(BUDGET / (origins * steps * workOf(tape)));
  let nodes: Float64Array | undefined;
  let correction = new Float64Array();
  return (states) => {
    if (nodes === undefined) {
      nodes = shockTable(nu, 1, Math.max(4, Math.min(NODES, affordable(ORIGINS))));
      const paths = Math.max(64, Math.min(PATHS, affordable(1)));
      const mean = meanVariances(m, tape.initial, shockTable(nu, steps, paths), steps);
      const central = ofMeanStates(m, tape.initial, nodes, steps);
      correction = mean.map((v, h) => v / central[h]);
    }
    const sums = new Float64Array(steps + 1);
    ofMeanStates(m, states, nodes, steps).forEach((v, h) => {
      sums[h + 1] = sums[h] + v * correction[h];
    });
    return sums;
  };
}

/** Mean variance of each step over paths of shocks [steps x paths]. */
function meanVariances(
  m: Machine,
  states: ArrayLike<number>,
  shocks: Float64Array,
  steps: number,
): Float64Array {
  const out = new Float64Array(steps);
  const paths = shocks.length / steps;
  for (let p = 0; p < paths; p++) {
    m.states.set(states);
    for (let h = 0; h < steps; h++) {
      out[h] += m.open() / paths;
      const shock = shocks[h * paths + p];
      m.close(m.deviation() * shock, shock);
    }
  }
  return out;
}

/** Variance of each step along the one path on which every state goes to its mean over the shocks. */
function ofMeanStates(
  m: Machine,
  states: ArrayLike<number>,
  shocks: Float64Array,
  steps: number,
): Float64Array {
  const out = new Float64Array(steps);
  const mean = new Float64Array(states.length);
  m.states.set(states);
  for (let h = 0; h < steps; h++) {
    out[h] = m.open();
    mean.fill(0);
    for (let k = 0; k < shocks.length; k++) {
      m.close(m.deviation() * shocks[k], shocks[k]);
      for (let s = 0; s < mean.length; s++) mean[s] += m.states[s] / shocks.length;
    }
    m.states.set(mean);
  }
  return out;
}

/** The sum over the first n steps; beyond the last one known, as over the last third. */
function sumTo(sums: Float64Array, n: number): number {
  const last = sums.length - 1;
  if (n <= last) return sums[n];
  const from = Math.floor((2 * last) / 3);
  return sums[last] + ((n - last) * (sums[last] - sums[from])) / (last - from);
}
