// Training windows of a direct forecast: the state at each start, the profile ahead, and what the blocks did.
// Promises: a window's state uses bars that closed a minute before its start, as an answer does; a window that would
// look past the training data is left out.
// Leaves to others: the fit.

import { type TrainingData, trainingGrid } from '../fit/training.js';
import {
  localMinute,
  type Profile,
  type ProfileParams,
  profileFactors,
  scoredOffset_s,
  seenTable,
} from '../profile/index.js';
import type { ScoringInterval } from '../score/index.js';
import { minuteOfWeek } from '../sessions.js';
import type { DirectSet, Term } from './plan.js';
import { featureCount, type StatePlan, type States, statesOf } from './state.js';

/** Scored blocks: all blocks of a length over the horizon, or the first alone. */
export interface Blocks {
  readonly steps: number;
  readonly first: boolean;
}

/** One group per entry of `blocks`. */
export function termsOf(blocks: readonly Blocks[], steps: number): Term[] {
  return blocks.flatMap((b, group) => {
    const count = b.first ? 1 : Math.floor(steps / b.steps);
    return Array.from({ length: count }, (_, k) => ({ from: k * b.steps, to: (k + 1) * b.steps, group }));
  });
}

/** The blocks that scoring intervals ask for; a level at the end of the horizon is the change over all of it. */
export function blocksOf(intervals: readonly ScoringInterval[], step_s: number, steps: number): Blocks[] {
  const all = intervals.map((v) => ({
    steps: Math.trunc(v.seconds / step_s),
    first: v.kind !== 'change' || Math.trunc(v.seconds / step_s) === steps,
  }));
  return all.filter(
    (b, i) =>
      b.steps >= 1 &&
      b.steps <= steps &&
      all.findIndex((o) => o.steps === b.steps && (o.first === b.first || b.steps === steps)) === i,
  );
}

/** Calendar columns of a window's start: two harmonics of the day, one of the week; from minutes of the UTC week. */
export function startCalendar(minute: number): number[] {
  const day = (2 * Math.PI * (minute % 1440)) / 1440;
  const week = (2 * Math.PI * minute) / 10_080;
  return [Math.sin(day), Math.cos(day), Math.sin(2 * day), Math.cos(2 * day), Math.sin(week), Math.cos(week)];
}

export const rowWidth = (plan: StatePlan): number => 1 + featureCount(plan) + 6;

/** Between the last bar that is visible to an answer and the bar of the first real price, in bars. */
export const visibleLag = (step_s: number): number => (step_s === 60 ? 2 : 1);

/** One row of the design: 1, state, calendar of the start. */
export function fillRow(into: Float64Array, at: number, states: States, bar: number, start_s: number): void {
  into[at] = 1;
  let j = at + 1;
  for (const feature of states.features) into[j++] = feature[bar];
  for (const value of startCalendar(minuteOfWeek(start_s))) into[j++] = value;
}

export interface SetOptions {
  readonly plan: StatePlan;
  readonly profile: Profile;
  readonly profileParams: ProfileParams;
  readonly steps: number;
  readonly terms: readonly Term[];
  readonly stride_s: number;
}

/** Deseasonalised returns on the grid: NaN without two consecutive bars, or in closed hours. */
export function unseasoned(logs: Float64Array, profile: Profile, factor: Float64Array): Float64Array {
  const divisor = seenTable(profile, factor.subarray(0, logs.length));
  return logs.map((v, i) =>
    i === 0 || divisor[i] === Number.POSITIVE_INFINITY ? Number.NaN : (v - logs[i - 1]) / divisor[i],
  );
}

/** Windows of one asset at every stride. */
export function directSet(train: TrainingData, o: SetOptions): DirectSet {
  const { step_s } = train;
  const { start_s, logs } = trainingGrid(train);
  const { steps, terms, plan } = o;
  const offset = scoredOffset_s(step_s) / step_s;
  const lag = visibleLag(step_s);
  const factor = profileFactors(o.profile, o.profileParams, start_s, step_s, logs.length + steps + 2);
  const states = statesOf(unseasoned(logs, o.profile, factor), step_s, plan);
  const starts: number[] = [];
  const stride = Math.max(1, Math.round(o.stride_s / step_s));
  // `first` is the bar that opens at the window's start.
  const least = warmUp(plan, step_s);
  for (let first = least; first + offset + steps < logs.length; first += stride) {
    const visible = first + offset - 1 - lag;
    if (visible >= 0 && Number.isFinite(logs[visible]) && Number.isFinite(states.level[visible]))
      starts.push(first);
  }
  const n = starts.length;
  const width = rowWidth(plan);
  const set = {
    n,
    x: new Float64Array(n * width),
    level: new Float64Array(n),
    factor: new Float32Array(n * steps),
    hour: new Float64Array(n),
    y: new Float32Array(n * terms.length),
  };
  starts.forEach((first, i) => {
    const t0 = start_s + first * step_s;
    const ahead = first + offset;
    const visible = ahead - 1 - lag;
    fillRow(set.x, i * width, states, visible, t0);
    set.level[i] = states.level[visible];
    set.hour[i] = localMinute(o.profile, t0) / 60;
    for (let h = 0; h < steps; h++) set.factor[i * steps + h] = factor[ahead + h];
    terms.forEach(({ from, to }, t) => {
      set.y[i * terms.length + t] = logs[ahead - 1 + to] - logs[ahead - 1 + from];
    });
  });
  return set;
}

/** Bars before the first window: two of the reference's half-lives. */
function warmUp(plan: StatePlan, step_s: number): number {
  return Math.ceil((2 * plan.half_lives_s[plan.reference]) / step_s);
}
