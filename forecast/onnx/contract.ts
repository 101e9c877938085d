// The contract between a model and whoever runs it: names, types and shapes of what goes in and comes out.
// Promises: one place that builder, inspector and session all read.
// Leaves to others: what happens in between.
//
//   history     double [H]                 natural log closes, oldest first, H fixed per model
//                                          (NaN: no bar, for models whose manifest says that they cope with gaps)
//   calendar    float  [steps, 4 or 7]     features of each step's start: see calendarFeatures
//   noise       float  [steps, paths, K]   standard normals, K of 1 to 4 fixed per model
//   log_returns float  [steps, paths]      natural log return of each step (output)
import { minuteOfWeek, newYorkHoliday, newYorkOffset_s } from '../sessions.js';
import { ELEMENT } from './proto.js';

export interface Port {
  readonly name: string;
  readonly type: number;
  /** A number is fixed, a string is symbolic, a range is any fixed number in it. */
  readonly shape: readonly (number | string | { readonly min: number; readonly max: number })[];
}

export const MAX_HISTORY_BARS = 40_000;
/** A model declares how many it reads; those of the first format read four. */
export const CALENDAR_FEATURES = { min: 4, max: 7 } as const;
export const NOISE_COLUMNS = { min: 1, max: 4 } as const;
export const INPUTS: readonly Port[] = [
  { name: 'history', type: ELEMENT.DOUBLE, shape: [{ min: 2, max: MAX_HISTORY_BARS }] },
  { name: 'calendar', type: ELEMENT.FLOAT, shape: ['steps', CALENDAR_FEATURES] },
  { name: 'noise', type: ELEMENT.FLOAT, shape: ['steps', 'paths', NOISE_COLUMNS] },
];
export const OUTPUT: Port = { name: 'log_returns', type: ELEMENT.FLOAT, shape: ['steps', 'paths'] };
export const OPSET = 17;

const DAY_S = 86_400;
const WEEK_S = 604_800;

/**
 * Calendar features, shape [steps, 7] row-major, of steps that begin at start_s, start_s + step_s, ... (unix seconds):
 * sin, cos of the time of day; sin, cos of the time of week, UTC; minute of the week UTC and in New York (0: Monday
 * 00:00); New York's holiday code (0 none, 1 closed, 2 early close).
 */
export function calendarFeatures(start_s: number, step_s: number, steps: number): Float32Array {
  const width = CALENDAR_FEATURES.max;
  const out = new Float32Array(steps * width);
  for (let h = 0; h < steps; h++) {
    const t = start_s + h * step_s;
    const day = (2 * Math.PI * (t % DAY_S)) / DAY_S;
    const minute = minuteOfWeek(t);
    const week = (2 * Math.PI * (minute * 60 + (t % 60))) / WEEK_S;
    const newYork = minuteOfWeek(t + newYorkOffset_s(t));
    out.set(
      [Math.sin(day), Math.cos(day), Math.sin(week), Math.cos(week), minute, newYork, newYorkHoliday(t)],
      h * width,
    );
  }
  return out;
}
