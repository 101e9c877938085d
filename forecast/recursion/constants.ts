// Expressions whose value is known from the text alone.
// Promises: what is found here does not depend on fitted parameters.
// Leaves to others: folding in general (tape.ts), which knows more once parameters are fitted.
import type { Expr } from './parser.js';

/** Of numbers, constant parameters and arithmetic on them; undefined: not known, or beyond that. */
export function constantOf(e: Expr, constants: ReadonlyMap<string, number>): number | undefined {
  if (e.kind === 'number') return e.value;
  if (e.kind === 'name') return constants.get(e.name);
  if (e.kind === 'unary' && e.op === '-') {
    const value = constantOf(e.arg, constants);
    return value === undefined ? undefined : -value;
  }
  if (e.kind !== 'binary') return undefined;
  const [a, b] = [constantOf(e.left, constants), constantOf(e.right, constants)];
  if (a === undefined || b === undefined) return undefined;
  if (e.op === '+') return a + b;
  if (e.op === '-') return a - b;
  if (e.op === '*') return a * b;
  return e.op === '/' && b !== 0 ? a / b : undefined;
}
