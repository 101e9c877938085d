// Writes an answer: `[start, increment, [p, p, ...], ...]` as JSON text.
// Promises text that both dated digit rules accept (`digits8`), or all 8 significant digits where only the newer rule
// holds (`float32e7`), and refuses a price that cannot be written. Leaves the prices to the sampler.
import type { Paths } from '../../../forecast/score/index.js';
import { Sn50Error } from '../errors.js';
import type { ResponseRule } from '../profile.js';
import { type Prompt, parseStart, pointsOf } from '../prompt.js';
import { pyStr } from './python.js';

const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8] as const;
const comma = 44;
const dot = 46;
const zero = 48;
const opening = 91;
const closing = 93;
const longestText = 25;

/** Four digits at a time, as they lie in memory: 0000 to 9999. */
const quads = Uint32Array.from({ length: 1e4 }, (_, n) =>
  Buffer.from(String(n).padStart(4, '0'), 'latin1').readUInt32BE(),
);

/** Text in the making. */
interface Line {
  readonly bytes: Buffer;
  readonly view: DataView;
}

function lineOf(length: number): Line {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, length) };
}

/**
 * One price as JSON text, rounded to what `rule` allows. Under `digits8` the text satisfies both rules: at most 8
 * characters beside the point as Python prints the value, hence 8 significant digits from 1 on and 7 decimals below.
 * Throws `SWARM_E_PRICE_UNWRITABLE` for prices that are not finite, not positive, or
 * (digits8) in [99999999.5, 1e21), where JSON carries an integer of more than 8 digits.
 */
export function formatPrice(x: number, rule: ResponseRule): string {
  const line = lineOf(longestText);
  return line.bytes.toString('latin1', 0, writePrice(line, 0, x, rule));
}

/** The answer's JSON text. Throws as `formatPaths` does. */
export const formatResponse = (paths: Paths, prompt: Prompt, rule: ResponseRule = 'digits8'): string =>
  `[${parseStart(prompt.start_time)}${formatPaths(paths, prompt, rule).toString('latin1')}`;

/**
 * All of the answer's JSON text after its start: `,60,[p,p,...],...]`, in memory of its own. Bytes are written by hand,
 * since JSON.stringify needs the rounded numbers first and makes a string that must be encoded again: 1000 x 289 prices
 * take 5 ms here, and 90 ms with toPrecision, JSON.stringify and encoding.
 * Throws `SWARM_E_ANSWER_SHAPE` when the paths do not fit the prompt, and as `formatPrice` does.
 */
export function formatPaths(paths: Paths, prompt: Prompt, rule: ResponseRule = 'digits8'): Buffer {
  const { count, points, prices } = paths;
  if (count !== prompt.num_simulations || points !== pointsOf(prompt) || prices.length !== count * points)
    throw new Sn50Error(
      'SWARM_E_ANSWER_SHAPE',
      `${count} paths of ${points} points (${prices.length} prices) do not answer a prompt for ${prompt.num_simulations} of ${pointsOf(prompt)}`,
      'sample on the grid that the prompt names',
    );
  const increment = `,${prompt.time_increment}`;
  // Most texts are under ten characters; a path that needs more than is left gets the room for the longest ones.
  const longestPath = points * (longestText + 1) + 3;
  let line = lineOf(increment.length + count * (points * 10 + 2) + longestPath);
  let end = line.bytes.write(increment, 'latin1');
  for (let path = 0; path < count; path++) {
    if (line.bytes.length - end < longestPath) {
      const wider = lineOf(end + (count - path) * longestPath);
      line.bytes.copy(wider.bytes, 0, 0, end);
      line = wider;
    }
    line.bytes[end++] = comma;
    line.bytes[end++] = opening;
    for (let i = path * points; i < (path + 1) * points; i++) {
      end = writePrice(line, end, prices[i], rule);
      line.bytes[end++] = comma;
    }
    line.bytes[end - 1] = closing;
  }
  line.bytes[end++] = closing;
  return line.bytes.subarray(0, end);
}

/** Writes `x` at `at`, returns the end. Fixed-point integers serve all usual prices; the rest goes through text. */
function writePrice(line: Line, at: number, x: number, rule: ResponseRule): number {
  let decimals = decimalsOf(x, rule);
  let scaled = decimals < 0 ? 0 : Math.round(x * powers[decimals]);
  if (scaled === 1e8) {
    // Rounded up to one digit more: 9.99999999 becomes 10.
    scaled = 1e7;
    decimals -= 1;
  }
  if (decimals < 0) return at + line.bytes.write(rareText(x, rule), at, 'latin1');
  return scaled < 1e7
    ? writeBelowOne(line.bytes, at, scaled, decimals)
    : writeEight(line, at, scaled, decimals);
}

/** Eight digits with the point `decimals` before their end, and without the zeros that say nothing. */
function writeEight({ bytes, view }: Line, at: number, scaled: number, decimals: number): number {
  const upper = (scaled / 1e4) | 0;
  const first = decimals === 0 ? at : at + 1;
  view.setUint32(first, quads[upper]);
  view.setUint32(first + 4, quads[scaled - upper * 1e4]);
  if (decimals === 0) return at + 8;
  const point = at + 8 - decimals;
  for (let i = at; i < point; i++) bytes[i] = bytes[i + 1];
  bytes[point] = dot;
  let end = at + 9;
  while (bytes[end - 1] === zero) end -= 1;
  return end - 1 === point ? point : end;
}

/** `0.` and the digits of a price that has fewer than eight of them. */
function writeBelowOne(bytes: Buffer, at: number, scaled: number, decimals: number): number {
  let [rest, left] = [scaled, decimals];
  while (rest % 10 === 0) {
    rest /= 10;
    left -= 1;
  }
  bytes[at] = zero;
  bytes[at + 1] = dot;
  for (let i = at + 1 + left; i > at + 1; i--) {
    bytes[i] = zero + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + 2 + left;
}

/** Decimals after which `x` is cut, or -1 when fixed point does not serve. */
function decimalsOf(x: number, rule: ResponseRule): number {
  if (x >= 1) return x < 1e8 ? 8 - digitsOf(x) : -1;
  return x >= 1e-4 && rule === 'digits8' ? 7 : -1;
}

function digitsOf(x: number): number {
  if (x < 1e4) return x < 100 ? (x < 10 ? 1 : 2) : x < 1e3 ? 3 : 4;
  return x < 1e6 ? (x < 1e5 ? 5 : 6) : x < 1e7 ? 7 : 8;
}

/** Prices that fixed point does not serve: below 1e-4, from 1e8 on, and what cannot be written at all. */
function rareText(x: number, rule: ResponseRule): string {
  if (Number.isFinite(x) && x > 0)
    for (let digits = 8; digits >= 1; digits--) {
      const value = Number(x.toPrecision(digits));
      if (!Number.isFinite(Math.fround(value)) || Math.fround(value) === 0) break;
      if (rule === 'float32e7' || pyStr(value).replace('.', '').length <= 8) return String(value);
    }
  throw new Sn50Error(
    'SWARM_E_PRICE_UNWRITABLE',
    `the validator accepts no writing of price ${x} under ${rule}`,
    'check the model and the latest price: answers hold finite positive prices',
  );
}
