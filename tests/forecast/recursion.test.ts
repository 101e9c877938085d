// The recursion language: what is a program, what is not and where, and that no text does harm.
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../forecast/families/index.js';
import { checkedProgram } from '../../forecast/recursion/checker.js';
import { compiled } from '../../forecast/recursion/compile.js';
import { PROGRAMS } from '../../forecast/recursion/library.js';
import { type Expr, parseProgram } from '../../forecast/recursion/parser.js';
import { rng } from '../../forecast/rng.js';

const GARCH = "param a = 0.1 in [0, 1]; state v = 1 in [1e-4, 1e4]; v' = 0.1 + a*r^2 + 0.8*v; variance = v";

function shown(e: Expr): string {
  switch (e.kind) {
    case 'number':
      return String(e.value);
    case 'name':
      return e.name;
    case 'unary':
      return `(${e.op} ${shown(e.arg)})`;
    case 'binary':
      return `(${e.op} ${shown(e.left)} ${shown(e.right)})`;
    case 'call':
      return `(${[e.name, ...e.args.map(shown)].join(' ')})`;
  }
}

function tree(expression: string): string {
  const [statement] = parseProgram(`let x = ${expression}`);
  return statement?.kind === 'let' ? shown(statement.expr) : '';
}

describe('the grammar', () => {
  it.each([
    ['1 + 2 * 3 - 4', '(- (+ 1 (* 2 3)) 4)'],
    ['8 / 4 / 2', '(/ (/ 8 4) 2)'],
    ['-r^2', '(- (^ r 2))'],
    ['2^-1', '(^ 2 (- 1))'],
    ['2^3^2', '(^ 2 (^ 3 2))'],
    ['-r * -z', '(* (- r) (- z))'],
    ['r < 1 + z', '(< r (+ 1 z))'],
    ['not r < 0 and z > 1 or r >= 2', '(or (and (not (< r 0)) (> z 1)) (>= r 2))'],
    ['not not r < 0', '(not (not (< r 0)))'],
    ['r^2*(r < 0)', '(* (^ r 2) (< r 0))'],
    ['if(r < 0, min(1, 2), clip(z, .5, 1e-3))', '(if (< r 0) (min 1 2) (clip z 0.5 0.001))'],
    ['(1 +\n  2) # and so on', '(+ 1 2)'],
  ])('reads %s', (text, expected) => {
    expect(tree(text)).toBe(expected);
  });
  it('knows statements by lines and semicolons', () => {
    const program = checkedProgram(GARCH);
    expect(program.params).toEqual([{ name: 'a', start: 0.1, lo: 0, hi: 1 }]);
    expect(program.states).toMatchObject([{ name: 'v', initial: 1, lo: 1e-4, hi: 1e4 }]);
    expect(checkedProgram(GARCH.replaceAll('; ', '\r\n\n# a comment\n')).params).toEqual(program.params);
    expect(checkedProgram("state v = 1; v' = v; variance = v").states).toMatchObject([{ lo: -1e6, hi: 1e6 }]);
  });
  it.each(Object.keys(PROGRAMS))('takes the built-in %s', (name) => {
    expect(compiled(checkedProgram(PROGRAMS[name as keyof typeof PROGRAMS])).steps.length).toBeLessThan(60);
  });
});

const V = 'state v = 1 in [1e-4, 1e4]\n';
const lines = (...rest: string[]): string => V + rest.join('\n');
const ok = ["v' = v", 'variance = v'];

