// A checked program as a flat list of elementary operations, guards included.
// Promises: every operation is total, results stay within 1e18; equal operations occur once, constants are folded, and
// guards that can never act are left out. None of that changes a value.
// Leaves to others: running the list natively (machine.ts) and as a graph (graph.ts).
import type { Program } from './checker.js';
import { type Place, programError } from './lexer.js';
import { applied, BOOLEAN, type Operation, SYMMETRIC } from './operations.js';
import { type Range, rangeOf } from './ranges.js';

/** What an operation needs to be known: nothing but parameters; the states; or the last return too. */
export type Level = 0 | 1 | 2;

export interface Step {
  readonly op: Operation;
  /** Indices of earlier steps. */
  readonly args: readonly number[];
  /** Of a constant; the index of a parameter or state. */
  readonly value: number;
  readonly level: Level;
  readonly range: Range;
}

export interface Tape {
  readonly steps: readonly Step[];
  /** Indices of steps. */
  readonly variance: number;
  readonly deviation: number;
  /** By state: the update, before and after it is kept within its bounds. */
  readonly updates: readonly { readonly raw: number; readonly next: number }[];
  readonly initial: readonly number[];
  readonly params: number;
}

const SLOW: ReadonlySet<Operation> = new Set(['exp', 'log', 'tanh']);

/** Of one step of a path, in elementary operations. */
export function workOf({ steps }: Tape): number {
  return steps.reduce((sum, { op, args }) => sum + (SLOW.has(op) ? 6 : Math.min(1, args.length)), 4);
}

/** Results beyond this are kept at it: their products still fit single precision. */
const LARGEST = 1e18;
export const MAX_STEPS = 400;
export const VARIANCE_BOUNDS: Range = { lo: 1e-6, hi: 1e6 };
const START: Place = { line: 1, column: 1 };

/** Collects steps: folds, shares, and keeps results in range. */
export class TapeBuilder {
  readonly steps: Step[] = [];
  private readonly known = new Map<string, number>();

  constant(value: number): number {
    // -0 and 0 are one constant.
    return this.leaf('const', value + 0, 0, { lo: value, hi: value });
  }

  leaf(op: Operation, value: number, level: Level, range: Range): number {
    return this.shared({ op, args: [], value, level, range });
  }

  range(id: number): Range {
    return this.steps[id].range;
  }

  valueOf(id: number): number | undefined {
    const { op, value } = this.steps[id];
    return op === 'const' ? value : undefined;
  }

  op(op: Operation, ...given: number[]): number {
    const args = SYMMETRIC.has(op) && given[0] > given[1] ? [given[1], given[0]] : given;
    const values = args.map((a) => this.valueOf(a));
    if (values.every((v) => v !== undefined)) {
      const value = applied(op, values);
      return this.constant(BOOLEAN.has(op) ? value : Math.min(LARGEST, Math.max(-LARGEST, value)));
    }
    const simple = this.simplified(op, args, values);
    if (simple !== undefined) return simple;
    const level = Math.max(...args.map((a) => this.steps[a].level)) as Level;
    const ranges = args.map((a) => this.range(a));
    const range = rangeOf(op, ranges, args[0] === args[1]);
    const id = this.shared({ op, args, value: 0, level, range });
    if (range.lo >= -LARGEST && range.hi <= LARGEST) return id;
    return this.op('clip', id, this.constant(-LARGEST), this.constant(LARGEST));
  }

  /** x kept within [lo, hi]; x itself where it can lie nowhere else. */
  within(x: number, { lo, hi }: Range): number {
    const range = this.range(x);
    if (range.lo >= lo && range.hi <= hi) return x;
    if (range.hi <= hi) return this.op('max', x, this.constant(lo));
    if (range.lo >= lo) return this.op('min', x, this.constant(hi));
    return this.op('clip', x, this.constant(lo), this.constant(hi));
  }

  /** Neutral and absorbing elements, and conditions that are known. */
  private simplified(
    op: Operation,
    [a, b, c]: readonly number[],
    [x, y]: readonly (number | undefined)[],
  ): number | undefined {
    switch (op) {
      case 'add':
        return x === 0 ? b : y === 0 ? a : undefined;
      case 'sub':
        return y === 0 ? a : undefined;
      case 'div':
        return y === 1 ? a : undefined;
      case 'mul': {
        if (x === 0 || y === 0) return this.constant(0);
        if (x === 1 || y === 1) return x === 1 ? b : a;
        const [flag, other] = this.steps[a].op === 'num' ? [a, b] : [b, a];
        if (this.steps[flag].op !== 'num') return undefined;
        return this.op('select', this.steps[flag].args[0], other, this.constant(0));
      }
      case 'and':
        return x === 0 || y === 0 ? this.constant(0) : x === 1 ? b : y === 1 ? a : undefined;
      case 'or':
        return x === 1 || y === 1 ? this.constant(1) : x === 0 ? b : y === 0 ? a : undefined;
      case 'select':
        return x !== undefined ? (x !== 0 ? b : c) : b === c ? b : undefined;
      default:
        return undefined;
    }
  }

  private shared(step: Step): number {
    const key = `${step.op} ${step.args.join(' ')} ${step.value}`;
    const found = this.known.get(key);
    if (found !== undefined) return found;
    if (this.steps.length >= 4 * MAX_STEPS) throw tooLong();
    this.steps.push(step);
    this.known.set(key, this.steps.length - 1);
    return this.steps.length - 1;
  }
}

/** The tape of what the roots need, their states' updates last. */
export function finished(
  t: TapeBuilder,
  program: Program,
  variance: number,
  updates: readonly { raw: number; next: number }[],
): Tape {
  const kept = t.within(variance, VARIANCE_BOUNDS);
  const deviation = t.op('sqrt', kept);
  const needed = new Set([kept, deviation, ...updates.flatMap(({ raw, next }) => [raw, next])]);
  for (let i = t.steps.length - 1; i >= 0; i--)
    if (needed.has(i)) for (const a of t.steps[i].args) needed.add(a);
  const places = new Map<number, number>();
  const steps: Step[] = [];
  t.steps.forEach((step, i) => {
    if (!needed.has(i)) return;
    places.set(i, steps.length);
    steps.push({ ...step, args: step.args.map((a) => places.get(a) as number) });
  });
  if (steps.length > MAX_STEPS) throw tooLong();
  const at = (id: number): number => places.get(id) as number;
  return {
    steps,
    variance: at(kept),
    deviation: at(deviation),
    updates: updates.map(({ raw, next }) => ({ raw: at(raw), next: at(next) })),
    initial: program.states.map((s) => s.initial),
    params: program.params.length,
  };
}

function tooLong() {
  const what = `more than ${MAX_STEPS} elementary operations once guards are written out`;
  return programError(START, what, 'simplify it, and share what repeats with let');
}
