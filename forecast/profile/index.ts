// The volatility profile of the week: which hours are busier than others.
// Promises: factors on standard deviations with mean square about 1; the same factors in fits and in models.
// Leaves to others: the level and the dynamics of volatility.
import { z } from 'zod';
import { type TrainingData, trainingReturns } from '../fit/training.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { minuteOfWeek } from '../sessions.js';

export const profileSchema = z.strictObject({ kind: z.literal('hour_of_week') });
export type Profile = z.infer<typeof profileSchema>;
export type ProfileParams = Readonly<Record<string, number | readonly number[]>>;

const HOURS = 168;
const WEEK_MIN = 10_080;
/** Pseudo-returns of average size that every hour starts with. */
const PRIOR = 24;

export function fitProfile(train: TrainingData, _profile: Profile): ProfileParams {
  const { variance } = trainingReturns(train);
  const sums = new Float64Array(HOURS).fill(PRIOR);
  const counts = new Float64Array(HOURS).fill(PRIOR);
  train.segments.forEach((run, s) => {
    for (let i = 1; i < run.length; i++) {
      const hour = hourOf(train.starts_s[s] + i * train.step_s);
      sums[hour] += (run[i] - run[i - 1]) ** 2 / variance;
      counts[hour]++;
    }
  });
  const raw = sums.map((v, h) => v / counts[h]);
  const smooth = raw.map((v, h) => (raw[(h + HOURS - 1) % HOURS] + 2 * v + raw[(h + 1) % HOURS]) / 4);
  const mean = smooth.reduce((a, b) => a + b, 0) / HOURS;
  return { factors: Array.from(smooth, (v) => Number(Math.sqrt(v / mean).toPrecision(6))) };
}

export function profileFactors(
  _profile: Profile,
  params: ProfileParams,
  start_s: number,
  step_s: number,
  n: number,
): Float64Array {
  const table = factorsOf(params);
  return new Float64Array(n).map((_, i) => table[hourOf(start_s + i * step_s)]);
}

export function profileGraph(
  g: GraphBuilder,
  _profile: Profile,
  params: ProfileParams,
  step_s: number,
  historyBars: number,
): { history: string; future: string } {
  const table = factorsOf(params);
  const minute = g.op('Slice', ['calendar', g.ints([4], [1]), g.ints([5], [1]), g.ints([1], [1])]);
  const hours = (m: string) =>
    g.op('Cast', [g.op('Floor', [g.op('Div', [m, g.floats([60])])])], { to: ELEMENT.INT64 });
  const first = g.op('Slice', [
    g.op('Reshape', [minute, g.ints([-1], [1])]),
    g.ints([0], [1]),
    g.ints([1], [1]),
  ]);
  const ago = new Float64Array(historyBars - 1).map((_, i) => ((historyBars - 1 - i) * step_s) / 60);
  // Whole weeks are added so that the remainder is taken of a positive number.
  const weeks = Math.ceil(ago[0] / WEEK_MIN) * WEEK_MIN;
  const past = g.op('Add', [
    first,
    g.floats(
      ago.map((a) => weeks - a),
      [ago.length],
    ),
  ]);
  const wrapped = g.op('Sub', [
    past,
    g.op('Mul', [g.op('Floor', [g.op('Div', [past, g.floats([WEEK_MIN])])]), g.floats([WEEK_MIN])]),
  ]);
  return {
    history: g.op('Gather', [g.doubles(table), hours(wrapped)]),
    future: g.op('Gather', [g.floats(table), hours(minute)]),
  };
}

function factorsOf(params: ProfileParams): readonly number[] {
  const { factors } = params;
  return typeof factors === 'number' ? [factors] : factors;
}

function hourOf(t_s: number): number {
  return Math.floor(minuteOfWeek(t_s) / 60);
}
