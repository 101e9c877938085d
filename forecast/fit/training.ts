// What a fit is given: log prices of contiguous runs, and the returns inside them.
// Promises: no return ever spans two runs; too little, constant or broken data is refused before anything is fitted.
// Leaves to others: which bars belong to training.
import { ForecastError } from '../errors.js';

export interface TrainingData {
  readonly asset: string;
  readonly step_s: number;
  /** Natural log prices of contiguous runs, in time order. */
  readonly segments: readonly Float64Array[];
}

/** Fewer returns than this say too little about a tail to fit one. */
export const MIN_RETURNS = 500;

export interface TrainingReturns {
  /** One array of log returns per run with at least two prices. */
  readonly runs: readonly Float64Array[];
  readonly count: number;
  /** Mean squared return: the long-run variance of a driftless model. */
  readonly variance: number;
}

/** Log returns per run. Throws SWARM_E_BARS_TOO_FEW under MIN_RETURNS, SWARM_E_FIT_FAILED for unusable prices. */
export function trainingReturns(train: TrainingData): TrainingReturns {
  const runs = train.segments.filter((s) => s.length > 1).map((s) => s.subarray(1).map((v, i) => v - s[i]));
  const count = runs.reduce((n, run) => n + run.length, 0);
  if (count < MIN_RETURNS) {
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${train.asset}: ${count} returns of ${train.step_s} s to train on, ${MIN_RETURNS} needed`,
      'train on a longer period',
    );
  }
  const variance = runs.reduce((sum, run) => run.reduce((s, r) => s + r * r, sum), 0) / count;
  if (!(Number.isFinite(variance) && variance > 1e-20)) {
    const what = variance <= 1e-20 ? 'prices do not move' : 'log prices are not finite';
    throw new ForecastError('SWARM_E_FIT_FAILED', `${train.asset}: ${what}`, 'check the training bars');
  }
  return { runs, count, variance };
}

/** The error of a search that ended without a minimum. */
export function noConvergence(train: TrainingData, what: string): ForecastError {
  return new ForecastError(
    'SWARM_E_FIT_FAILED',
    `${train.asset}: ${what} did not converge on ${train.segments.length} runs of ${train.step_s} s bars`,
    'try a longer training period or fix the parameter in the spec',
  );
}
