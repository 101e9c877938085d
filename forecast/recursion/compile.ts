// Expressions to elementary operations: what every operator and function means, with its guards.
// Promises: total; the same guards natively and in a graph, because they are steps like any other.
// Leaves to others: sharing, folding and ranges (tape.ts).
import type { Program } from './checker.js';
import { BOOLEAN } from './operations.js';
import type { BinaryOp, Expr } from './parser.js';
import { DIVISOR_FLOOR, type Range } from './ranges.js';
import { finished, type Tape, TapeBuilder } from './tape.js';

/** Smaller arguments of a logarithm, and bases of a power that is no whole number, count as this. */
const LOG_FLOOR = 1e-12;
const EXP_BOUNDS: Range = { lo: -40, hi: 40 };
const INPUT_BOUNDS = { r: { lo: -1e4, hi: 1e4 }, z: { lo: -1e3, hi: 1e3 } } as const;
const EVERYTHING: Range = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** The tape of a program; with `values`, its fitted parameters become constants. */
export function compiled(program: Program, values?: readonly number[]): Tape {
  const t = new TapeBuilder();
  const names = new Map<string, number>();
  for (const [name, value] of program.constants) names.set(name, t.constant(value));
  program.params.forEach((p, i) => {
    names.set(p.name, values ? t.constant(values[i]) : t.leaf('param', i, 0, { lo: p.lo, hi: p.hi }));
  });
  program.states.forEach((s, i) => {
    names.set(s.name, t.leaf('state', i, 1, { lo: s.lo, hi: s.hi }));
  });
  for (const name of ['r', 'z'] as const)
    names.set(name, t.within(t.leaf(name, 0, 2, EVERYTHING), INPUT_BOUNDS[name]));
  const compiler = new Compiler(t, names, program.exponents);
  for (const { name, expr } of program.lets) names.set(name, compiler.value(expr));
  const updates = program.states.map((s) => {
    const raw = compiler.value(s.update);
    return { raw, next: t.within(raw, s) };
  });
  return finished(t, program, compiler.value(program.variance), updates);
}

class Compiler {
  constructor(
    private readonly t: TapeBuilder,
    private readonly names: ReadonlyMap<string, number>,
    private readonly exponents: ReadonlyMap<Expr, number>,
  ) {}

  value(e: Expr): number {
    const { t } = this;
    switch (e.kind) {
      case 'number':
        return t.constant(e.value);
      case 'name':
        return this.names.get(e.name) as number;
      case 'unary':
        return e.op === 'not' ? t.op('not', this.value(e.arg)) : t.op('neg', this.number(e.arg));
      case 'binary':
        return this.binary(e.op, e);
      case 'call':
        return this.call(
          e.name,
          e.args.map((a) => this.value(a)),
        );
    }
  }

  /** A boolean as 0 or 1. */
  private number(e: Expr): number {
    const id = this.value(e);
    return BOOLEAN.has(this.t.steps[id].op) ? this.t.op('num', id) : id;
  }

  private binary(op: BinaryOp, e: Expr & { readonly kind: 'binary' }): number {
    const { t } = this;
    if (op === 'and' || op === 'or') return t.op(op, this.value(e.left), this.value(e.right));
    const [a, b] = [this.number(e.left), this.number(e.right)];
    switch (op) {
      case '+':
        return t.op('add', a, b);
      case '-':
        return t.op('sub', a, b);
      case '*':
        return t.op('mul', a, b);
      case '/':
        return this.quotient(a, b);
      case '^':
        return this.power(a, b, this.exponents.get(e));
      case '<':
        return t.op('lt', a, b);
      case '>':
        return t.op('lt', b, a);
      case '<=':
        return t.op('le', a, b);
      case '>=':
        return t.op('le', b, a);
      case '==':
        return t.op('eq', a, b);
      case '!=':
        return t.op('not', t.op('eq', a, b));
    }
  }

  private call(name: string, args: readonly number[]): number {
    const { t } = this;
    const [a, b, c] = args;
    switch (name) {
      case 'sqrt':
        return t.op('sqrt', t.within(a, { lo: 0, hi: Number.POSITIVE_INFINITY }));
      case 'exp':
        return this.exp(a);
      case 'log':
        return this.log(a);
      case 'sigmoid':
        // Written out: a runtime's own logistic stops near 1e-8 in single precision.
        return this.quotient(t.constant(1), t.op('add', t.constant(1), this.exp(t.op('neg', a))));
      case 'clip':
        return t.op('min', t.op('max', a, b), c);
      case 'if':
        return t.op('select', a, b, c);
      default:
        return t.op(name as 'abs' | 'tanh' | 'sign' | 'min' | 'max', ...args);
    }
  }

  private exp(x: number): number {
    return this.t.op('exp', this.t.within(x, EXP_BOUNDS));
  }

  private log(x: number): number {
    return this.t.op('log', this.t.within(x, { lo: LOG_FLOOR, hi: Number.POSITIVE_INFINITY }));
  }

  /** The divisor kept away from 0, on its side; 0 itself counts as positive. */
  private quotient(a: number, b: number): number {
    const { t } = this;
    const { lo, hi } = t.range(b);
    if (lo >= DIVISOR_FLOOR || hi <= -DIVISOR_FLOOR) return t.op('div', a, b);
    const floor = t.constant(DIVISOR_FLOOR);
    if (lo >= 0) return t.op('div', a, t.op('max', b, floor));
    const signed = t.op('select', t.op('lt', b, t.constant(0)), t.constant(-DIVISOR_FLOOR), floor);
    const small = t.op('lt', t.op('abs', b), floor);
    return t.op('div', a, t.op('select', small, signed, b));
  }

  /** Whole exponents multiply, whatever the base; others go through the logarithm of a base above 0. */
  private power(a: number, b: number, exponent: number | undefined): number {
    const { t } = this;
    if (exponent === undefined || !Number.isInteger(exponent)) return this.exp(t.op('mul', b, this.log(a)));
    let [result, square] = [t.constant(1), a];
    for (let n = Math.abs(exponent); n > 0; n >>= 1) {
      if (n & 1) result = t.op('mul', result, square);
      if (n > 1) square = t.op('mul', square, square);
    }
    return exponent < 0 ? this.quotient(t.constant(1), result) : result;
  }
}
