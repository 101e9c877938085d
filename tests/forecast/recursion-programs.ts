// Random well-typed recursion programs, and their meaning spelled out a second time: a walk over the syntax tree by the
// table in docs/recursion.md.
// Promises: the same program for a seed. Leaves to others: what is compared.
import { checkedProgram, type Program } from '../../forecast/recursion/checker.js';
import { compiled } from '../../forecast/recursion/compile.js';
import type { Expr } from '../../forecast/recursion/parser.js';
import { type Rng, rng } from '../../forecast/rng.js';

const kept = (x: number, lo = -1e18, hi = 1e18): number => Math.min(hi, Math.max(lo, x));
const divided = (a: number, b: number): number => kept(a / (Math.abs(b) < 1e-6 ? (b < 0 ? -1e-6 : 1e-6) : b));
const exp = (x: number): number => Math.exp(kept(x, -40, 40));
const log = (x: number): number => Math.log(Math.max(x, 1e-12));

const functions: Readonly<Record<string, (...args: number[]) => number>> = {
  abs: Math.abs,
  sqrt: (x) => Math.sqrt(Math.max(x, 0)),
  exp,
  log,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + exp(-x)),
  sign: Math.sign,
  min: Math.min,
  max: Math.max,
  clip: (x, lo, hi) => Math.min(Math.max(x, lo), hi),
  if: (c, a, b) => (c === 1 ? a : b),
};

function power(a: number, b: number, constant: boolean): number {
  if (!constant || !Number.isInteger(b)) return exp(kept(b * log(a)));
  let product = 1;
  for (let k = 0; k < Math.abs(b); k++) product = kept(product * a);
  return b < 0 ? divided(1, product) : product;
}

/** The value of an expression; booleans are 0 and 1. */
function meaning(e: Expr, names: ReadonlyMap<string, number>, program: Program): number {
  const of = (x: Expr): number => meaning(x, names, program);
  switch (e.kind) {
    case 'number':
      return e.value;
    case 'name':
      return names.get(e.name) as number;
    case 'unary':
      return e.op === '-' ? -of(e.arg) : 1 - of(e.arg);
    case 'call':
      return (functions[e.name] as (...args: number[]) => number)(...e.args.map(of));
    case 'binary': {
      const [a, b] = [of(e.left), of(e.right)];
      const values: Readonly<Record<string, () => number>> = {
        '+': () => kept(a + b),
        '-': () => kept(a - b),
        '*': () => kept(a * b),
        '/': () => divided(a, b),
        '^': () => power(a, b, program.exponents.has(e)),
        '<': () => Number(a < b),
        '<=': () => Number(a <= b),
        '>': () => Number(a > b),
        '>=': () => Number(a >= b),
        '==': () => Number(a === b),
        '!=': () => Number(a !== b),
        and: () => a * b,
        or: () => Math.max(a, b),
      };
      return (values[e.op] as () => number)();
    }
  }
}

/** The variance that states say, and the states that follow a return. */
export function meant(
  program: Program,
  values: readonly number[],
  states: readonly number[],
  r: number,
): { variance: number; z: number; next: number[] } {
  const names = new Map(program.constants);
  program.params.forEach((p, i) => {
    names.set(p.name, values[i]);
  });
  program.states.forEach((s, i) => {
    names.set(s.name, states[i]);
  });
  const define = (): void => {
    for (const { name, expr } of program.lets) names.set(name, meaning(expr, names, program));
  };
  names.set('r', 0).set('z', 0);
  define();
  const variance = kept(meaning(program.variance, names, program), 1e-6, 1e6);
  const z = r / Math.sqrt(variance);
  names.set('r', kept(r, -1e4, 1e4)).set('z', kept(z, -1e3, 1e3));
  define();
  const next = program.states.map((s) => kept(meaning(s.update, names, program), s.lo, s.hi));
  return { variance, z, next };
}

/** A program of one to three states that forget: each is pulled home, and moved by something bounded. */
export function randomProgram(seed: string): string {
  const random = rng(seed);
  for (;;) {
    const text = draft(random);
    try {
      compiled(checkedProgram(text));
      return text;
    } catch (error) {
      if (!/more than (200|400)/.test((error as Error).message)) throw error;
    }
  }
}

function draft(random: Rng): string {
  const count = 1 + random.int(3);
  const states = ['u', 'v', 'w'].slice(0, count);
  const letter = (live: boolean) => ['a', 'b', ...states, ...(live ? ['s', 'r', 'z'] : [])];
  const lines = ['param a = 0.3 in [0.01, 0.9]', 'param b = 1.5'];
  for (const s of states) lines.push(`state ${s} = 0.5 in [${random.int(2) === 0 ? '-3' : '0.01'}, 4]`);
  lines.push(`let s = ${expression(random, ['a', 'b', ...states, 'r', 'z'], 2)}`);
  for (const s of states) {
    const keep = (0.3 + 0.6 * random.uniform()).toFixed(3);
    lines.push(`${s}' = ${keep} * ${s} + 0.3 * tanh(0.2 * (${expression(random, letter(true), 3)}))`);
  }
  // Every name is used, or the program would be refused.
  const used = ['a', 'b', ...states].map((s) => `0.1 * ${s}`).join(' + ');
  lines[lines.length - 1] += ' + 0.01 * tanh(s)';
  lines.push(`variance = exp(0.3 * tanh(${expression(random, letter(false), 3)}) + 0.1 * (${used}))`);
  return lines.join('\n');
}

function expression(random: Rng, names: readonly string[], depth: number): string {
  const sub = (): string => expression(random, names, depth - 1);
  const one = <T>(of: readonly T[]): T => of[random.int(of.length)] as T;
  if (depth === 0) return random.int(4) === 0 ? (4 * random.uniform() - 2).toFixed(2) : one(names);
  switch (random.int(9)) {
    case 0:
    case 1:
      return `(${sub()} ${one(['+', '-', '*'])} ${sub()})`;
    case 2:
      return `(${sub()} / ${sub()})`;
    case 3:
      return `(${sub()})^${one(['2', '3', '-1', '0', '1.5', '0.5', '(1 + 1)', 'a'])}`;
    case 4:
      return `${one(['abs', 'sqrt', 'exp', 'log', 'tanh', 'sigmoid', 'sign'])}(${sub()})`;
    case 5:
      return `${one(['min', 'max'])}(${sub()}, ${sub()})`;
    case 6:
      return `clip(${sub()}, -1, ${one(['1', 'b'])})`;
    case 7:
      return `if(${condition(random, sub)}, ${sub()}, ${sub()})`;
    default:
      return `-${sub()} * (${condition(random, sub)})`;
  }
}

function condition(random: Rng, sub: () => string): string {
  const compared = (): string => `${sub()} ${['<', '<=', '>', '>=', '==', '!='][random.int(6)]} ${sub()}`;
  switch (random.int(4)) {
    case 0:
      return `${compared()} and ${compared()}`;
    case 1:
      return `not ${compared()} or ${compared()}`;
    default:
      return compared();
  }
}