describe('what is no program is refused with line and column', () => {
  it.each([
    ['unknown name', lines("v' = v + q", 'variance = v'), '2:10: unknown name q'],
    ['later name', lines("v' = v + s", 'let s = r', 'variance = v'), '2:10: unknown name s'],
    ['unknown function', lines("v' = eval(v)", 'variance = v'), '2:6: unknown function eval'],
    ['function without arguments', lines("v' = exp", 'variance = v'), '2:6: function exp without ('],
    ['arity', lines("v' = min(v)", 'variance = v'), '2:6: min takes 2, not 1'],
    ['no arguments', lines("v' = abs()", 'variance = v'), '2:6: abs takes 1, not 0'],
    [
      'number as condition',
      lines("v' = if(r, 1, 2)", 'variance = v'),
      '2:9: argument 1 of if must be a boolean',
    ],
    [
      'boolean as argument',
      lines("v' = abs(r < 0)", 'variance = v'),
      '2:12: argument 1 of abs must be a number',
    ],
    ['boolean as update', lines("v' = r < 0", 'variance = v'), '2:8: the update of v must be a number'],
    ['boolean as variance', lines("v' = v", 'variance = v < 1'), '3:14: the variance must be a number'],
    [
      'boolean as divisor',
      lines("v' = v / (r < 0)", 'variance = v'),
      '2:13: the right of / must be a number',
    ],
    [
      'number in logic',
      lines("v' = v * (r and r < 1)", 'variance = v'),
      '2:11: the left of and must be a boolean',
    ],
    ['not a number', lines("v' = v * (not v)", 'variance = v'), '2:15: not must be a boolean'],
    [
      'chained comparison',
      lines("v' = v * (0 < r < 1)", 'variance = v'),
      '2:17: a comparison of a comparison',
    ],
    ['no update', lines('variance = v'), '1:1: state v has no update'],
    ['two updates', lines(...ok, "v' = r"), '4:1: state v has two updates'],
    ['update of nothing', lines(...ok, "w' = r"), '4:1: no state w'],
    ['update of a parameter', lines('param a = 1', "a' = r"), '3:1: a is a param, not a state'],
    ['unused state', lines('state w = 1', ...ok, "w' = v"), '2:1: state w never reaches the variance'],
    ['unused parameter', lines('param a = 1 in [0, 2]', ...ok), '2:1: param a never reaches the variance'],
    ['unused let', lines('let s = r', ...ok), '2:1: let s never reaches the variance'],
    ['no variance', lines("v' = v"), '2:1: no variance'],
    ['two variances', lines(...ok, 'variance = 1'), '4:1: a second variance'],
    [
      'variance of the return',
      lines("v' = v", 'variance = v + r^2'),
      '3:16: the variance reads the last return',
    ],
    [
      'variance through a let',
      lines('let s = v*z', "v' = s", 'variance = s'),
      '4:12: the variance reads the last return',
    ],
    ['no state', 'variance = 1', '1:1: no state'],
    ['empty', ' # nothing\n', '1:1: no state'],
    ['reserved word', lines('let exp = 1', ...ok), '2:1: exp is a reserved word'],
    ['reserved input', lines('param r = 1', ...ok), '2:1: r is a reserved word'],
    ['declared twice', lines('param v = 1', ...ok), '2:1: v is declared twice'],
    ['inverted bounds', 'state v = 1 in [2, 1]', '1:16: bounds [2, 1] are inverted or empty'],
    ['start outside', lines('param a = 3 in [0, 2]', ...ok), '2:1: a starts at 3, outside [0, 2]'],
    ['start outside the usual bounds', "state v = 1e7; v' = v; variance = v", '1:1: v starts at 10000000'],
    ['number with two points', lines("v' = 1.2.3"), '2:6: bad number "1.2.3"'],
    ['hexadecimal', lines("v' = 0x10"), '2:6: bad number "0x10"'],
    ['half an exponent', lines("v' = 1e+"), '2:6: bad number "1e+"'],
    ['huge number', lines("v' = v^50*1e30"), '2:11: bad number "1e30"'],
    ['endless number', lines(`v' = 1e${'9'.repeat(400)}`), '2:6: bad number'],
    ['tiny number', lines("v' = 1e-300"), '2:6: bad number "1e-300"'],
    ['huge exponent', lines("v' = v^50", 'variance = v'), '2:8: an exponent of 50'],
    ['computed exponent', lines('param k = 5', "v' = v^(k*2)", 'variance = v'), '3:10: an exponent of 10'],
    ['a word too many', lines("v' = v v"), '2:8: expected the end of the statement, got "v"'],
    ['no closing bracket', lines("v' = (v"), '2:8: expected ), got the end of the program'],
    ['no operand', lines("v' = v +", 'variance = v'), '2:9: expected a number, a name or ('],
    ['plain assignment', lines('v = 1'), "2:3: expected ' after v"],
    ['a number first', lines('1 = v'), '2:1: expected param, state, let'],
    ['foreign operator', lines("v' = v & v"), '2:8: unexpected character "&"'],
    ['letters beyond ASCII', lines("v' = σ"), '2:6: unexpected character U+03C3'],
    ['hidden characters', lines("v' = v # \u202e"), '2:10: unexpected character U+202E'],
    ['null', `${V}\0`, '2:1: unexpected character U+0000'],
    [
      'five states',
      `${['a', 'b', 'c', 'd', 'e'].map((s) => `state ${s} = 1`).join('\n')}`,
      '5:1: more than 4 states',
    ],
    [
      'thirteen parameters',
      lines(...Array.from({ length: 13 }, (_, i) => `param p${i} = 1`)),
      '14:1: more than 12 params',
    ],
    ['a long name', lines(`let ${'x'.repeat(33)} = 1`), '2:5: a name of 33 letters'],
  ])('%s', (_what, text, message) => {
    const error = failure(text);
    expect(error).toMatchObject({ code: 'SWARM_E_SPEC_INVALID' });
    expect(error.message.slice(0, message.length + 5)).toBe(`line ${message}`);
    expect(error.hint.length).toBeGreaterThan(5);
  });
  it('by a spec too, with the place', () => {
    const spec = { family: 'recursion', horizon_s: 3600, history_bars: 64, scale: 'fit', nu: 'fit' };
    expect(parseSpec({ ...spec, program: GARCH }).family).toBe('recursion');
    expect(() => parseSpec({ ...spec, program: lines("v' = q", 'variance = v') })).toThrow(
      expect.objectContaining({
        code: 'SWARM_E_SPEC_INVALID',
        message: expect.stringContaining(
          'program: line 2:6: unknown name q (declare it above; known: r, z, v)',
        ),
      }),
    );
  });
});

