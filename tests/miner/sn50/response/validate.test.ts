// The validator's verdicts, word for word, under both dated digit rules.
import { describe, expect, it } from 'vitest';
import type { ResponseRule } from '../../../../miner/sn50/profile.js';
import { pyStr, validateResponse, validateResponseText } from '../../../../miner/sn50/response.js';

const start = 1_672_531_200;
const ask = (time_length: number, num_simulations = 1) => ({
  asset: 'BTC',
  start_time: '2023-01-01T00:00:00+00:00',
  time_increment: 1,
  time_length,
  num_simulations,
});
const flat = (price: unknown, points = 11) => Array<unknown>(points).fill(price);

describe.each<ResponseRule>(['digits8', 'float32e7'])('validateResponse, %s', (rule) => {
  it.each<[string, unknown, ReturnType<typeof ask>, number | null, string]>([
    ['no process time', [], ask(10), null, 'time out or internal server error (process time is None)'],
    ['nothing', null, ask(10), 0, 'Response is empty'],
    ['an empty list', [], ask(10), 0, 'Response is empty'],
    [
      'a dict',
      { time: start },
      ask(10),
      0,
      "Response format is incorrect: expected tuple or list, got <class 'dict'>",
    ],
    ['a string', 'x', ask(10), 0, "Response format is incorrect: expected tuple or list, got <class 'str'>"],
    ['only a start', [start], ask(10), 0, 'error during validation'],
    ['no paths', [start, 1], ask(10, 2), 0, 'Number of paths is incorrect: expected 2, got 0'],
    [
      'one path of two',
      [start, 1, [123.45]],
      ask(10, 2),
      0,
      'Number of paths is incorrect: expected 2, got 1',
    ],
    [
      'dicts for paths',
      [start, 1, { price: 1 }, { price: 1 }],
      ask(1, 2),
      0,
      "Path format is incorrect: expected list, got <class 'dict'>",
    ],
    [
      'a short path',
      [start, 1, [123.45]],
      ask(10),
      0,
      'Number of time points is incorrect: expected 11, got 1',
    ],
    [
      'a text start',
      ['2023-01-01T00:00:00+00:00', 1, flat(123.45)],
      ask(10),
      0,
      "Start time format is incorrect: expected int, got <class 'str'>",
    ],
    [
      'a fractional start',
      [start + 0.5, 1, flat(123.45)],
      ask(10),
      0,
      "Start time format is incorrect: expected int, got <class 'float'>",
    ],
    [
      'no start',
      [null, 1, flat(123.45)],
      ask(10),
      0,
      "Start time format is incorrect: expected int, got <class 'NoneType'>",
    ],
    [
      'a later start',
      [start + 1, 1, flat(123.45)],
      ask(10),
      0,
      'Start time timestamp is incorrect: expected 1672531200, got 1672531201',
    ],
    [
      'True as a start',
      [true, 1, flat(123.45)],
      ask(10),
      0,
      'Start time timestamp is incorrect: expected 1672531200, got True',
    ],
    [
      'a text increment',
      [start, '', flat(123.45)],
      ask(10),
      0,
      "Time increment format is incorrect: expected int, got <class 'str'>",
    ],
    [
      'another increment',
      [start, 2, flat(123.45)],
      ask(10),
      0,
      'Time increment is incorrect: expected 1, got 2',
    ],
    ['True as the increment 1', [start, true, flat(123.45)], ask(10), 0, 'CORRECT'],
    [
      'text prices',
      [start, 1, flat('123.45')],
      ask(10),
      0,
      "Price format is incorrect: expected int or float, got <class 'str'>",
    ],
    [
      'a list as a price',
      [
        start,
        1,
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ask(1),
      0,
      "Price format is incorrect: expected int or float, got <class 'list'>",
    ],
    [
      'nine digits',
      [start, 1, flat(123.456789)],
      ask(10),
      0,
      'Price format is incorrect: too many digits 123.456789',
    ],
    ['eight digits', [start, 1, flat(123.45678, 4)], ask(3), 0, 'CORRECT'],
    ['zero', [start, 1, flat(0)], ask(10), 0, 'CORRECT'],
  ])('judges %s', (_name, output, prompt, process_time, expected) => {
    expect(validateResponse(output, prompt, process_time, rule)).toBe(expected);
    expect(validateResponseText(JSON.stringify(output), prompt, process_time, rule)).toBe(expected);
  });
});

const verdict = (point: string, rule: ResponseRule) =>
  validateResponseText(`[${start}, 1, [${point}, 123.45, 123.45]]`, ask(2), 0, rule).replace(
    'Price format is incorrect: ',
    '',
  );

describe('the digit rule of eight characters', () => {
  it.each([
    ['123.45678', 'CORRECT'],
    ['123.456789', 'too many digits 123.456789'],
    ['12345678', 'CORRECT'],
    ['12345678.0', 'too many digits 12345678.0'],
    ['123456789', 'too many digits 123456789'],
    ['0.1234567', 'CORRECT'],
    ['0.12345678', 'too many digits 0.12345678'],
    ['0.00001234', 'CORRECT'],
    ['0.000012345', 'too many digits 1.2345e-05'],
    ['1e16', 'CORRECT'],
    ['1e15', 'too many digits 1000000000000000.0'],
    ['NaN', 'CORRECT'],
    ['Infinity', 'CORRECT'],
    ['-100.5', 'CORRECT'],
    ['-123.45678', 'too many digits -123.45678'],
    ['true', 'CORRECT'],
    ['0', 'CORRECT'],
  ])('%s: %s', (point, expected) => {
    expect(verdict(point, 'digits8')).toBe(expected);
  });
});

describe('the digit rule of float32 and eight significant digits', () => {
  const valid = [
    '123.45678',
    '1234567.8',
    '9999999.5',
    '12345678.0',
    '10000000.0',
    '1.0',
    '0.5',
    '0.0001234',
    '0.00012345678',
    '1e-05',
    '1.2345e-05',
    '1e16',
    '1.2345e20',
    '12345678',
    '99999999',
    '100000000',
    '0',
    '0.0',
    '1',
    '-123.45',
    '-1234567.8',
    '-99999999',
    '1e-20',
    '1e20',
    '3.4e38',
    '1e-45',
  ];
  it.each(valid)('accepts %s', (point) => {
    expect(verdict(point, 'float32e7')).toBe('CORRECT');
  });

  it.each([
    ['123.456789', 'too many digits 123.456789'],
    ['9999999.25', 'too many digits 9999999.25'],
    ['0.000123456789', 'too many digits 0.000123456789'],
    ['1.23456789e-05', 'too many digits 1.23456789e-05'],
    ['1.23456789e20', 'too many digits 1.23456789e+20'],
    ['123456789', 'too many digits 123456789'],
    ['0.30000000000000004', 'too many digits 0.30000000000000004'],
    ['9007199254740993', 'too many digits 9007199254740993'],
    [`1${'0'.repeat(400)}`, `too many digits 1${'0'.repeat(400)}`],
    ['NaN', 'non-finite value nan'],
    ['-Infinity', 'non-finite value -inf'],
    ['3.5e38', 'exceeds float32 range 3.5e+38'],
    ['-1e39', 'exceeds float32 range -1e+39'],
    ['1e-300', 'underflows float32 1e-300'],
    ['5e-324', 'underflows float32 5e-324'],
    ['true', "expected int or float, got <class 'bool'>"],
    ['null', "expected int or float, got <class 'NoneType'>"],
  ])('refuses %s', (point, expected) => {
    expect(verdict(point, 'float32e7')).toBe(expected);
  });

  it('looks at every shape before any price, where the older rule goes path by path', () => {
    const output = [start, 1, flat(123.456789, 3), [1]];
    expect(validateResponse(output, ask(2, 2), 0, 'digits8')).toBe(
      'Price format is incorrect: too many digits 123.456789',
    );
    expect(validateResponse(output, ask(2, 2), 0, 'float32e7')).toBe(
      'Number of time points is incorrect: expected 3, got 1',
    );
  });
});

describe('reading the text', () => {
  it('tells an int from a float of the same value', () => {
    expect(validateResponseText(`[${start}.0, 1, [1]]`, ask(0), 0, 'digits8')).toBe(
      "Start time format is incorrect: expected int, got <class 'float'>",
    );
    expect(validateResponse([start, 1, [1]], ask(0), 0, 'digits8')).toBe('CORRECT');
  });

  it.each(['', '[', '[1,]', '[1 2]', '{"a" 1}', '[01]', '"\\x"', '[1] x', '['.repeat(1e5)])(
    'refuses %j',
    (text) => {
      expect(() => validateResponseText(text, ask(1), 0, 'digits8')).toThrow(
        expect.objectContaining({ code: 'SWARM_E_ANSWER_NOT_JSON' }),
      );
    },
  );

  it.each([
    [0.1, '0.1'],
    [1e-4, '0.0001'],
    [0.00001234, '1.234e-05'],
    [1.5e16, '15000000000000000'],
    [1.5e21, '1.5e+21'],
    [1e22, '1e+22'],
    [1.5e-10, '1.5e-10'],
    [1e-300, '1e-300'],
    [Number.NaN, 'nan'],
  ])('prints %d as Python prints what JSON.stringify sends: %s', (value, expected) => {
    expect(pyStr(value)).toBe(expected);
  });

  it.each([
    [1.5e16, '1.5e+16'],
    [1e15, '1000000000000000.0'],
    [5, '5.0'],
    [-0, '-0.0'],
    [12345.5, '12345.5'],
  ])('prints the float %d as %s', (value, expected) => {
    expect(pyStr(value, 'text')).toBe(expected);
  });
});
