// From log returns to price paths.
// Promises: [steps x count] becomes [count x (steps + 1)], every path beginning at the anchor.
// Leaves to others: rounding for the wire.
import { ForecastError } from '../errors.js';
import type { Paths } from '../score/index.js';

/** Price paths [count x (steps + 1)] row-major, in the anchor's currency. Throws SWARM_E_SCORE_INPUT. */
export function toPrices(logReturns: Float32Array, steps: number, count: number, anchor: number): Paths {
  if (logReturns.length !== steps * count || !(anchor > 0 && Number.isFinite(anchor))) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `${logReturns.length} log returns for ${steps} steps x ${count} paths from price ${anchor}`,
      'pass [steps x count] log returns and a positive price',
    );
  }
  const points = steps + 1;
  const prices = new Float64Array(count * points);
  let i = 0;
  for (; i + 4 <= count; i += 4) walkFour(logReturns, steps, count, anchor, i, prices);
  for (; i < count; i++) walk(logReturns, steps, count, anchor, i, prices);
  return { count, points, prices };
}

function walk(
  logReturns: Float32Array,
  steps: number,
  count: number,
  anchor: number,
  path: number,
  prices: Float64Array,
): void {
  let to = path * (steps + 1);
  let log = 0;
  prices[to] = anchor;
  for (let from = path; from < steps * count; from += count) {
    log += logReturns[from];
    prices[++to] = anchor * exponential(log);
  }
}

/** Paths path .. path + 3. Reading a column of [steps x count] takes a cache line per step: four paths share them. */
function walkFour(
  logReturns: Float32Array,
  steps: number,
  count: number,
  anchor: number,
  path: number,
  prices: Float64Array,
): void {
  const points = steps + 1;
  let to = path * points;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let k = 0; k < 4; k++) prices[to + k * points] = anchor;
  for (let from = path; from < steps * count; from += count) {
    a += logReturns[from];
    b += logReturns[from + 1];
    c += logReturns[from + 2];
    d += logReturns[from + 3];
    to++;
    prices[to] = anchor * exponential(a);
    prices[to + points] = anchor * exponential(b);
    prices[to + 2 * points] = anchor * exponential(c);
    prices[to + 3 * points] = anchor * exponential(d);
  }
}

const CELLS = 4096;
/** e^(k / 4096) for k / 4096 from -1 to 1; a day of returns uses a few hundred entries in the middle. */
const POWERS = Float64Array.from({ length: 2 * CELLS + 1 }, (_, k) => Math.exp((k - CELLS) / CELLS));

/**
 * e^x, at most 2^-52 from Math.exp relative to it, without its call out of compiled code: the nearest entry of a table
 * times a cubic in the exact remainder of at most 1/8192 (next term: 1e-17).
 */
function exponential(x: number): number {
  if (!(Math.abs(x) < 1)) return Math.exp(x);
  const cells = x * CELLS;
  const k = (cells + (CELLS + 0.5)) | 0;
  const r = (cells - (k - CELLS)) * (1 / CELLS);
  const near = POWERS[k];
  return near + near * (r * (1 + r * (1 / 2 + r * (1 / 6))));
}
