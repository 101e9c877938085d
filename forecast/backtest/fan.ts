// One forecast as bands over time, beside the path that came.
// Promises: quantiles of the ensemble at every grid point, as returns since the start, so that anchor and price meet.
// Leaves to others: drawing it.
import type { Paths } from '../score/index.js';
import { sortEnsemble } from '../score/sort.js';

export const FAN_LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

export interface Fan {
  readonly t0: number;
  /** One row per level of FAN_LEVELS, one entry per grid point: return since the start, in bps. */
  readonly bands: readonly (readonly number[])[];
  readonly real: readonly number[];
}

export function fanOf(t0: number, paths: Paths, real: Float64Array): Fan {
  const { count, points, prices } = paths;
  const bands = FAN_LEVELS.map(() => [] as number[]);
  const column = new Float64Array(count);
  for (let j = 0; j < points; j++) {
    for (let i = 0; i < count; i++) column[i] = bps(prices[i * points + j], prices[i * points]);
    sortEnsemble(column);
    for (const [k, level] of FAN_LEVELS.entries()) bands[k].push(quantile(column, level));
  }
  return { t0, bands, real: Array.from(real, (price) => bps(price, real[0])) };
}

const bps = (to: number, from: number): number => (to / from - 1) * 10_000;

function quantile(sorted: Float64Array, level: number): number {
  const at = level * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
