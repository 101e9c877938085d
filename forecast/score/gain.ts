// The gain of one model over another on the same windows, with a standard error that knows of autocorrelation.
// Promises: equal scores are no gain. Leaves to others: the scores, and what gain is enough.
import { ForecastError } from '../errors.js';

interface PairedGain {
  /** Mean of base - model over the mean of base: positive is better than the base. */
  readonly gain: number;
  /** Newey-West standard error of gain. */
  readonly se: number;
  readonly n: number;
  readonly mean_base: number;
  readonly mean_model: number;
  /** gain / se; 0 when the scores are identical. */
  readonly t: number;
}

/**
 * Relative gain of model over base on the same windows. `lag` windows of autocorrelation enter the standard error
 * (Bartlett weights; Newey & West 1987). Throws SWARM_E_SCORE_INPUT for n < 2, unequal lengths or non-finite scores.
 */
export function pairedGain(
  base: Float64Array,
  model: Float64Array,
  opts: { readonly lag: number },
): PairedGain {
  const n = base.length;
  const finite = base.every(Number.isFinite) && model.every(Number.isFinite);
  if (n < 2 || model.length !== n || !finite || !(opts.lag >= 0 && opts.lag < n)) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `cannot compare ${n} with ${model.length} ${finite ? 'finite' : 'partly non-finite'} scores at lag ${opts.lag}`,
      'pass two or more finite scores per model on the same windows and a lag below their number',
    );
  }
  const mean_base = mean(base);
  const mean_model = mean(model);
  if (!(mean_base > 0)) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `the base scores ${mean_base} on average`,
      'remove -1 scores first',
    );
  }
  const centred = base.map((v, i) => v - model[i] - (mean_base - mean_model));
  let variance = autocovariance(centred, 0);
  for (let l = 1; l <= opts.lag; l++) variance += 2 * (1 - l / (opts.lag + 1)) * autocovariance(centred, l);
  const gain = (mean_base - mean_model) / mean_base;
  const se = Math.sqrt(Math.max(0, variance) / n) / mean_base;
  return { gain, se, n, mean_base, mean_model, t: gain === 0 ? 0 : gain / se };
}

function mean(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

function autocovariance(centred: Float64Array, lag: number): number {
  let sum = 0;
  for (let i = lag; i < centred.length; i++) sum += centred[i] * centred[i - lag];
  return sum / centred.length;
}
