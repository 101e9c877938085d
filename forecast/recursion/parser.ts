// The grammar of recursion programs, by recursive descent.
// Promises: nesting and size are counted while parsing, so no text can overflow the stack or take long.
// Leaves to others: whether names exist and types fit (checker.ts).
import { type Place, programError, type Token, tokensOf } from './lexer.js';

export type BinaryOp = '+' | '-' | '*' | '/' | '^' | '<' | '<=' | '>' | '>=' | '==' | '!=' | 'and' | 'or';

export type Expr =
  | { readonly kind: 'number'; readonly value: number; readonly at: Place }
  | { readonly kind: 'name'; readonly name: string; readonly at: Place }
  | { readonly kind: 'unary'; readonly op: '-' | 'not'; readonly arg: Expr; readonly at: Place }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly left: Expr;
      readonly right: Expr;
      readonly at: Place;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[]; readonly at: Place };

export interface Bounds {
  readonly lo: number;
  readonly hi: number;
}

export interface Declaration {
  readonly kind: 'param' | 'state';
  readonly name: string;
  readonly value: number;
  readonly bounds: Bounds | undefined;
  readonly at: Place;
}

export interface Definition {
  readonly kind: 'let' | 'update' | 'variance';
  readonly name: string;
  readonly expr: Expr;
  readonly at: Place;
}

export type Statement = Declaration | Definition;

export const MAX_NODES = 200;
export const MAX_DEPTH = 24;

/** From loosest to tightest; `not` stands between `and` and the comparisons. */
const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and'],
  ['<', '<=', '>', '>=', '==', '!='],
  ['+', '-'],
  ['*', '/'],
];
const COMPARISONS = 2;
const ENDS: ReadonlySet<Token['kind']> = new Set(['end', 'last']);

/** Parses a program. Throws SWARM_E_SPEC_INVALID with line and column. */
export function parseProgram(text: string): Statement[] {
  const parser = new Parser(tokensOf(text));
  return parser.statements();
}

class Parser {
  private position = 0;
  private nodes = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  statements(): Statement[] {
    const out: Statement[] = [];
    for (;;) {
      while (this.next.kind === 'end') this.position++;
      if (this.next.kind === 'last') return out;
      out.push(this.statement());
      if (!ENDS.has(this.next.kind)) throw this.unexpected('the end of the statement');
    }
  }

  private statement(): Statement {
    const first = this.next;
    const at = first.at;
    if (first.kind !== 'name') throw this.unexpected('param, state, let, variance or a state’s update');
    this.position++;
    switch (first.text) {
      case 'param':
      case 'state': {
        const name = this.name();
        this.expect('=');
        const value = this.signedNumber();
        return { kind: first.text, name, value, bounds: this.bounds(), at };
      }
      case 'let': {
        const name = this.name();
        this.expect('=');
        return { kind: 'let', name, expr: this.expression(0), at };
      }
      case 'variance':
        this.expect('=');
        return { kind: 'variance', name: 'variance', expr: this.expression(0), at };
      default:
        if (!this.accept("'"))
          throw this.unexpected(`' after ${first.text}, or param, state or let before it`);
        this.expect('=');
        return { kind: 'update', name: first.text, expr: this.expression(0), at };
    }
  }

  private bounds(): Bounds | undefined {
    if (!this.accept('in')) return undefined;
    const at = this.next.at;
    this.expect('[');
    const lo = this.signedNumber();
    this.expect(',');
    const hi = this.signedNumber();
    this.expect(']');
    if (lo < hi) return { lo, hi };
    throw programError(at, `bounds [${lo}, ${hi}] are inverted or empty`, 'write the lower bound first');
  }

  private signedNumber(): number {
    const sign = this.accept('-') ? -1 : 1;
    const token = this.next;
    if (token.kind !== 'number') throw this.unexpected('a number');
    this.position++;
    return sign * token.value;
  }

  private expression(level: number): Expr {
    if (level === LEVELS.length) return this.unary();
    if (level === COMPARISONS && this.next.text === 'not' && this.next.kind === 'name') return this.not();
    let left = this.expression(level + 1);
    let chained = false;
    for (;;) {
      const { text, at } = this.next;
      if (!LEVELS[level].includes(text)) return left;
      if (chained) {
        const hint = 'write a < b and b < c';
        throw programError(at, `a comparison of a comparison by ${text}`, hint);
      }
      this.position++;
      left = this.counted({
        kind: 'binary',
        op: text as BinaryOp,
        left,
        right: this.expression(level + 1),
        at,
      });
      chained = level === COMPARISONS;
    }
  }

  private not(): Expr {
    const { at } = this.next;
    this.position++;
    return this.nested(at, () =>
      this.counted({ kind: 'unary', op: 'not', arg: this.expression(COMPARISONS), at }),
    );
  }

  /** -a ^ b is -(a ^ b). */
  private unary(): Expr {
    const { at } = this.next;
    if (!this.accept('-')) return this.power();
    return this.nested(at, () => this.counted({ kind: 'unary', op: '-', arg: this.unary(), at }));
  }

  /** a ^ b ^ c is a ^ (b ^ c); the exponent may have a sign. */
  private power(): Expr {
    const left = this.primary();
    const { at } = this.next;
    if (!this.accept('^')) return left;
    return this.nested(at, () => this.counted({ kind: 'binary', op: '^', left, right: this.unary(), at }));
  }

  private primary(): Expr {
    const token = this.next;
    const { at, text } = token;
    if (token.kind === 'number') {
      this.position++;
      return this.counted({ kind: 'number', value: token.value, at });
    }
    if (this.accept('(')) {
      const inner = this.nested(at, () => this.expression(0));
      this.expect(')');
      return inner;
    }
    if (token.kind !== 'name') throw this.unexpected('a number, a name or (');
    this.position++;
    if (!this.accept('(')) return this.counted({ kind: 'name', name: text, at });
    return this.nested(at, () => {
      const args: Expr[] = [];
      if (!this.accept(')')) {
        do args.push(this.expression(0));
        while (this.accept(','));
        this.expect(')');
      }
      return this.counted({ kind: 'call', name: text, args, at });
    });
  }

  private nested<T>(at: Place, parse: () => T): T {
    if (++this.depth > MAX_DEPTH)
      throw programError(at, `nested deeper than ${MAX_DEPTH}`, 'name parts of it with let');
    const out = parse();
    this.depth--;
    return out;
  }

  private counted(expr: Expr): Expr {
    if (++this.nodes > MAX_NODES)
      throw programError(expr.at, `more than ${MAX_NODES} operations, names and numbers`, 'simplify it');
    return expr;
  }

  private get next(): Token {
    return this.tokens[this.position];
  }

  private accept(text: string): boolean {
    if (this.next.text !== text || this.next.kind === 'last') return false;
    this.position++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected(text);
  }

  private name(): string {
    const token = this.next;
    if (token.kind !== 'name') throw this.unexpected('a name');
    this.position++;
    return token.text;
  }

  private unexpected(wanted: string): Error {
    const { kind, text, at } = this.next;
    const got = kind === 'end' ? 'the end of the statement' : kind === 'last' ? text : JSON.stringify(text);
    return programError(at, `expected ${wanted}, got ${got}`, 'docs/recursion.md has the grammar');
  }
}
