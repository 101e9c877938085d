// EWMA variance along training runs, and the variance it forecasts for a block of the horizon.
// Promises: NaN until a run is as long as the model's history, so the fit sees only what serving can see.
// Leaves to others: the compiled model, which computes the same weights over a fixed window.
import type { BlockSet } from '../fit/level.js';

/** Exponential weighting: a half-life and its share of the sum. */
export interface Speed {
  readonly half_life_s: number;
  readonly share: number;
}

/** Per run, the weighted variance after each return, or NaN while fewer than `warmup` returns have been seen. */
export function ewmaStates(
  runs: readonly Float64Array[],
  speeds: readonly Speed[],
  step_s: number,
  warmup: number,
): Float64Array[] {
  const keep = speeds.map((s) => 2 ** (-step_s / s.half_life_s));
  return runs.map((run) => {
    const out = new Float64Array(run.length).fill(Number.NaN);
    // Sums of weights divide the weighted squares, as the finite window of the model does.
    const sums = new Float64Array(keep.length);
    const weights = new Float64Array(keep.length);
    for (let i = 0; i < run.length; i++) {
      const square = run[i] * run[i];
      let variance = 0;
      for (let k = 0; k < keep.length; k++) {
        sums[k] = keep[k] * sums[k] + square;
        weights[k] = keep[k] * weights[k] + 1;
        variance += (speeds[k].share * sums[k]) / weights[k];
      }
      if (i + 1 >= warmup) out[i] = variance;
    }
    return out;
  });
}

/** Variance of a block's return when the step variance starts at `now` and decays towards `longRun` by rho a step. */
export function blockVariance(now: number, longRun: number, rho: number, block: BlockSet): number {
  if (rho === 1) return block.length * now;
  const weight = (rho ** block.lead - rho ** (block.lead + block.length)) / (1 - rho);
  return block.length * longRun + (now - longRun) * weight;
}
