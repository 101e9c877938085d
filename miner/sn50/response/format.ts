// Writes an answer: `[start, increment, [p, p, ...], ...]` as JSON text.
// Promises text that both dated digit rules accept (`digits8`), or all 8 significant digits where only the newer rule
// holds (`float32e7`), and refuses a price that cannot be written. Leaves the prices to the sampler.
import type { Paths } from '../../../forecast/score/index.js';
import { Sn50Error } from '../errors.js';
import type { ResponseRule } from '../profile.js';
import { type Prompt, parseStart, pointsOf } from '../prompt.js';
import { pyStr } from './python.js';

const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8] as const;
const dot = 46;
const zero = 48;
const longestText = 25;

/**
 * One price as JSON text, rounded to what `rule` allows. Under `digits8` the text satisfies both rules: at most 8
 * characters beside the point as Python prints the value, hence 8 significant digits from 1 on and 7 decimals below.
 * Throws `SWARM_E_PRICE_UNWRITABLE` for prices that are not finite, not positive, or
 * (digits8) in [99999999.5, 1e21), where JSON carries an integer of more than 8 digits.
 */
export function formatPrice(x: number, rule: ResponseRule): string {
  const line = Buffer.allocUnsafe(longestText);
  return line.toString('latin1', 0, writePrice(line, 0, x, rule));
}

/**
 * The answer's JSON text. A string is built by hand because JSON.stringify needs the rounded numbers first: 1000 x 289
 * prices take 12 ms here and 70 ms with toPrecision and JSON.stringify.
 * Throws `SWARM_E_ANSWER_SHAPE` when the paths do not fit the prompt, and as `formatPrice` does.
 */
export function formatResponse(paths: Paths, prompt: Prompt, rule: ResponseRule = 'digits8'): string {
  const { count, points, prices } = paths;
  if (count !== prompt.num_simulations || points !== pointsOf(prompt) || prices.length !== count * points)
    throw new Sn50Error(
      'SWARM_E_ANSWER_SHAPE',
      `${count} paths of ${points} points (${prices.length} prices) do not answer a prompt for ${prompt.num_simulations} of ${pointsOf(prompt)}`,
      'sample on the grid that the prompt names',
    );
  const parts = [`[${parseStart(prompt.start_time)}`, String(prompt.time_increment)];
  const line = Buffer.allocUnsafe(points * (longestText + 1) + 2);
  for (let path = 0; path < count; path++) {
    line[0] = 91; // [
    let end = 1;
    for (let i = path * points; i < (path + 1) * points; i++) {
      end = writePrice(line, end, prices[i], rule);
      line[end++] = 44; // ,
    }
    line[end - 1] = 93; // ]
    parts.push(line.toString('latin1', 0, end));
  }
  return `${parts.join(',')}]`;
}

/** Writes `x` at `at`, returns the end. Fixed-point integers serve all usual prices; the rest goes through text. */
function writePrice(line: Buffer, at: number, x: number, rule: ResponseRule): number {
  let decimals = decimalsOf(x, rule);
  let scaled = decimals < 0 ? 0 : Math.round(x * powers[decimals]);
  if (scaled === 1e8) {
    // Rounded up to one digit more: 9.99999999 becomes 10.
    scaled = 1e7;
    decimals -= 1;
  }
  if (decimals < 0) return at + line.write(rareText(x, rule), at, 'latin1');
  const unit = powers[decimals];
  const whole = Math.floor(scaled / unit);
  let end = writeDigits(line, at, whole, whole < 10 ? 1 : digitsOf(whole));
  let rest = scaled - whole * unit;
  if (rest === 0) return end;
  while (rest % 10 === 0) {
    rest /= 10;
    decimals -= 1;
  }
  line[end++] = dot;
  end = writeDigits(line, end, rest, decimals);
  return end;
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

function writeDigits(line: Buffer, at: number, value: number, width: number): number {
  let left = value | 0;
  for (let i = at + width - 1; i >= at; i--) {
    const tenth = (left / 10) | 0;
    line[i] = zero + left - tenth * 10;
    left = tenth;
  }
  return at + width;
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
