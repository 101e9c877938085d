// EWMA variance along training runs, and the variance it forecasts for a block of the horizon.
// Promises: NaN until a run is as long as the model's history, so the fit sees only what serving can see.
// Leaves to others: the compiled model, which computes the same weights over a fixed window.
import type { BlockSet } from '../fit/level.js';
import type { EwmaTSpec } from './ewma-t.js';

/** Per run, the variance estimate after each return, or NaN while fewer than `warmup` returns have been seen. */
export function ewmaStates(
  runs: readonly Float64Array[],
  spec: EwmaTSpec,
  step_s: number,
  warmup: number,
): Float64Array[] {
  const mix = spec.mix ?? 0;
  const keepFast = 2 ** (-step_s / spec.half_life_s);
  const keepSlow = 2 ** (-step_s / (spec.half_life_slow_s ?? spec.half_life_s));
  return runs.map((run) => {
    const out = new Float64Array(run.length).fill(Number.NaN);
    // Sums of weights divide the weighted squares, as the finite window of the model does.
    let [fast, slow, fastWeight, slowWeight] = [0, 0, 0, 0];
    for (let i = 0; i < run.length; i++) {
      const square = run[i] * run[i];
      fast = keepFast * fast + square;
      slow = keepSlow * slow + square;
      fastWeight = keepFast * fastWeight + 1;
      slowWeight = keepSlow * slowWeight + 1;
      if (i + 1 >= warmup) out[i] = ((1 - mix) * fast) / fastWeight + (mix * slow) / slowWeight;
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
