// Where the values of a program's operations can lie, from the bounds of states, parameters and inputs.
// Promises: a range holds every value that the operation can take.
// Leaves to others: using it to leave out guards that could never act.

export interface Range {
  readonly lo: number;
  readonly hi: number;
}

const sign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0);
/** Rising functions of one value: the ends go where they go. */
const RISING: Readonly<Record<string, (x: number) => number>> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sign,
};

function hull(values: readonly number[]): Range {
  return { lo: Math.min(...values), hi: Math.max(...values) };
}

/** The range of an operation on values of these ranges; `same`: both arguments are one value. */
export function rangeOf(op: string, args: readonly Range[], same: boolean): Range {
  const [a, b, c] = args;
  switch (op) {
    case 'neg':
      return { lo: -a.hi, hi: -a.lo };
    case 'abs':
      return { lo: a.lo > 0 ? a.lo : a.hi < 0 ? -a.hi : 0, hi: Math.max(-a.lo, a.hi) };
    case 'add':
      return { lo: a.lo + b.lo, hi: a.hi + b.hi };
    case 'sub':
      return { lo: a.lo - b.hi, hi: a.hi - b.lo };
    case 'mul': {
      const corners = hull([a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]);
      if (!same) return corners;
      return { lo: a.lo <= 0 && a.hi >= 0 ? 0 : Math.min(a.lo * a.lo, a.hi * a.hi), hi: corners.hi };
    }
    case 'div':
      return quotient(a, b);
    case 'min':
      return { lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
    case 'max':
      return { lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
    case 'clip':
      return { lo: Math.min(Math.max(a.lo, b.lo), c.hi), hi: Math.min(Math.max(a.hi, b.hi), c.hi) };
    case 'select':
      return hull([b.lo, b.hi, c.lo, c.hi]);
    default: {
      const rising = RISING[op];
      return rising ? { lo: rising(a.lo), hi: rising(a.hi) } : { lo: 0, hi: 1 };
    }
  }
}

/** The divisor is never within the floor of 0, but may lie on both sides of it. */
function quotient(a: Range, b: Range): Range {
  if (b.lo > 0 || b.hi < 0) return hull([a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi]);
  const most = Math.max(-a.lo, a.hi) / DIVISOR_FLOOR;
  return { lo: -most, hi: most };
}

/** Smaller divisors count as this, with their sign. */
export const DIVISOR_FLOOR = 1e-6;
