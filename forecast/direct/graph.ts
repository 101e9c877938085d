// A direct forecast as ONNX: the same state, weights and profile as in the fit, then one normal per step and path.
// Promises: reads a history with holes; what the fit saw and what the graph sees differ only by float rounding and by
// the few block moves that reach back before the history.
// Leaves to others: the laws of blocks, which the sampler places.
import { type Column, mapped, normals } from '../families/innovation.js';
import type { GraphBuilder, ModelShape } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { futureFactor, historyFactor } from '../profile/graph.js';
import type { Profile, ProfileParams } from '../profile/index.js';
import { KNOT_LIMIT, knotPositions } from './plan.js';
import { FEATURE_LIMIT, SIZE_FLOOR, type StatePlan } from './state.js';

export interface DirectModel {
  readonly bars: number;
  readonly step_s: number;
  readonly state: StatePlan;
  /** In steps, ascending. */
  readonly knots: readonly number[];
  /** [knots x width]. */
  readonly weights: readonly number[];
  /** Log factor by hour of the profile's week. */
  readonly season: readonly number[];
  readonly pathSpread: number;
  readonly profile: Profile;
  readonly profileParams: ProfileParams;
  /** Quantile map of a step's shock (fit/map.ts); absent: normal, for paths that are placed on stated laws. */
  readonly shock?: Float64Array;
}

const LEAST_WEIGHT = 1e-9;
/** Larger ones mean that the return says nothing. */
const MOST_FACTOR = 1e6;
const COLUMNS = { calendar: 7, noise: 2 } as const;
const SHOCKS: Column = { index: 0, of: COLUMNS.noise };
const LEVELS: Column = { index: 1, of: COLUMNS.noise };

export const directShape = (historyBars: number): ModelShape => ({
  historyBars,
  calendarColumns: COLUMNS.calendar,
  noiseColumns: COLUMNS.noise,
});

/** Log returns, float [steps, paths]. */
export function directGraph(g: GraphBuilder, m: DirectModel): string {
  const { level, features } = stateGraph(g, m);
  const row = g.op('Concat', [g.doubles([1], [1]), ...features, ...startCalendarGraph(g)], { axis: 0 });
  const width = m.weights.length / m.knots.length;
  const matrix = g.doubles(transposed(m.weights, m.knots.length, width), [width, m.knots.length]);
  const knots = clip(g, g.op('MatMul', [g.op('Unsqueeze', [row, g.ints([0], [1])]), matrix]), KNOT_LIMIT);
  const log = g.op('Add', [g.op('MatMul', [hats(g, m), transposeOf(g, knots)]), level]);
  const deviation = g.op('Cast', [g.op('Exp', [log])], { to: ELEMENT.FLOAT });
  const season = g.op('Gather', [g.floats(m.season.map(Math.exp)), hourIndex(g, m.profile)]);
  const factor = futureFactor(g, m.profile, m.profileParams, m.step_s);
  const scale = g.op('Mul', [g.op('Mul', [deviation, factor]), season]);
  const shock = m.shock ? mapped(g, m.shock, SHOCKS) : normals(g, SHOCKS);
  return g.op('Mul', [g.op('Mul', [scale, shock]), pathFactor(g, m.pathSpread)]);
}

/** Level, double [1], and features, each double [k], of the last bar. */
function stateGraph(g: GraphBuilder, m: DirectModel): { level: string; features: string[] } {
  const n = m.bars - 1;
  const missing = g.op('IsNaN', ['history']);
  const there = g.op('Not', [missing]);
  const logs = g.op('Where', [missing, g.doubles([0]), 'history']);
  const slice = (x: string, from: number, to: number): string =>
    g.op('Slice', [x, g.ints([from], [1]), g.ints([to], [1])]);
  const factor = historyFactor(g, m.profile, m.profileParams, m.step_s, m.bars);
  const both = g.op('And', [slice(there, 1, m.bars), slice(there, 0, n)]);
  const seen = g.op('And', [both, g.op('Less', [factor, g.doubles([MOST_FACTOR])])]);
  const mask = g.op('Cast', [seen], { to: ELEMENT.DOUBLE });
  const moved = g.op('Mul', [g.op('Sub', [slice(logs, 1, m.bars), slice(logs, 0, n)]), mask]);
  const returns = g.op('Div', [moved, factor]);
  const ages = g.op('Unsqueeze', [
    g.op('Cast', [g.op('Range', [g.ints([n - 1]), g.ints([-1]), g.ints([-1])])], { to: ELEMENT.DOUBLE }),
    g.ints([1], [1]),
  ]);
  /** Weighted means, double [k], and whether their weights amount to anything; `skip` drops the oldest values. */
  const means = (values: string, seen: string, half_lives_s: readonly number[], skip = 0) => {
    const rates = g.doubles(
      half_lives_s.map((hl) => (-Math.LN2 * m.step_s) / hl),
      [1, half_lives_s.length],
    );
    const weights = g.op('Exp', [g.op('Mul', [skip === 0 ? ages : slice(ages, skip, n), rates])]);
    const sum = (x: string): string =>
      g.op('Squeeze', [
        g.op('MatMul', [g.op('Unsqueeze', [x, g.ints([0], [1])]), weights]),
        g.ints([0], [1]),
      ]);
    const weight = sum(seen);
    const known = g.op('Greater', [weight, g.doubles([LEAST_WEIGHT])]);
    const mean = g.op('Div', [sum(values), g.op('Max', [weight, g.doubles([LEAST_WEIGHT])])]);
    return { mean, known };
  };
  const orZero = (known: string, x: string): string =>
    g.op('Where', [known, clip(g, x, FEATURE_LIMIT), g.doubles([0])]);
  const logOf = (x: string): string => g.op('Log', [g.op('Max', [x, g.doubles([SIZE_FLOOR])])]);

  const { state } = m;
  const size = g.op('Abs', [returns]);
  const all = means(size, mask, state.half_lives_s);
  const logs_l = logOf(all.mean);
  const level = slice(logs_l, state.reference, state.reference + 1);
  const features: string[] = [];
  const differences = orZero(all.known, g.op('Sub', [logs_l, level]));
  if (state.reference > 0) features.push(slice(differences, 0, state.reference));
  if (state.reference + 1 < state.half_lives_s.length)
    features.push(slice(differences, state.reference + 1, state.half_lives_s.length));
  if (state.signed_s.length > 0) {
    const { mean, known } = means(returns, mask, state.signed_s);
    features.push(orZero(known, g.op('Div', [mean, g.op('Exp', [level])])));
  }
  if (state.rough_s.length > 0) {
    const { block } = state;
    const sums = (x: string): string => {
      const sum = g.op('Concat', [g.doubles([0], [1]), g.op('CumSum', [x, g.ints([0], [])])], { axis: 0 });
      return g.op('Sub', [slice(sum, block, n + 1), slice(sum, 0, n + 1 - block)]);
    };
    const whole = g.op('Cast', [g.op('Greater', [sums(mask), g.doubles([block - 0.5])])], {
      to: ELEMENT.DOUBLE,
    });
    const moves = g.op('Mul', [g.op('Abs', [sums(returns)]), whole]);
    const long = means(moves, whole, state.rough_s, block - 1);
    const short = means(size, mask, state.rough_s);
    const ratio = g.op('Sub', [logOf(long.mean), logOf(short.mean)]);
    features.push(orZero(g.op('And', [long.known, short.known]), ratio));
  }
  return { level, features };
}

