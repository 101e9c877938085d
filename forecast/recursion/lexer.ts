// Words of a recursion program: numbers, names, symbols and ends of statements, each with its place.
// Promises: time linear in a text that is short to begin with; anything but printable ASCII is refused by its code point.
// Leaves to others: what the words mean together (parser.ts).
import { ForecastError } from '../errors.js';

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Token {
  readonly kind: 'number' | 'name' | 'symbol' | 'end' | 'last';
  readonly text: string;
  readonly value: number;
  readonly at: Place;
}

export const MAX_TEXT = 2000;
const MAX_NAME = 32;
/** Numbers of a program are 0, or this large: single precision holds them and their reciprocals. */
const NUMBERS = { min: 1e-18, max: 1e12 };

/** SWARM_E_SPEC_INVALID at a place of the program. */
export function programError({ line, column }: Place, what: string, hint: string): ForecastError {
  return new ForecastError('SWARM_E_SPEC_INVALID', `line ${line}:${column}: ${what}`, hint);
}

const SPACE = /[ \t\r]+|#[\t\r\x20-\x7e]*/y;
const NUMBER = /(?:[0-9]|\.[0-9])(?:[eE][+-]|[0-9A-Za-z_.])*/y;
const PLAIN_NUMBER = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const NAME = /[A-Za-z][A-Za-z0-9_]*/y;
const SYMBOL = /<=|>=|==|!=|[-+*/^()[\],<>=']/y;

/** Throws SWARM_E_SPEC_INVALID. */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_TEXT) {
    const what = `${text.length} characters, at most ${MAX_TEXT} are read`;
    throw programError({ line: 1, column: 1 }, what, 'shorten the program, comments included');
  }
  const tokens: Token[] = [];
  let [at, line, lineStart, open] = [0, 1, 0, 0];
  const place = (): Place => ({ line, column: at - lineStart + 1 });
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (kind: Token['kind'], word: string, value = 0): void => {
    tokens.push({ kind, text: word, value, at: place() });
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const next = text[at];
    if (next === '\n' || next === ';') {
      // Inside brackets a statement goes on.
      if (open <= 0 || next === ';') push('end', next);
      at++;
      if (next === '\n') [line, lineStart] = [line + 1, at];
      continue;
    }
    const number = match(NUMBER);
    const word = number ?? match(NAME) ?? match(SYMBOL);
    if (word === undefined) throw foreign(text, at, place());
    if (number !== undefined) push('number', word, numberOf(word, place()));
    else if (/[A-Za-z]/.test(word)) push('name', nameOf(word, place()));
    else push('symbol', word);
    if (word === '(' || word === '[') open++;
    if (word === ')' || word === ']') open--;
    at += word.length;
  }
  push('last', 'the end of the program');
  return tokens;
}

function numberOf(word: string, at: Place): number {
  const value = PLAIN_NUMBER.test(word) ? Number(word) : Number.NaN;
  const size = Math.abs(value);
  if (value === 0 || (size >= NUMBERS.min && size <= NUMBERS.max)) return value;
  const hint = `write numbers like 0.05 or 1e-4, of a size from ${NUMBERS.min} to ${NUMBERS.max}`;
  throw programError(at, `bad number ${JSON.stringify(word.slice(0, MAX_NAME))}`, hint);
}

function nameOf(word: string, at: Place): string {
  if (word.length <= MAX_NAME) return word;
  throw programError(at, `a name of ${word.length} letters`, `names have at most ${MAX_NAME} letters`);
}

function foreign(text: string, index: number, at: Place): ForecastError {
  const code = text.codePointAt(index) ?? 0;
  const name =
    code > 0x20 && code < 0x7f
      ? JSON.stringify(text[index])
      : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return programError(
    at,
    `unexpected character ${name}`,
    'use ASCII names, numbers and the operators + - * / ^ < <= > >= == !=',
  );
}
