// Trading time: for a market that closes, volatility and shocks go on from the last open bar, as if it had never shut.
// Promises: fit, native walk and graph count the same bars: a return counts where two bars follow each other in open
// hours; a closed step of the horizon takes no trading time and hardly moves.
// Leaves to others: which hours are closed (profile/).
import { ForecastError } from '../errors.js';
import { type TrainingData, trainingGrid } from '../fit/training.js';
import { MAX_HISTORY_BARS } from '../onnx/contract.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import {
  closedFactor,
  type Profile,
  type ProfileParams,
  profileFactors,
  seenTable,
} from '../profile/index.js';
import type { Components } from './components.js';
import type { Volatility } from './volatility.js';

/** A profile whose closed hours stand still. Twins that trade around the clock merely move less then. */
export function keepsHours(profile: Profile | undefined): profile is Profile {
  return profile !== undefined && profile.closed === 'learned' && profile.closed_share === 0;
}

/** Of a week's 168 hours, at least this share is open: New York's session is 32.5. */
const LEAST_OPEN = 1 / 6;
/** A long weekend with a holiday. */
const SPARE_S = 5 * 86_400;

/** Bars on the calendar in which so many open ones are found. Throws SWARM_E_SPEC_INVALID beyond what a model may read. */
function calendarBars(open: number, step_s: number): number {
  const bars = Math.ceil(open / LEAST_OPEN + SPARE_S / step_s);
  if (bars <= MAX_HISTORY_BARS) return bars;
  throw new ForecastError(
    'SWARM_E_SPEC_INVALID',
    `${open} bars of open hours may lie within ${bars} on the calendar, a model reads at most ${MAX_HISTORY_BARS}`,
    'shorten the half-life or the history',
  );
}

/** Bars of history that a composed model reads: as many as its volatility, found among those on the calendar. */
export function barsRead<S extends Components, P>(
  volatility: Volatility<S, P>,
  spec: S,
  step_s: number,
): number {
  const bars = volatility.historyBars(spec, step_s);
  return keepsHours(spec.profile) ? calendarBars(bars, step_s) : bars;
}

/** Returns without their profile that count, oldest first; `factors` are those of the bars of `logs`. */
export function openReturns(logs: Float64Array, profile: Profile, factors: Float64Array): Float64Array {
  const by = seenTable(profile, factors);
  const out = new Float64Array(logs.length);
  let n = 0;
  for (let i = 1; i < logs.length; i++)
    if (Number.isFinite(by[i]) && Number.isFinite(logs[i]) && Number.isFinite(logs[i - 1]))
      out[n++] = (logs[i] - logs[i - 1]) / by[i];
  return out.slice(0, n);
}

/** The training bars as one run in trading time. */
export function tradingRun(train: TrainingData, profile: Profile, params: ProfileParams): Float64Array {
  const { start_s, logs } = trainingGrid(train);
  return openReturns(logs, profile, profileFactors(profile, params, start_s, train.step_s, logs.length));
}

/** The newest `count` of some returns; zeros before them where there are fewer. */
export function newest(returns: Float64Array, count: number): Float64Array {
  const out = new Float64Array(count);
  const kept = returns.subarray(Math.max(0, returns.length - count));
  out.set(kept, count - kept.length);
  return out;
}

/** Per step of the horizon, how many open steps lie before it: the row of the walk that it takes. */
export function walkRows(profile: Profile, factors: Float64Array): Int32Array {
  const shut = 1.5 * closedFactor(profile);
  let before = 0;
  return Int32Array.from(factors, (f) => (f > shut ? before++ : before));
}

/** openReturns and newest in a graph, double [count]; `factors` double [bars - 1], infinite where closed. */
export function openReturnsGraph(g: GraphBuilder, factors: string, bars: number, count: number): string {
  const slice = (x: string, from: number, to: number): string =>
    g.op('Slice', [x, g.ints([from], [1]), g.ints([to], [1])]);
  const there = g.op('Not', [g.op('IsNaN', ['history'])]);
  const both = g.op('And', [slice(there, 1, bars), slice(there, 0, bars - 1)]);
  const counts = g.op('And', [both, g.op('Not', [g.op('IsInf', [factors])])]);
  const moved = g.op('Sub', [slice('history', 1, bars), slice('history', 0, bars - 1)]);
  const kept = g.op('Compress', [g.op('Div', [moved, factors]), counts], { axis: 0 });
  const padded = g.op('Concat', [g.doubles(new Float64Array(count), [count]), kept], { axis: 0 });
  return g.op('Slice', [padded, g.ints([-count], [1]), g.ints([MAX_HISTORY_BARS * 2], [1])]);
}

/** Rows of a walk, float [steps, paths], moved to the steps of the calendar; `factors` float [steps, 1]. */
export function onCalendarGraph(g: GraphBuilder, walked: string, factors: string, profile: Profile): string {
  const flat = g.op('Reshape', [factors, g.ints([-1], [1])]);
  // Half as much again: the closed factor itself is rounded to a float.
  const open = g.op('Greater', [flat, g.floats([1.5 * closedFactor(profile)])]);
  const before = g.op('CumSum', [g.op('Cast', [open], { to: ELEMENT.INT64 }), g.ints([0], [])], {
    exclusive: 1,
  });
  // At most as many open steps as steps lie before one: never past the last row.
  return g.op('Gather', [walked, before], { axis: 0 });
}
