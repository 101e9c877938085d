// Market bars: closes on a fixed grid, with holes where the source had none.
// Promises: nothing is ever filled or interpolated, and no function here looks past the moment it is given.
// Leaves to others: fetching, storing, and deciding what a closed market means.
import { createHash } from 'node:crypto';
import { ForecastError } from './errors.js';

export { type ParsedBars, parseBarsCsv } from './bars-csv.js';

export interface Bars {
  readonly asset: string;
  /** Seconds from a bar's open to its close. */
  readonly step: number;
  /** Bar opens, unix seconds, strictly increasing multiples of `step`. Bar i closes at `open_s[i] + step`. */
  readonly open_s: Float64Array;
  /** Last traded price of the bar, in quote currency. */
  readonly close: Float64Array;
}

/** sha256 (hex) of asset, step, count, opens and closes; numbers as little-endian doubles. */
export function barsDigest(b: Bars): string {
  const hash = createHash('sha256');
  hash.update(`bars/1\0${b.asset}\0`);
  hash.update(littleEndian([b.step, b.open_s.length]));
  hash.update(littleEndian(b.open_s));
  hash.update(littleEndian(b.close));
  return hash.digest('hex');
}

/** Maximal index ranges [from, to) without a missing bar. A return exists only inside one of them. */
export function segments(b: Bars): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  const n = b.open_s.length;
  let from = 0;
  for (let i = 1; i <= n; i++) {
    if (i < n && b.open_s[i] - b.open_s[i - 1] === b.step) continue;
    runs.push({ from, to: i });
    from = i;
  }
  return n === 0 ? [] : runs;
}

/** Index of the last bar with `open_s[i] <= open_s`, or -1. */
export function indexAtOrBefore(b: Bars, open_s: number): number {
  let lo = 0;
  let hi = b.open_s.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (b.open_s[mid] <= open_s) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
}

/**
 * Natural log closes, shape [n], of the last n bars whose close time is at or before `asOf_s`.
 * Throws SWARM_E_BARS_TOO_FEW when there are not n, SWARM_E_BARS_GAP when one of them is missing or when the
 * last one closed more than two steps before `asOf_s`.
 */
export function contiguousHistory(b: Bars, asOf_s: number, n: number): Float64Array {
  const last = indexAtOrBefore(b, asOf_s - b.step);
  const first = last - n + 1;
  if (!(Number.isInteger(n) && n > 0) || first < 0) {
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${b.asset}: ${n} bars of ${b.step} s needed as of ${asOf_s}, ${last + 1} exist`,
      'load earlier bars or use a model with a shorter history',
    );
  }
  const age = asOf_s - (b.open_s[last] + b.step);
  if (age > 2 * b.step || b.open_s[last] - b.open_s[first] !== (n - 1) * b.step) {
    const why = age > 2 * b.step ? `the last bar closed ${age} s earlier` : `one of the last ${n} is missing`;
    throw new ForecastError(
      'SWARM_E_BARS_GAP',
      `${b.asset}: no contiguous ${b.step} s bars as of ${asOf_s}: ${why}`,
      'skip this window: gaps are never filled',
    );
  }
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = Math.log(b.close[first + i]);
  return out;
}

/** Of what a model reads: how many bars, and whether some of them may be missing. */
export interface HistoryNeed {
  readonly history_bars: number;
  readonly history_gaps?: true | undefined;
  readonly history_observed?: number | undefined;
}

/** Fewer observed bars than this say nothing, however long the grid; a model may want more. */
const MIN_OBSERVED = 64;

/**
 * Natural log closes on the grid, oldest first, of the bars that closed at or before `asOf_s`, shape [history_bars].
 * A model that takes gaps gets NaN where a bar is missing, up to the present; any other gets contiguousHistory.
 * Throws SWARM_E_BARS_TOO_FEW or SWARM_E_BARS_GAP.
 */
export function historyFor(b: Bars, asOf_s: number, need: HistoryNeed): Float64Array {
  const n = need.history_bars;
  if (need.history_gaps !== true) return contiguousHistory(b, asOf_s, n);
  const newest_s = Math.floor(asOf_s / b.step) * b.step - b.step;
  const oldest_s = newest_s - (n - 1) * b.step;
  const out = new Float64Array(n).fill(Number.NaN);
  let seen = 0;
  for (let i = indexAtOrBefore(b, newest_s); i >= 0 && b.open_s[i] >= oldest_s; i--, seen++)
    out[(b.open_s[i] - oldest_s) / b.step] = Math.log(b.close[i]);
  const wanted = Math.max(MIN_OBSERVED, need.history_observed ?? 0);
  if (seen >= wanted) return out;
  throw new ForecastError(
    'SWARM_E_BARS_TOO_FEW',
    `${b.asset}: ${seen} of the last ${n} bars of ${b.step} s exist as of ${asOf_s}, ${wanted} needed`,
    'load earlier bars',
  );
}

/** The last price of a history. */
export function lastPrice(history: Float64Array): number {
  let i = history.length - 1;
  while (i > 0 && Number.isNaN(history[i])) i--;
  return Math.exp(history[i]);
}

/**
 * Real prices at start, start + increment, ..., start + length: shape [length / increment + 1], NaN where the bar
 * is missing.
 *
 * On a 60 s series the price at t is the close of the bar that OPENS at t: that is how the subnet's validators read
 * 1-minute candles, so it is what a forecast is scored against, although that trade happened at about t + 60 s.
 * A coarser series cannot say what traded at t + 60 s; its best statement about t is the close of the last bar that
 * closed by t. Prompts start on any minute, so t is often off a 5-minute grid; all points of a path are then early by the
 * same few minutes, and every return is still one whole bar. Taking the bar that opens at t would look ahead a step.
 */
export function gridPrices(b: Bars, start_s: number, length_s: number, increment_s: number): Float64Array {
  const steps = length_s / increment_s;
  if (!(Number.isInteger(steps) && steps > 0 && increment_s > 0)) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `a grid of ${length_s} s cannot be cut into steps of ${increment_s} s`,
      'use a length that is a positive multiple of the increment',
    );
  }
  const first_s = b.step === 60 ? start_s : Math.floor(start_s / b.step) * b.step - b.step;
  const out = new Float64Array(steps + 1).fill(Number.NaN);
  let i = Math.max(0, indexAtOrBefore(b, first_s));
  for (let k = 0; k <= steps; k++) {
    const open = first_s + k * increment_s;
    while (i < b.open_s.length && b.open_s[i] < open) i++;
    if (i < b.open_s.length && b.open_s[i] === open) out[k] = b.close[i];
  }
  return out;
}

function littleEndian(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8));
  for (let i = 0; i < values.length; i++) view.setFloat64(i * 8, values[i], true);
  return new Uint8Array(view.buffer);
}
