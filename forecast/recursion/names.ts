// The vocabulary of recursion programs.
// Promises: a name means one thing. Leaves to others: what functions do (tape.ts).
import type { Bounds } from './parser.js';

export type Type = 'number' | 'boolean';

const N = 'number' as const;
/** Types of their arguments; every function yields a number. */
export const FUNCTIONS: ReadonlyMap<string, readonly Type[]> = new Map([
  ['abs', [N]],
  ['sqrt', [N]],
  ['exp', [N]],
  ['log', [N]],
  ['tanh', [N]],
  ['sigmoid', [N]],
  ['sign', [N]],
  ['min', [N, N]],
  ['max', [N, N]],
  ['clip', [N, N, N]],
  ['if', ['boolean', N, N]],
]);

/** r: the last return over the training standard deviation; z: over the deviation that was expected for it. */
export const INPUTS: readonly string[] = ['r', 'z'];

export const RESERVED: ReadonlySet<string> = new Set([
  ...FUNCTIONS.keys(),
  ...INPUTS,
  ...['param', 'state', 'let', 'variance', 'in', 'and', 'or', 'not', 'true', 'false'],
]);

export const MAX_STATES = 4;
export const MAX_PARAMS = 12;
export const MAX_EXPONENT = 8;
/** Of states declared without bounds. */
export const DEFAULT_BOUNDS: Bounds = { lo: -1e6, hi: 1e6 };
