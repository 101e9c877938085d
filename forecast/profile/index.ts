// The deterministic profile: how much a market moves at this hour of this weekday, and when it is closed.
// Promises: factors on standard deviations, the same from the native table and in the graph; smoothed and shrunk, so a
// thin slot says little; closed hours are learned from which bars exist, never assumed.
// Leaves to others: the level of volatility, which multiplies these factors.
import { z } from 'zod';
import { ForecastError } from '../errors.js';
import { type TrainingData, trainingGrid } from '../fit/training.js';
import { minuteOfWeek, newYorkHoliday, newYorkOffset_s } from '../sessions.js';
import { bucketSums, closedRanges, dailyLevel, gapRatios, smoothCircular } from './estimate.js';

export const profileSchema = z.strictObject({
  kind: z.literal('week'),
  /** The clock that the market's week follows; New York's moves with its daylight saving. */
  clock: z.enum(['utc', 'new_york']),
  /** 'learned': slots of the week in which bars are mostly absent are closed, and openings carry the gap. */
  closed: z.enum(['never', 'learned']),
  /** New York's exchange holidays are closed too. */
  holidays: z.boolean(),
  /** Standard deviation of a closed step as a share of an open one: 0 for the home market, more for 24/7 twins. */
  closed_share: z.number().min(0).max(1),
});
export type Profile = z.infer<typeof profileSchema>;

const tables = z.record(z.string(), z.union([z.number(), z.array(z.number())]));
export type ProfileParams = Readonly<Record<string, number | readonly number[]>>;

/** A profile with what was learned for it. */
export interface FittedWeek {
  readonly profile: Profile;
  readonly params: ProfileParams;
}

export const WEEK_MINUTES = 10_080;
const DAY_BUCKETS = 288;
const HOUR_BUCKETS = 168;
/** Returns per bucket at which the data count as much as the prior of no effect. */
const PRIOR = { day: 60, hour: 120, minute: 400 };
/** Never exactly 0: a closed step must leave a path finite and ranks defined. */
const CLOSED_FLOOR = 1e-3;

/** The bar whose return a step opening at t is scored with opens this much later: see gridPrices. */
export const scoredOffset_s = (step_s: number): number => (step_s === 60 ? 60 : 0);

/** Open of the newest bar that an answer sees: it closed a minute before the start. See historyFactor. */
export function newestOpen_s(start_s: number, step_s: number): number {
  return Math.floor((start_s - 60) / step_s) * step_s - step_s;
}

/** Minute of the profile's week at t, and New York's holiday code for it. */
export function localMinute(profile: Profile, t_s: number): number {
  return minuteOfWeek(profile.clock === 'utc' ? t_s : t_s + newYorkOffset_s(t_s));
}

