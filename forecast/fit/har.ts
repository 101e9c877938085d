// Heterogeneous autoregression of log realised variance (Corsi 2009), one regression per stretch of the horizon.
// Promises: ridge least squares on standardised regressors; forecasts of variance, not of its logarithm, are unbiased.
// Leaves to others: which past and future stretches.
import { ForecastError } from '../errors.js';
import { solve } from './linear.js';
import type { TrainingData } from './training.js';

/** Mean variance per step of steps from..to is exp(intercept + coefficients . log mean squares of the past). */
export interface Har {
  /** Returns in each past window, ascending. */
  readonly past: readonly number[];
  /** First steps of the stretches of the horizon, and its end. */
  readonly bounds: readonly number[];
  readonly intercepts: readonly number[];
  /** By stretch, then by past window. */
  readonly coefficients: readonly number[];
}

const MAX_ROWS = 4000;
const MIN_ROWS = 200;

/** Sums of squares up to each return: entry i + 1 holds those of returns 0..i. */
export function squareSums(run: Float64Array): Float64Array {
  const sums = new Float64Array(run.length + 1);
  for (let i = 0; i < run.length; i++) sums[i + 1] = sums[i] + run[i] * run[i];
  return sums;
}

/** Log of the mean square of the last `count` returns up to and with return i. */
export function logMean(sums: Float64Array, i: number, count: number, floor: number): number {
  return Math.log((sums[i + 1] - sums[i + 1 - count]) / count + floor);
}

/** Fits all stretches. `ridge` is in units of rows. Throws SWARM_E_BARS_TOO_FEW or SWARM_E_FIT_FAILED. */
export function fitHar(
  train: TrainingData,
  runs: readonly Float64Array[],
  shape: Pick<Har, 'past' | 'bounds'>,
  ridge: number,
  floor: number,
): Har {
  const longest = shape.past[shape.past.length - 1];
  const ahead = shape.bounds[shape.bounds.length - 1];
  const usable = runs.reduce((n, run) => n + Math.max(0, run.length - longest - ahead + 1), 0);
  const stride = Math.max(1, Math.floor(usable / MAX_ROWS));
  const rows: number[][] = [];
  const targets: number[][] = [];
  for (const run of runs) {
    const sums = squareSums(run);
    for (let i = longest - 1; i + ahead < run.length; i += stride) {
      rows.push(shape.past.map((count) => logMean(sums, i, count, floor)));
      targets.push(
        shape.bounds.slice(1).map((to, k) => {
          const from = shape.bounds[k];
          return (sums[i + 1 + to] - sums[i + 1 + from]) / (to - from) + floor;
        }),
      );
    }
  }
  if (rows.length < MIN_ROWS) {
    const hint = `every one needs ${longest} returns before and ${ahead} after it: train on longer contiguous bars`;
    const what = `${train.asset}: ${rows.length} origins for the regression, ${MIN_ROWS} needed`;
    throw new ForecastError('SWARM_E_BARS_TOO_FEW', what, hint);
  }
  const fits = shape.bounds.slice(1).map((_, k) =>
    regress(
      rows,
      targets.map((t) => t[k]),
      ridge,
    ),
  );
  if (!fits.every((f) => Number.isFinite(f.intercept) && f.slopes.every(Number.isFinite))) {
    const hint = 'check the training bars, or raise ridge';
    throw new ForecastError('SWARM_E_FIT_FAILED', `${train.asset}: the regression is singular`, hint);
  }
  return {
    ...shape,
    intercepts: fits.map((f) => f.intercept),
    coefficients: fits.flatMap((f) => f.slopes),
  };
}

function regress(rows: readonly number[][], targets: readonly number[], ridge: number) {
  const n = rows.length;
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / n;
  const logs = targets.map(Math.log);
  const centre = rows[0].map((_, j) => mean(rows.map((r) => r[j])));
  const spread = centre.map((c, j) => Math.sqrt(mean(rows.map((r) => (r[j] - c) ** 2))));
  const level = mean(logs);
  const matrix = spread.map((_, j) => new Float64Array(spread.length).fill(0, j));
  const right = new Float64Array(spread.length);
  rows.forEach((row, i) => {
    const x = row.map((v, j) => (v - centre[j]) / spread[j]);
    for (let j = 0; j < x.length; j++) {
      right[j] += x[j] * (logs[i] - level);
      for (let k = 0; k < x.length; k++) matrix[j][k] += x[j] * x[k];
    }
  });
  for (let j = 0; j < right.length; j++) matrix[j][j] += ridge * n;
  const slopes = solve(matrix, right).map((b, j) => b / spread[j]);
  const plain = level - slopes.reduce((sum, b, j) => sum + b * centre[j], 0);
  const predicted = rows.map((row) => row.reduce((sum, v, j) => sum + slopes[j] * v, plain));
  // Smearing (Duan 1983): the mean of targets over exp(predicted) turns a forecast of logs into one of variance.
  const smear = Math.log(mean(targets.map((t, i) => t * Math.exp(-predicted[i]))));
  return { slopes, intercept: plain + smear };
}
