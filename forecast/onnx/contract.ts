// The contract between a model and whoever runs it: names, types and shapes of what goes in and comes out.
// Promises: one place that builder, inspector and session all read.
// Leaves to others: what happens in between.
//
//   history     double [H]                 natural log closes, oldest first, H fixed per model
//   calendar    float  [steps, 4]          sin, cos of time of day; sin, cos of time of week; at each step's start, UTC
//   noise       float  [steps, paths, 1]   standard normals
//   log_returns float  [steps, paths]      natural log return of each step (output)
import { ELEMENT } from './proto.js';

export interface Port {
  readonly name: string;
  readonly type: number;
  /** A number is fixed, a string is symbolic, null is "any fixed positive number". */
  readonly shape: readonly (number | string | null)[];
}

export const CALENDAR_FEATURES = 4;
export const INPUTS: readonly Port[] = [
  { name: 'history', type: ELEMENT.DOUBLE, shape: [null] },
  { name: 'calendar', type: ELEMENT.FLOAT, shape: ['steps', CALENDAR_FEATURES] },
  { name: 'noise', type: ELEMENT.FLOAT, shape: ['steps', 'paths', 1] },
];
export const OUTPUT: Port = { name: 'log_returns', type: ELEMENT.FLOAT, shape: ['steps', 'paths'] };
export const MAX_HISTORY_BARS = 20_000;
export const OPSET = 17;

const DAY_S = 86_400;
const WEEK_S = 604_800;
/** 1970-01-01 was a Thursday: weeks are counted from the Monday before. */
const MONDAY_SHIFT_S = 3 * DAY_S;

/** Calendar features, shape [steps, 4] row-major, of steps that begin at start_s, start_s + step_s, ... (unix seconds). */
export function calendarFeatures(start_s: number, step_s: number, steps: number): Float32Array {
  const out = new Float32Array(steps * CALENDAR_FEATURES);
  for (let h = 0; h < steps; h++) {
    const t = start_s + h * step_s;
    const day = (2 * Math.PI * (t % DAY_S)) / DAY_S;
    const week = (2 * Math.PI * ((t + MONDAY_SHIFT_S) % WEEK_S)) / WEEK_S;
    out.set([Math.sin(day), Math.cos(day), Math.sin(week), Math.cos(week)], h * CALENDAR_FEATURES);
  }
  return out;
}
