// The elementary operations that programs are made of once guards are written out, for numbers one at a time.
// Promises: finite for arguments inside the guards; a boolean is 0 or 1.
// Leaves to others: many values at once (machine.ts) and nodes (graph.ts), which do the same.

export const OPERATIONS = [
  ...(['const', 'param', 'state', 'r', 'z'] as const),
  ...(['neg', 'abs', 'sqrt', 'exp', 'log', 'tanh', 'sign', 'num', 'not'] as const),
  ...(['add', 'sub', 'mul', 'div', 'min', 'max', 'lt', 'le', 'eq', 'and', 'or'] as const),
  ...(['clip', 'select'] as const),
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Operations that do not care about the order of two arguments. */
export const SYMMETRIC: ReadonlySet<Operation> = new Set(['add', 'mul', 'min', 'max', 'eq', 'and', 'or']);
/** Operations that yield a boolean. */
export const BOOLEAN: ReadonlySet<Operation> = new Set(['lt', 'le', 'eq', 'and', 'or', 'not']);

/** The value of an operation on constants. */
export function applied(op: Operation, [a, b, c]: readonly number[]): number {
  switch (op) {
    case 'neg':
      return -a;
    case 'abs':
      return Math.abs(a);
    case 'sqrt':
      return Math.sqrt(a);
    case 'exp':
      return Math.exp(a);
    case 'log':
      return Math.log(a);
    case 'tanh':
      return Math.tanh(a);
    case 'sign':
      return a > 0 ? 1 : a < 0 ? -1 : 0;
    case 'num':
      return a;
    case 'not':
      return 1 - a;
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
    case 'and':
      return a * b;
    case 'div':
      return a / b;
    case 'min':
      return a < b ? a : b;
    case 'max':
    case 'or':
      return a > b ? a : b;
    case 'lt':
      return a < b ? 1 : 0;
    case 'le':
      return a <= b ? 1 : 0;
    case 'eq':
      return a === b ? 1 : 0;
    case 'clip':
      return a < b ? b : a > c ? c : a;
    case 'select':
      return a !== 0 ? b : c;
    default:
      return Number.NaN;
  }
}
