// The profile inside a model: factors of the steps ahead and of the bars behind, from the calendar input.
// Promises: the table of weekTable, read at the same slots as profileFactors reads it.
// Leaves to others: holidays that lie in the history, whose bars are missing anyway.
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import {
  closedFactor,
  EARLY_CLOSE_MINUTE,
  type Profile,
  type ProfileParams,
  scoredOffset_s,
  seenTable,
  weekTable,
} from './index.js';

const COLUMN = { utc: 4, new_york: 5, holiday: 6 } as const;

/** Factor of every step, float [steps, 1]. */
export function futureFactor(
  g: GraphBuilder,
  profile: Profile,
  params: ProfileParams,
  step_s: number,
): string {
  const table = weekTable(profile, params, step_s);
  const minutes = column(g, COLUMN[profile.clock]);
  const slot = wrapped(g, slotOf(g, minutes, scoredOffset_s(step_s), step_s), table.length);
  const usual = g.op('Gather', [g.floats(table), slot]);
  if (!profile.holidays) return usual;
  const code = column(g, COLUMN.holiday);
  const minute = g.op('Mod', [toInt(g, column(g, COLUMN.new_york)), g.ints([1440])]);
  const late = g.op('GreaterOrEqual', [minute, g.ints([EARLY_CLOSE_MINUTE])]);
  const shut = g.op('Or', [
    g.op('Equal', [toInt(g, code), g.ints([1])]),
    g.op('And', [g.op('Equal', [toInt(g, code), g.ints([2])]), late]),
  ]);
  return g.op('Where', [shut, g.floats([closedFactor(profile)]), usual]);
}

/** Factor of every return of the history, double [bars - 1], oldest first; infinite where a return says nothing. */
export function historyFactor(
  g: GraphBuilder,
  profile: Profile,
  params: ProfileParams,
  step_s: number,
  bars: number,
): string {
  const table = weekTable(profile, params, step_s);
  const minutes = column(g, COLUMN[profile.clock]);
  const first = g.op('Slice', [minutes, g.ints([0], [1]), g.ints([1], [1]), g.ints([0], [1])]);
  // The last visible bar closed by a minute before the start.
  const last = g.op('Sub', [slotOf(g, g.op('Reshape', [first, g.ints([1], [1])]), -60, step_s), g.ints([1])]);
  const back = g.op('Range', [g.ints([2 - bars]), g.ints([1]), g.ints([1])]);
  const slot = wrapped(g, g.op('Add', [last, back]), table.length);
  return g.op('Gather', [g.doubles(seenTable(profile, table)), slot]);
}

function column(g: GraphBuilder, index: number): string {
  return g.op('Slice', ['calendar', g.ints([index], [1]), g.ints([index + 1], [1]), g.ints([1], [1])]);
}

function toInt(g: GraphBuilder, x: string): string {
  return g.op('Cast', [x], { to: ELEMENT.INT64 });
}

/** floor((minute * 60 + offset) / step), int64. Half a second more keeps a whole quotient from rounding below itself. */
function slotOf(g: GraphBuilder, minutes: string, offset_s: number, step_s: number): string {
  const moved = g.op('Add', [g.op('Mul', [minutes, g.floats([60])]), g.floats([offset_s + 0.5])]);
  return toInt(g, g.op('Floor', [g.op('Mul', [moved, g.floats([1 / step_s])])]));
}

/** Integer modulo: the sign is the divisor's. */
function wrapped(g: GraphBuilder, x: string, n: number): string {
  return g.op('Mod', [x, g.ints([n])]);
}
