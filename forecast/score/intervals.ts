// Scoring intervals: over which spans, and on which kind of change, the subnet compares forecast and market.
// Promises: a name and its seconds are read by the subnet's own naming rule (suffixes `_abs` and `_gaps`).
// Leaves to others: which intervals a competition uses. They are data, passed in.
import { ForecastError } from '../errors.js';

export interface ScoringInterval {
  readonly name: string;
  readonly seconds: number;
  /** change: returns in bps over every span; absolute: price levels, in bps of the last price; gaps: first span only. */
  readonly kind: 'change' | 'absolute' | 'gaps';
}

/** Reads one (name, seconds) pair of the subnet. Throws SWARM_E_SCORE_INPUT for non-positive seconds. */
export function parseInterval(name: string, seconds: number): ScoringInterval {
  if (!(Number.isFinite(seconds) && seconds > 0)) {
    throw new ForecastError('SWARM_E_SCORE_INPUT', `interval ${name}: ${seconds} s`, 'give positive seconds');
  }
  const kind = name.endsWith('_abs') ? 'absolute' : name.endsWith('_gaps') ? 'gaps' : 'change';
  return { name, seconds, kind };
}

/** Grid steps of an interval, at least 1. Throws SWARM_E_SCORE_INPUT when the interval is finer than the grid. */
export function intervalSteps(interval: ScoringInterval, increment_s: number): number {
  const steps = Math.trunc(interval.seconds / increment_s);
  if (!(steps >= 1 && Number.isFinite(steps))) {
    throw new ForecastError(
      'SWARM_E_SCORE_INPUT',
      `interval ${interval.name} (${interval.seconds} s) has no step on a grid of ${increment_s} s`,
      'score only intervals at least as long as the increment',
    );
  }
  return steps;
}
