// The validator's verdict on an answer, word for word (response_validation_v2.py), in its order of checks.
// Promises the message the subnet would store, under either dated rule for digits. Leaves scoring to others: a price
// of 0 is CORRECT here and scores nothing there.
import type { ResponseRule } from '../profile.js';
import { type Prompt, parseStart, pointsOf } from '../prompt.js';
import { isPyInt, pyStr, pyType, type Reading } from './python.js';
import { type PyJson, pythonJson } from './scan.js';

const correct = 'CORRECT';

/**
 * Judges an answer already in memory, taking its numbers as JSON.stringify would send them: 5.0 counts as the int 5.
 * Use `validateResponseText` on what came over the wire, where Python still sees the difference.
 * `process_time`: seconds, null when the miner did not answer. Returns 'CORRECT' or the validator's message.
 */
export function validateResponse(
  simulation_output: unknown,
  prompt: Prompt,
  process_time: number | null,
  rule: ResponseRule,
): string {
  return judge(simulation_output, prompt, process_time, rule, 'memory');
}

/**
 * Judges an answer from its JSON text (the value of `simulation_output`), telling 5 from 5.0 and reading NaN and
 * Infinity as Python's json does. Throws `SWARM_E_ANSWER_NOT_JSON`. Ints beyond 4300 digits, which Python refuses to
 * print, are printed here.
 */
export function validateResponseText(
  jsonText: string,
  prompt: Prompt,
  process_time: number | null,
  rule: ResponseRule,
): string {
  return judge(process_time === null ? null : pythonJson(jsonText), prompt, process_time, rule, 'text');
}

/** As `validateResponseText`, for an answer that `pythonJson` has read already. */
export const validateResponseValue = (
  output: PyJson,
  prompt: Prompt,
  process_time: number | null,
  rule: ResponseRule,
): string => judge(output, prompt, process_time, rule, 'text');

function judge(
  output: unknown,
  prompt: Prompt,
  process_time: number | null,
  rule: ResponseRule,
  reading: Reading,
): string {
  if (process_time === null) return 'time out or internal server error (process time is None)';
  if (output === null || output === undefined) return 'Response is empty';
  if (!Array.isArray(output))
    return `Response format is incorrect: expected tuple or list, got ${pyType(output, reading)}`;
  if (output.length === 0) return 'Response is empty';
  const [start, increment]: unknown[] = output;
  if (!isPyInt(start, reading))
    return `Start time format is incorrect: expected int, got ${pyType(start, reading)}`;
  // The validator indexes past the end here; what it stores is its catch-all text.
  if (output.length === 1) return 'error during validation';
  if (!isPyInt(increment, reading))
    return `Time increment format is incorrect: expected int, got ${pyType(increment, reading)}`;
  const expectedStart = parseStart(prompt.start_time);
  if (Number(start) !== expectedStart)
    return `Start time timestamp is incorrect: expected ${expectedStart}, got ${pyStr(start, reading)}`;
  if (Number(increment) !== prompt.time_increment)
    return `Time increment is incorrect: expected ${prompt.time_increment}, got ${pyStr(increment, reading)}`;
  if (output.length - 2 !== prompt.num_simulations)
    return `Number of paths is incorrect: expected ${prompt.num_simulations}, got ${output.length - 2}`;
  return judgePaths(output.slice(2), pointsOf(prompt), rule, reading) ?? correct;
}

// The older rule finishes one path before it looks at the next; the newer looks at all shapes first.
function judgePaths(
  paths: readonly unknown[],
  points: number,
  rule: ResponseRule,
  reading: Reading,
): string | null {
  if (rule === 'float32e7')
    return (
      first(paths, (path) => shapeFault(path, points, reading)) ??
      first(paths, (path) => first(path as unknown[], (point) => float32e7Fault(point, reading)))
    );
  return first(
    paths,
    (path) =>
      shapeFault(path, points, reading) ?? first(path as unknown[], (point) => digits8Fault(point, reading)),
  );
}

function first(items: readonly unknown[], fault: (item: unknown) => string | null): string | null {
  for (const item of items) {
    const found = fault(item);
    if (found !== null) return found;
  }
  return null;
}

function shapeFault(path: unknown, points: number, reading: Reading): string | null {
  if (!Array.isArray(path)) return `Path format is incorrect: expected list, got ${pyType(path, reading)}`;
  if (path.length !== points)
    return `Number of time points is incorrect: expected ${points}, got ${path.length}`;
  return null;
}

type Point = number | bigint | boolean;
const isPoint = (value: unknown): value is Point =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

const wrongType = (value: unknown, reading: Reading) =>
  `Price format is incorrect: expected int or float, got ${pyType(value, reading)}`;

const POWERS = [1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 10] as const;

/**
 * True for a fraction from 1 to 1e7 that is the double nearest to a decimal of 8 digits: then its shortest text has at
 * most 8. Nearly every price is decided here, without making 289,000 strings an answer; false decides nothing.
 */
function fitsEightDigits(x: number): boolean {
  if (!(x >= 1 && x < 1e7) || Number.isInteger(x)) return false;
  let digits = 0;
  for (let limit = 10; x >= limit; limit *= 10) digits += 1;
  const power = POWERS[digits]!;
  return Math.round(x * power) / power === x;
}

/** At most 8 characters beside the points: leading zeros, the minus and the exponent count. Bools pass. */
function digits8Fault(point: unknown, reading: Reading): string | null {
  if (typeof point === 'number' && fitsEightDigits(point)) return null;
  if (!isPoint(point)) return wrongType(point, reading);
  const text = pyStr(point, reading);
  if (text.length > 9 || text.replaceAll('.', '').length > 8)
    return `Price format is incorrect: too many digits ${text}`;
  return null;
}

/** Finite, in float32's range, and equal to itself rounded to 8 significant digits. Bools are refused. */
function float32e7Fault(point: unknown, reading: Reading): string | null {
  if (!isPoint(point) || typeof point === 'boolean') return wrongType(point, reading);
  const text = () => pyStr(point, reading);
  const value = Number(point);
  if (typeof point === 'bigint' && !Number.isFinite(value))
    return `Price format is incorrect: too many digits ${text()}`;
  if (!Number.isFinite(value)) return `Price format is incorrect: non-finite value ${text()}`;
  const single = Math.fround(value);
  if (!Number.isFinite(single)) return `Price format is incorrect: exceeds float32 range ${text()}`;
  if (single === 0 && value !== 0) return `Price format is incorrect: underflows float32 ${text()}`;
  if (Number(value.toExponential(7)) !== value) return `Price format is incorrect: too many digits ${text()}`;
  return null;
}
