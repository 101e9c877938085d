// A tape as nodes of a graph.
// Promises: node for node what machine.ts does; in double over the history, in single precision over the paths.
// Leaves to others: the shocks, and what the returns are multiplied by.
import { noiseAxis, toFloat } from '../families/innovation.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import type { Operation } from './operations.js';
import type { Level, Tape } from './tape.js';

const NODES: Readonly<Partial<Record<Operation, string>>> = {
  neg: 'Neg',
  abs: 'Abs',
  sqrt: 'Sqrt',
  exp: 'Exp',
  log: 'Log',
  tanh: 'Tanh',
  sign: 'Sign',
  not: 'Not',
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  min: 'Min',
  max: 'Max',
  lt: 'Less',
  le: 'LessOrEqual',
  eq: 'Equal',
  and: 'And',
  or: 'Or',
  clip: 'Clip',
  select: 'Where',
};

/** One precision's view of a tape, whose parameters are constants. */
class Emitter {
  private readonly constants = new Map<number, string>();
  private readonly type: number;

  constructor(
    private readonly g: GraphBuilder,
    readonly tape: Tape,
    private readonly double: boolean,
  ) {
    this.type = double ? ELEMENT.DOUBLE : ELEMENT.FLOAT;
  }

  constant(value: number): string {
    let name = this.constants.get(value);
    if (name === undefined) {
      name = this.double ? this.g.doubles([value]) : this.g.floats([value]);
      this.constants.set(value, name);
    }
    return name;
  }

  /** Adds the steps of a level to b. `names`: of the steps so far, by index. */
  add(b: GraphBuilder, level: Level, names: Map<number, string>): void {
    this.tape.steps.forEach((step, i) => {
      if (step.op === 'const') names.set(i, this.constant(step.value));
      if (step.level !== level || step.args.length === 0) return;
      const args = step.args.map((a) => names.get(a) as string);
      const type = NODES[step.op];
      names.set(i, type === undefined ? b.op('Cast', args, { to: this.type }) : b.op(type, args));
    });
  }

  /** Names of the states' steps. */
  opened(b: GraphBuilder, states: readonly string[]): Map<number, string> {
    const names = new Map<number, string>();
    this.leaf('state', names, (k) => states[k]);
    this.add(b, 1, names);
    return names;
  }

  /** The next states, each under a name of its own and in the states' shape. */
  closed(
    b: GraphBuilder,
    names: Map<number, string>,
    states: readonly string[],
    r: string,
    z: string,
  ): string[] {
    this.leaf('r', names, () => r);
    this.leaf('z', names, () => z);
    this.add(b, 2, names);
    const taken = new Set([...states, r, z]);
    return this.tape.updates.map(({ next }) => {
      const { op } = this.tape.steps[next];
      const name = names.get(next) as string;
      const own = op === 'const' ? b.op('Expand', [name, b.op('Shape', [states[0]])]) : name;
      const fresh = taken.has(own) ? b.op('Identity', [own]) : own;
      taken.add(fresh);
      return fresh;
    });
  }

  private leaf(op: Operation, names: Map<number, string>, name: (k: number) => string): void {
    this.tape.steps.forEach((step, i) => {
      if (step.op === op) names.set(i, name(step.value));
    });
  }
}

/** The states after the history, double [1] each. `returns`: over the training deviation, double [n]. */
export function statesAfter(g: GraphBuilder, tape: Tape, returns: string): string[] {
  const e = new Emitter(g, tape, true);
  const initial = tape.initial.map((v) => g.doubles([v], [1]));
  const past = g.op('Unsqueeze', [returns, g.ints([1], [1])]);
  const readsShocks = tape.steps.some((s) => s.op === 'z');
  const body = (b: GraphBuilder, states: string[], [r]: string[]) => {
    const names = e.opened(b, states);
    const z = readsShocks ? b.op('Div', [r, names.get(tape.deviation) as string]) : r;
    return { states: e.closed(b, names, states, r, z), outputs: [] };
  };
  return g.scan(initial, [past], body, 'one_double');
}

/** The variance that states say, over the training variance, double [1]. */
export function varianceOf(g: GraphBuilder, tape: Tape, states: readonly string[]): string {
  const name = new Emitter(g, tape, true).opened(g, states).get(tape.variance) as string;
  return g.op('Reshape', [name, g.ints([1], [1])]);
}

/** Returns over the training deviation, float [steps, paths], from states (double [1]) and shocks on. */
export function simulated(g: GraphBuilder, tape: Tape, states: readonly string[], shocks: string): string {
  const e = new Emitter(g, tape, false);
  const paths = noiseAxis(g, 1);
  const first = states.map((s) => g.op('Expand', [toFloat(g, s), paths]));
  const out = g.scan(first, [shocks], (b, now, [z]) => {
    const names = e.opened(b, now);
    const r = b.op('Mul', [z, names.get(tape.deviation) as string]);
    return { states: e.closed(b, names, now, r, z), outputs: [r] };
  });
  return out[states.length];
}
