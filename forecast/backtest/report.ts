// What a walk forward says: means, gains with honest errors, by interval, by regime, and calibration.
// Promises: slices and intervals add up to the whole; a gain that cannot be computed is null, never 0.
// Leaves to others: printing and drawing.
import type { Bars } from '../bars.js';
import type { EvaluatedCompetition } from '../evaluate.js';
import { pairedGain } from '../score/gain.js';
import { windowSetDigest } from '../windows.js';
import { type Calibration, calibration, PIT_AT } from './pit.js';
import type { WindowScore } from './scorer.js';
import { regimesOf } from './slices.js';
import type { Walk } from './walk-forward.js';

export interface Gain {
  readonly gain: number;
  readonly se: number;
}

/** Mean scores (bps) of the three models on some windows, and the model's gain over the other two. */
export interface Comparison {
  readonly n: number;
  readonly model: number;
  readonly yardstick: number;
  readonly reference: number;
  readonly over_yardstick: Gain | null;
  readonly over_reference: Gain | null;
}

export interface Named extends Comparison {
  readonly name: string;
}

export interface BacktestReport {
  readonly windows_digest: string;
  /** Windows of autocorrelation in the standard errors. */
  readonly lag: number;
  readonly total: Comparison;
  readonly intervals: readonly Named[];
  readonly regimes: readonly { readonly regime: string; readonly slices: readonly Named[] }[];
  readonly calibration: readonly Calibration[];
}

type Of = (score: WindowScore) => number;

/** Compares the three models on the windows at these positions. */
function compare(walk: Walk, of: Of, lag: number, at?: readonly number[]): Comparison {
  const pick = (rows: readonly WindowScore[]): Float64Array =>
    Float64Array.from(at === undefined ? rows : at.map((i) => rows[i]), of);
  const [model, yardstick, reference] = [pick(walk.model), pick(walk.yardstick), pick(walk.reference)];
  return {
    n: model.length,
    model: mean(model),
    yardstick: mean(yardstick),
    reference: mean(reference),
    over_yardstick: gainOver(yardstick, model, lag),
    over_reference: gainOver(reference, model, lag),
  };
}

/** Null on fewer than two windows, or where the base has nothing to lose. */
function gainOver(base: Float64Array, model: Float64Array, lag: number): Gain | null {
  if (base.length < 2 || !(mean(base) > 0)) return null;
  const { gain, se } = pairedGain(base, model, { lag: Math.min(lag, base.length - 1) });
  return { gain, se };
}

const mean = (xs: Float64Array): number => xs.reduce((sum, x) => sum + x, 0) / xs.length;

export function report(
  walk: Walk,
  bars: Bars,
  competition: EvaluatedCompetition,
  lag: number,
): BacktestReport {
  const starts = walk.model.map(({ t0 }) => t0);
  const total: Of = (score) => score.total;
  return {
    windows_digest: windowSetDigest(starts),
    lag,
    total: compare(walk, total, lag),
    intervals: competition.intervals.map(({ name }, k) => ({
      name,
      ...compare(walk, (score) => score.intervals[k], lag),
    })),
    regimes: regimesOf(bars, starts, competition.horizon_s).map(({ regime, slices }) => ({
      regime,
      slices: slices
        .filter(({ at }) => at.length > 0)
        .map(({ name, at }) => ({ name, ...compare(walk, total, lag, at) })),
    })),
    calibration: PIT_AT.map((at, k) =>
      calibration(
        at,
        walk.model.map(({ pit }) => pit[k]),
      ),
    ),
  };
}

/** The window whose score is the median: neither the best nor the worst to show. */
export function medianWindow(rows: readonly WindowScore[]): number {
  const sorted = [...rows].sort((a, b) => a.total - b.total || a.t0 - b.t0);
  return sorted[Math.floor((sorted.length - 1) / 2)].t0;
}