/** Learns a profile. Throws SWARM_E_BARS_TOO_FEW under two weeks of returns. */
export function fitProfile(train: TrainingData, profile: Profile): ProfileParams {
  const { step_s } = train;
  const { start_s, logs } = trainingGrid(train);
  const minutes = Int32Array.from(logs, (_, i) => localMinute(profile, start_s + i * step_s));
  const closed = profile.closed === 'learned' ? closedRanges(logs, minutes, step_s) : [];
  const size = Float64Array.from(logs, (v, i) => (i === 0 ? Number.NaN : Math.abs(v - logs[i - 1])));
  const count = size.reduce((n, v) => n + (Number.isNaN(v) ? 0 : 1), 0);
  const least = (14 * 1440 * 60) / step_s / (closed.length > 0 ? 8 : 1);
  if (count < least)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${train.asset}: ${count} returns say too little about a week, ${Math.ceil(least)} needed`,
      'train on a longer period, or without a profile',
    );
  const level = dailyLevel(size, Math.round(86_400 / step_s));
  const ratio = size.map((v, i) => v / level[i]);
  const bucketed = (bucketOf: (i: number) => number, buckets: number, prior: number): Float64Array =>
    bucketSums(ratio, bucketOf, buckets, prior);
  const divide = (by: Float64Array, bucketOf: (i: number) => number): void => {
    for (let i = 0; i < ratio.length; i++) ratio[i] /= Math.exp(by[bucketOf(i)]);
  };
  const dayOf = (i: number): number => Math.floor((minutes[i] % 1440) / 5);
  const day = smoothCircular(bucketed(dayOf, DAY_BUCKETS, PRIOR.day), 3);
  divide(day, dayOf);
  const hourOf = (i: number): number => Math.floor(minutes[i] / 60);
  const hour = smoothCircular(bucketed(hourOf, HOUR_BUCKETS, PRIOR.hour), 1);
  divide(hour, hourOf);
  const minuteOf = (i: number): number => minutes[i] % 60;
  const minute = step_s === 60 ? bucketed(minuteOf, 60, PRIOR.minute) : new Float64Array(0);
  return {
    day: rounded(day),
    hour: rounded(hour),
    minute: rounded(minute),
    closed,
    gaps: gapRatios(logs, minutes, level, day, hour, closed),
  };
}

/** Factors by slot of the week, shape [604800 / step_s]; closed slots hold the closed share, openings the gap. */
export function weekTable(profile: Profile, params: ProfileParams, step_s: number): Float64Array {
  const p = tables.parse(params);
  const list = (name: string): number[] => (Array.isArray(p[name]) ? (p[name] as number[]) : []);
  const [day, hour, minute] = [list('day'), list('hour'), list('minute')];
  const slots = (WEEK_MINUTES * 60) / step_s;
  const table = Float64Array.from({ length: slots }, (_, s) => {
    const m = (s * step_s) / 60;
    return Math.exp(
      (day[Math.floor((m % 1440) / 5)] ?? 0) + (hour[Math.floor(m / 60)] ?? 0) + (minute[m % 60] ?? 0),
    );
  });
  const closed = list('closed');
  const share = closedFactor(profile);
  for (let k = 0; k + 1 < closed.length; k += 2)
    for (let m = closed[k]; m < closed[k + 1]; m += step_s / 60)
      table[Math.floor((m * 60) / step_s) % slots] = share;
  const gaps = list('gaps');
  for (let k = 0; k + 1 < gaps.length; k += 2)
    table[Math.floor((gaps[k] * 60) / step_s) % slots] *= gaps[k + 1];
  return table;
}

/**
 * Factors as divisors of what was seen: a bar in the closed hours of a market that does not trade then is a stray (or
 * lies beyond a change of the clock) and must not count for a thousand times its size.
 */
export function seenTable(profile: Profile, factors: Float64Array): Float64Array {
  if (profile.closed_share > 0) return factors;
  return factors.map((f) => (f <= CLOSED_FLOOR ? Number.POSITIVE_INFINITY : f));
}

export const closedFactor = (profile: Profile): number => Math.max(CLOSED_FLOOR, profile.closed_share);

/** Minute of a holiday's local day from which its exchanges are closed, or none. */
export const EARLY_CLOSE_MINUTE = 780;

/** Factors of n consecutive bars, the first one opening at start_s. */
export function profileFactors(
  profile: Profile,
  params: ProfileParams,
  start_s: number,
  step_s: number,
  n: number,
): Float64Array {
  const table = weekTable(profile, params, step_s);
  const share = closedFactor(profile);
  return Float64Array.from({ length: n }, (_, i) => {
    const t = start_s + i * step_s;
    const minute = localMinute(profile, t);
    const code = profile.holidays ? newYorkHoliday(t) : 0;
    const shut =
      code === 1 || (code === 2 && minuteOfWeek(t + newYorkOffset_s(t)) % 1440 >= EARLY_CLOSE_MINUTE);
    return shut ? share : table[Math.floor((minute * 60) / step_s)];
  });
}

function rounded(values: Float64Array): number[] {
  return Array.from(values, (v) => Math.round(v * 1e5) / 1e5);
}
