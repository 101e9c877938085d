// The meaning of a parsed program: which names are what, which types meet, and whether the recursion is complete.
// Promises: a checked program has one update per state, a variance of states alone, and nothing that is never used.
// Leaves to others: values (tape.ts) and whether it is a sensible volatility (stability.ts).
import { constantOf } from './constants.js';
import { type Place, programError } from './lexer.js';
import {
  DEFAULT_BOUNDS,
  FUNCTIONS,
  INPUTS,
  MAX_EXPONENT,
  MAX_PARAMS,
  MAX_STATES,
  RESERVED,
  type Type,
} from './names.js';
import {
  type Bounds,
  type Declaration,
  type Definition,
  type Expr,
  parseProgram,
  type Statement,
} from './parser.js';

export interface Param extends Bounds {
  readonly name: string;
  readonly start: number;
}

export interface State extends Bounds {
  readonly name: string;
  readonly initial: number;
  readonly update: Expr;
}

export interface Program {
  /** To be fitted, in the order of the text. */
  readonly params: readonly Param[];
  readonly constants: ReadonlyMap<string, number>;
  readonly states: readonly State[];
  /** Named intermediates; each may use those before it. */
  readonly lets: readonly { readonly name: string; readonly expr: Expr }[];
  readonly variance: Expr;
  /** Exponents that are numbers, by their node: known without fitted parameters. */
  readonly exponents: ReadonlyMap<Expr, number>;
}

interface Known {
  readonly type: Type;
  /** Reads the last return, itself or through a name. */
  readonly live: boolean;
}

/** Parses and checks a program. Throws SWARM_E_SPEC_INVALID with line and column. */
export function checkedProgram(text: string): Program {
  return new Checker(parseProgram(text)).program();
}

class Checker {
  private readonly names = new Map<string, Known>();
  private readonly params: Param[] = [];
  private readonly constants = new Map<string, number>();
  private readonly declared = new Map<string, Statement>();
  /** Names that each let and each update reads. */
  private readonly reads = new Map<string, Set<string>>();
  private readonly exponents = new Map<Expr, number>();
  private reading = new Set<string>();
  private inVariance = false;

  constructor(private readonly statements: readonly Statement[]) {}

  program(): Program {
    for (const name of INPUTS) this.names.set(name, { type: 'number', live: true });
    const declarations = this.statements.filter(isDeclaration);
    const definitions = this.statements.filter(isDefinition);
    const states = declarations.filter((s) => s.kind === 'state');
    for (const s of declarations) this.declare(s);
    const start = { line: 1, column: 1 };
    if (states.length === 0) throw programError(start, 'no state', 'declare one: state v = 1 in [1e-4, 1e4]');
    this.limit('param', MAX_PARAMS);
    this.limit('state', MAX_STATES);
    const updates = new Map<string, Expr>();
    const lets: { name: string; expr: Expr }[] = [];
    for (const s of definitions) {
      if (s.kind === 'let') lets.push({ name: s.name, expr: this.let(s) });
      else if (s.kind === 'update') updates.set(s.name, this.update(s, updates));
    }
    const variance = this.variance(definitions.filter((s) => s.kind === 'variance'));
    const missing = states.find((s) => !updates.has(s.name));
    if (missing)
      throw programError(missing.at, `state ${missing.name} has no update`, `add ${missing.name}' = ...`);
    this.refuseUnused();
    const { params, constants, exponents } = this;
    return {
      params,
      constants,
      states: states.map((s) => ({
        name: s.name,
        initial: s.value,
        ...(s.bounds ?? DEFAULT_BOUNDS),
        update: updates.get(s.name) as Expr,
      })),
      lets,
      variance,
      exponents,
    };
  }

  private limit(kind: 'param' | 'state', most: number): void {
    const beyond = this.statements.filter((s) => s.kind === kind)[most];
    if (beyond) throw programError(beyond.at, `more than ${most} ${kind}s`, 'leave some out');
  }

  private declare(s: Declaration): void {
    this.claim(s);
    const bounds = s.kind === 'state' ? (s.bounds ?? DEFAULT_BOUNDS) : s.bounds;
    if (bounds && !(s.value >= bounds.lo && s.value <= bounds.hi)) {
      const what = `${s.name} starts at ${s.value}, outside [${bounds.lo}, ${bounds.hi}]`;
      throw programError(s.at, what, 'start inside the bounds');
    }
    if (s.kind === 'param' && bounds) this.params.push({ name: s.name, start: s.value, ...bounds });
    else if (s.kind === 'param') this.constants.set(s.name, s.value);
    this.names.set(s.name, { type: 'number', live: false });
  }

  /** A new name. */
  private claim(s: Statement): void {
    if (RESERVED.has(s.name)) {
      const hint = 'choose a name that is no function, input or keyword';
      throw programError(s.at, `${s.name} is a reserved word`, hint);
    }
    if (this.declared.has(s.name)) throw programError(s.at, `${s.name} is declared twice`, 'rename one');
    this.declared.set(s.name, s);
  }

  private let(s: Definition): Expr {
    this.claim(s);
    const { known, reads } = this.body(s.expr);
    this.names.set(s.name, known);
    this.reads.set(s.name, reads);
    return s.expr;
  }