/** Six features of the first step's UTC minute of the week: see startCalendar. */
function startCalendarGraph(g: GraphBuilder): string[] {
  const minute = g.op('Cast', [calendarCell(g, 4)], { to: ELEMENT.DOUBLE });
  const turn = (period: number): string => g.op('Mul', [minute, g.doubles([(2 * Math.PI) / period])]);
  const pair = (x: string): string[] => [sine(g, x, 0), sine(g, x, Math.PI / 2)];
  return [...pair(turn(1440)), ...pair(turn(720)), ...pair(turn(10_080))];
}

/** sin(x + shift): the runtime has sines of floats only. */
function sine(g: GraphBuilder, x: string, shift: number): string {
  const turns = g.op('Mul', [g.op('Add', [x, g.doubles([shift])]), g.doubles([1 / (2 * Math.PI)])]);
  const part = g.op('Mul', [g.op('Sub', [turns, g.op('Floor', [turns])]), g.doubles([2 * Math.PI])]);
  const value = g.op('Sin', [g.op('Cast', [part], { to: ELEMENT.FLOAT })]);
  return g.op('Cast', [value], { to: ELEMENT.DOUBLE });
}

/** One calendar column of the first step, float [1]. */
function calendarCell(g: GraphBuilder, column: number): string {
  const first = g.op('Slice', ['calendar', g.ints([0, column], [2]), g.ints([1, column + 1], [2])]);
  return g.op('Reshape', [first, g.ints([1], [1])]);
}

/** Hour of the profile's week of each step, int64 [steps, 1]. */
function hourIndex(g: GraphBuilder, profile: Profile): string {
  const column = profile.clock === 'utc' ? 4 : 5;
  const minutes = g.op('Slice', [
    'calendar',
    g.ints([column], [1]),
    g.ints([column + 1], [1]),
    g.ints([1], [1]),
  ]);
  return g.op(
    'Cast',
    [g.op('Floor', [g.op('Mul', [g.op('Add', [minutes, g.floats([0.5])]), g.floats([1 / 60])])])],
    { to: ELEMENT.INT64 },
  );
}

/** Weight of every knot at every step, double [steps, knots]. Steps beyond the last knot keep its weights. */
function hats(g: GraphBuilder, m: DirectModel): string {
  const steps = g.op('Slice', [g.op('Shape', ['noise']), g.ints([0], [1]), g.ints([1], [1])]);
  const last = m.knots[m.knots.length - 1];
  const position = knotPositions(m.knots, last);
  const h = g.op('Min', [
    g.op('Range', [g.ints([0]), g.op('Squeeze', [steps, g.ints([0], [1])]), g.ints([1])]),
    g.ints([last - 1]),
  ]);
  const at = g.op('Unsqueeze', [g.op('Gather', [g.doubles(position, [last]), h]), g.ints([1], [1])]);
  const knots = g.doubles(
    m.knots.map((_, k) => k),
    [1, m.knots.length],
  );
  const away = g.op('Abs', [g.op('Sub', [at, knots])]);
  return g.op('Max', [g.op('Sub', [g.doubles([1]), away]), g.doubles([0])]);
}

/** exp(s n - s^2) per path, float [1, paths]: mean square 1. */
function pathFactor(g: GraphBuilder, spread: number): string {
  const first = g.op('Slice', [normals(g, LEVELS), g.ints([0], [1]), g.ints([1], [1]), g.ints([0], [1])]);
  const log = g.op('Sub', [g.op('Mul', [first, g.floats([spread])]), g.floats([spread * spread])]);
  return g.op('Exp', [log]);
}

function clip(g: GraphBuilder, x: string, limit: number): string {
  return g.op('Min', [g.op('Max', [x, g.doubles([-limit])]), g.doubles([limit])]);
}

function transposeOf(g: GraphBuilder, x: string): string {
  return g.op('Transpose', [x]);
}

function transposed(values: readonly number[], rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)],
  );
}
