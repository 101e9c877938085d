// JSON as Python's json.loads reads it: ints become bigint, floats number, NaN and Infinity are values.
// Promises no loss between the text and what the rules see. Refuses malformed text and deep nesting.
import { Sn50Error } from '../errors.js';

export type PyJson = null | boolean | string | bigint | number | PyJson[] | { [key: string]: PyJson };

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const string = /"(?:[^"\\]|\\.)*"/sy;
const space = /[ \t\n\r]*/y;
const words: ReadonlyMap<string, PyJson> = new Map<string, PyJson>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
const deepest = 64;

/** Parses `text`. Throws `SWARM_E_ANSWER_NOT_JSON` with the offset of the first fault. */
export function pythonJson(text: string): PyJson {
  let at = 0;

  const fail = (what: string): never => {
    throw new Sn50Error(
      'SWARM_E_ANSWER_NOT_JSON',
      `not JSON at offset ${at}: ${what}`,
      'the sender must answer with a JSON array',
    );
  };
  const skip = () => {
    space.lastIndex = at;
    space.test(text);
    at = space.lastIndex;
  };
  const literal = (): string => {
    string.lastIndex = at;
    const found = string.exec(text)?.[0] ?? fail('unfinished string');
    let value: unknown;
    try {
      value = JSON.parse(found);
    } catch {
      return fail('bad string');
    }
    at = string.lastIndex;
    return String(value);
  };
  const scalar = (): PyJson => {
    number.lastIndex = at;
    const match = number.exec(text);
    if (match) {
      at = number.lastIndex;
      return match[1] === undefined && match[2] === undefined ? BigInt(match[0]) : Number(match[0]);
    }
    for (const [word, value] of words)
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    return fail(at < text.length ? `unexpected ${JSON.stringify(text[at])}` : 'unexpected end');
  };
  /** Reads what lies between `at` and `close`, separated by commas. */
  const sequence = (close: string, item: () => void): void => {
    at += 1;
    skip();
    if (text[at] === close) {
      at += 1;
      return;
    }
    for (;;) {
      item();
      skip();
      const next = text[at];
      at += 1;
      if (next === close) return;
      if (next !== ',') fail(`expected , or ${close}`);
    }
  };
  const value = (depth: number): PyJson => {
    if (depth > deepest) return fail('nested too deeply');
    skip();
    const first = text[at];
    if (first === '"') return literal();
    if (first === '[') {
      const list: PyJson[] = [];
      sequence(']', () => list.push(value(depth + 1)));
      return list;
    }
    if (first !== '{') return scalar();
    const entries: [string, PyJson][] = [];
    sequence('}', () => {
      skip();
      if (text[at] !== '"') fail('expected a key');
      const key = literal();
      skip();
      if (text[at] !== ':') fail('expected :');
      at += 1;
      entries.push([key, value(depth + 1)]);
    });
    return Object.fromEntries(entries);
  };

  const whole = value(0);
  skip();
  if (at < text.length) fail('text after the value');
  return whole;
}