  private update(s: Definition, done: ReadonlyMap<string, Expr>): Expr {
    const kind = this.declared.get(s.name)?.kind;
    if (kind !== 'state') {
      const what = kind === undefined ? `no state ${s.name}` : `${s.name} is a ${kind}, not a state`;
      throw programError(s.at, what, `declare state ${s.name} = ... above it`);
    }
    if (done.has(s.name))
      throw programError(s.at, `state ${s.name} has two updates`, 'every state has exactly one');
    const { known, reads } = this.body(s.expr);
    this.mustBe('number', known, s.expr, `the update of ${s.name}`);
    this.reads.set(s.name, reads);
    return s.expr;
  }

  private variance([first, second]: readonly Definition[]): Expr {
    const end = this.statements[this.statements.length - 1].at;
    if (first === undefined) throw programError(end, 'no variance', 'add variance = ... of the states');
    if (second) throw programError(second.at, 'a second variance', 'give exactly one');
    this.inVariance = true;
    const { known, reads } = this.body(first.expr);
    this.mustBe('number', known, first.expr, 'the variance');
    this.reads.set('variance', reads);
    return first.expr;
  }

  private body(expr: Expr): { known: Known; reads: Set<string> } {
    this.reading = new Set();
    const known = this.check(expr);
    return { known, reads: this.reading };
  }

  private check(e: Expr): Known {
    switch (e.kind) {
      case 'number':
        return { type: 'number', live: false };
      case 'name':
        return this.name(e.name, e.at);
      case 'unary': {
        const arg = this.check(e.arg);
        if (e.op === 'not') this.mustBe('boolean', arg, e.arg, 'not');
        return { type: e.op === 'not' ? 'boolean' : 'number', live: arg.live };
      }
      case 'binary':
        return this.binary(e);
      case 'call':
        return this.call(e);
    }
  }

  private name(name: string, at: Place): Known {
    const known = this.names.get(name);
    if (known === undefined) {
      const what = FUNCTIONS.has(name) ? `function ${name} without (` : `unknown name ${name}`;
      throw programError(at, what, `declare it above; known: ${[...this.names.keys()].join(', ')}`);
    }
    if (this.inVariance && known.live) {
      const what = `the variance reads the last return through ${name}`;
      throw programError(at, what, 'put what depends on r or z into a state; the variance reads states');
    }
    this.reading.add(name);
    return known;
  }

  private binary(e: Expr & { readonly kind: 'binary' }): Known {
    const [left, right] = [this.check(e.left), this.check(e.right)];
    const live = left.live || right.live;
    const wants = (type: Type): void => {
      this.mustBe(type, left, e.left, `the left of ${e.op}`);
      this.mustBe(type, right, e.right, `the right of ${e.op}`);
    };
    switch (e.op) {
      case 'and':
      case 'or':
        wants('boolean');
        return { type: 'boolean', live };
      case '+':
      case '-':
      case '*':
        // A boolean counts as 0 or 1 here.
        return { type: 'number', live };
      case '/':
        wants('number');
        return { type: 'number', live };
      case '^': {
        wants('number');
        const exponent = constantOf(e.right, this.constants);
        if (exponent === undefined) return { type: 'number', live };
        if (!(Math.abs(exponent) <= MAX_EXPONENT)) {
          const what = `an exponent of ${exponent}`;
          throw programError(e.right.at, what, `exponents lie between -${MAX_EXPONENT} and ${MAX_EXPONENT}`);
        }
        this.exponents.set(e, exponent);
        return { type: 'number', live };
      }
      default:
        wants('number');
        return { type: 'boolean', live };
    }
  }

  private call(e: Expr & { readonly kind: 'call' }): Known {
    const types = FUNCTIONS.get(e.name);
    if (types === undefined) {
      const hint = `functions are ${[...FUNCTIONS.keys()].join(', ')}`;
      throw programError(e.at, `unknown function ${e.name}`, hint);
    }
    if (e.args.length !== types.length) {
      const what = `${e.name} takes ${types.length}, not ${e.args.length}`;
      throw programError(e.at, what, 'give as many arguments as it takes');
    }
    const args = e.args.map((arg, i) => {
      const known = this.check(arg);
      this.mustBe(types[i], known, arg, `argument ${i + 1} of ${e.name}`);
      return known;
    });
    return { type: 'number', live: args.some((a) => a.live) };
  }

  private mustBe(type: Type, known: Known, e: Expr, what: string): void {
    if (known.type === type) return;
    const hint = type === 'number' ? 'use if(condition, 1, 0)' : 'compare: x > 0';
    throw programError(e.at, `${what} must be a ${type}, not a ${known.type}`, hint);
  }

  private refuseUnused(): void {
    const reached = new Set<string>();
    const queue = ['variance'];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      queue.push(...(this.reads.get(name) ?? []));
    }
    for (const [name, s] of this.declared) {
      if (reached.has(name)) continue;
      throw programError(s.at, `${s.kind} ${name} never reaches the variance`, 'use it or leave it out');
    }
  }
}

function isDeclaration(s: Statement): s is Declaration {
  return s.kind === 'param' || s.kind === 'state';
}

function isDefinition(s: Statement): s is Definition {
  return !isDeclaration(s);
}
