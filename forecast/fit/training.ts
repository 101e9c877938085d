// What a fit is given: log prices of contiguous runs, and the returns inside them.
// Promises: no return ever spans two runs; too little, constant or broken data is refused before anything is fitted.
// Leaves to others: which bars belong to training.
import { type Bars, indexAtOrBefore, segments } from '../bars.js';
import { ForecastError } from '../errors.js';

export interface TrainingData {
  readonly asset: string;
  readonly step_s: number;
  /** Natural log prices of contiguous runs, in time order. */
  readonly segments: readonly Float64Array[];
  /** Open of each segment's first bar, unix seconds. */
  readonly starts_s: readonly number[];
  /** Other assets over the same time, for fits that share what they have in common. */
  readonly peers?: readonly TrainingData[] | undefined;
}

/** Training data from the last `count` bars closed by `cutoff_s`. */
export function trainingData(bars: Bars, cutoff_s: number, count: number): TrainingData {
  const end = indexAtOrBefore(bars, cutoff_s - bars.step) + 1;
  const from = Math.max(0, end - count);
  const cut: Bars = { ...bars, open_s: bars.open_s.slice(from, end), close: bars.close.slice(from, end) };
  const runs = segments(cut);
  return {
    asset: bars.asset,
    step_s: bars.step,
    segments: runs.map((run) => cut.close.slice(run.from, run.to).map(Math.log)),
    starts_s: runs.map((run) => cut.open_s[run.from]),
  };
}

/** The same with other assets over the same time beside it. */
export function pooledTrainingData(
  bars: Bars,
  peers: readonly Bars[],
  cutoff_s: number,
  count: number,
): TrainingData {
  const of = (one: Bars): TrainingData => trainingData(one, cutoff_s, count);
  return { ...of(bars), peers: peers.map(of).filter((one) => one.segments.length > 0) };
}

/** One series on the whole grid, NaN where a bar is missing. */
export interface TrainingGrid {
  /** Open of the first bar, unix seconds. */
  readonly start_s: number;
  readonly logs: Float64Array;
}

/** The training data on one grid from the first bar to the last. Throws SWARM_E_BARS_TOO_FEW without any bar. */
export function trainingGrid(train: TrainingData): TrainingGrid {
  const { starts_s, step_s } = train;
  const last = train.segments.length - 1;
  if (last < 0)
    throw new ForecastError('SWARM_E_BARS_TOO_FEW', `${train.asset}: no bars to train on`, 'import bars');
  const start_s = starts_s[0];
  const n = (starts_s[last] - start_s) / step_s + train.segments[last].length;
  const logs = new Float64Array(n).fill(Number.NaN);
  train.segments.forEach((run, i) => {
    logs.set(run, (starts_s[i] - start_s) / step_s);
  });
  return { start_s, logs };
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

/** The error of a fit that has too few returns behind a full history. */
export function tooFew(train: TrainingData, count: number): ForecastError {
  return new ForecastError(
    'SWARM_E_BARS_TOO_FEW',
    `${train.asset}: ${count} returns follow a full history, ${MIN_RETURNS} needed`,
    'train on longer contiguous bars, or shorten the half-life or the history',
  );
}