function failure(text: string): { code: string; message: string; hint: string } {
  try {
    compiled(checkedProgram(text));
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error(`accepted: ${text}`);
}

describe('no text does harm', () => {
  const chain = (n: number, first: string, next: (k: number) => string): string =>
    Array.from({ length: n }, (_, k) => (k === 0 ? `let x0 = ${first}` : `let x${k} = ${next(k - 1)}`)).join(
      '\n',
    );
  it.each([
    ['100,000 brackets', `v' = ${'('.repeat(1e5)}`],
    ['a million characters', 'v'.repeat(1e6)],
    ['1900 brackets', `v' = ${'('.repeat(1900)}`],
    ['1900 minus signs', `v' = ${'-'.repeat(1900)}v`],
    ['a tower of powers', `v' = ${'v^'.repeat(900)}v`],
    ['a heap of nots', `let b = ${'not '.repeat(450)}r < 0`],
    ['nested calls', `v' = ${'abs('.repeat(400)}v${')'.repeat(400)}`],
    ['a long sum', `v' = ${'v+'.repeat(900)}v`],
    ['many divisions', `v' = ${'(r-v)/'.repeat(60)}v\nvariance = v\nstate w = 1`],
    ['__proto__', "state __proto__ = 1; __proto__' = 1; variance = 1"],
    ['constructor', "v' = constructor + toString; variance = v"],
    ['constructor called', "v' = constructor(v); variance = v"],
    ['hasOwnProperty as update', "hasOwnProperty' = 1"],
    ['code', "v' = process.exit(1); variance = v"],
    ['a string', "v' = 'v'; variance = v"],
    ['line separators', "v' = v\u2028variance = v"],
    ['half a surrogate', "v' = v \ud800"],
  ])('%s', (_what, text) => {
    const begun = performance.now();
    const error = failure(text.startsWith('state') ? text : V + text);
    expect(error.code).toBe('SWARM_E_SPEC_INVALID');
    expect(error.message).toMatch(/^line \d+:\d+: /);
    expect(error.message.length + error.hint.length).toBeLessThan(600);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
  it('names of other languages are names like any other', () => {
    const text = "state constructor = 1\nlet toString = r^2\nconstructor' = toString\nvariance = constructor";
    expect(checkedProgram(text).states[0]?.name).toBe('constructor');
  });
  it('doubling lets stay as short as they are written', () => {
    const doubled = lines(
      chain(40, 'r', (k) => `x${k} * x${k}`),
      "v' = x39",
      'variance = v',
    );
    const begun = performance.now();
    expect(compiled(checkedProgram(doubled)).steps.length).toBeLessThan(200);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
  it('what grows too long once guards are written out is refused', () => {
    const divisions = Array.from({ length: 47 }, (_, k) => `/(r-${k + 1})`).join('');
    expect(failure(lines(`v' = r${divisions}`, 'variance = v')).message).toContain('elementary operations');
  });
  it('word salad is refused or checked, never thrown over', () => {
    const words = [
      ...GARCH.split(/(?=[^A-Za-z0-9])|(?<=[^A-Za-z0-9])/),
      'let',
      'if',
      ',',
      '<',
      'not',
      'and',
      '\n',
      '#',
    ];
    const random = rng('word salad');
    for (let k = 0; k < 3000; k++) {
      const picked = Array.from({ length: 1 + random.int(40) }, () => words[random.int(words.length)]);
      const text = random.int(2) === 0 ? picked.join('') : GARCH.replace(/;/g, () => picked.pop() ?? ';');
      try {
        compiled(checkedProgram(text));
      } catch (error) {
        expect(error, text).toMatchObject({ code: 'SWARM_E_SPEC_INVALID' });
      }
    }
  });
});
