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
  // Step by step over all paths: reads run along rows, and the running sums stay in cache.
  const sum = new Float64Array(count);
  for (let i = 0; i < count; i++) prices[i * points] = anchor;
  for (let h = 0; h < steps; h++) {
    for (let i = 0; i < count; i++) {
      sum[i] += logReturns[h * count + i];
      prices[i * points + h + 1] = anchor * Math.exp(sum[i]);
    }
  }
  return { count, points, prices };
}
