// Log-normal stochastic volatility from moments: persistence and spread of log variance, and how well an average of
// past squares knows it.
// Promises: deterministic; data without persistent volatility is refused, not fitted.
// Leaves to others: the averages themselves.
import { ForecastError } from '../errors.js';
import { minimiseOnLine } from './simplex.js';
import { MIN_RETURNS, type TrainingData, tooFew } from './training.js';

/** Log variance: mean + f, f' = persistence f + noise; f is known as gain (log average - centre) with an error. */
export interface LogSv {
  readonly mean: number;
  readonly persistence: number;
  /** Standard deviation of f at rest. */
  readonly spread: number;
  readonly gain: number;
  readonly centre: number;
  /** Standard deviation of f given the average. */
  readonly error: number;
}

const LAGS = [1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130];
/** Half-lives in steps between which the persistence is sought. */
const HALF_LIFE = { min: 2, max: 5000 };
const FLOOR = 1e-3;

/** `states`: average of squares after each return, NaN before warm-up. Throws SWARM_E_FIT_FAILED. */
export function fitLogSv(
  train: TrainingData,
  runs: readonly Float64Array[],
  states: readonly Float64Array[],
  variance: number,
): LogSv {
  const logs = runs.map((run) => run.map((r) => Math.log((r * r) / variance + FLOOR)));
  const averages = states.map((run) => run.map((v) => Math.log(v / variance + FLOOR)));
  const level = meanOf(logs.flatMap((run) => [...run]));
  const covariances = LAGS.map((lag) => lagged(logs, logs, lag, level, level));
  const { persistence, square } = decay(covariances);
  const known = averages.flatMap((run) => [...run.subarray(0, -1)].filter(Number.isFinite));
  if (known.length < MIN_RETURNS) throw tooFew(train, known.length);
  const centre = meanOf(known);
  const shared = lagged(averages, logs, 1, centre, level);
  const gain = shared / meanOf(known.map((v) => (v - centre) ** 2));
  if (!(square > 1e-4 && gain > 0 && Number.isFinite(gain))) {
    throw new ForecastError(
      'SWARM_E_FIT_FAILED',
      `${train.asset}: the volatility of ${train.step_s} s returns does not persist`,
      'use constant, or train on a longer period',
    );
  }
  const error = Math.sqrt(Math.max(0, square - gain * shared));
  return {
    mean: Math.log(variance) - square / 2,
    persistence,
    spread: Math.sqrt(square),
    gain,
    centre,
    error,
  };
}

/** The geometric decay closest to the covariances: least squares over its half-life, its height in closed form. */
function decay(covariances: readonly number[]): { persistence: number; square: number } {
  const heightAt = (phi: number): number => {
    const powers = LAGS.map((lag) => phi ** lag);
    const shared = powers.reduce((sum, p, k) => sum + p * covariances[k], 0);
    return shared / powers.reduce((sum, p) => sum + p * p, 0);
  };
  const phiOf = (logHalfLife: number) => 2 ** (-1 / Math.exp(logHalfLife));
  const loss = (x: number): number => {
    const phi = phiOf(x);
    const height = heightAt(phi);
    return LAGS.reduce((sum, lag, k) => sum + (covariances[k] - height * phi ** lag) ** 2, 0);
  };
  const best = minimiseOnLine(loss, Math.log(HALF_LIFE.min), Math.log(HALF_LIFE.max), 1e-4);
  const persistence = phiOf(best);
  return { persistence, square: heightAt(persistence) };
}

/** Mean product of a, and b `lag` later, about their centres; NaN entries are left out. */
function lagged(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
  lag: number,
  centreA: number,
  centreB: number,
): number {
  let [sum, count] = [0, 0];
  a.forEach((run, r) => {
    for (let i = 0; i + lag < run.length; i++) {
      if (Number.isNaN(run[i])) continue;
      sum += (run[i] - centreA) * (b[r][i + lag] - centreB);
      count++;
    }
  });
  return sum / count;
}

function meanOf(list: readonly number[]): number {
  return list.reduce((a, b) => a + b, 0) / list.length;
}
