// Drawing a few of many with known chances.
// Promises: an item is drawn with exactly the probability that inclusion() gives it (Madow 1949, systematic sampling), so that what was
// not told is known with its probability too; items that lie side by side are not drawn together while their probabilities sum to less
// than 1. Leaves to others: what an item weighs, and the order.

/** Uniform draw in (0, 1): randomness is the caller's. */
export type Uniform = () => number;

/** PHI, the standard normal distribution function (Abramowitz & Stegun 26.2.17, |error| < 7.5e-8). */
export function phi(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    Math.exp((-z * z) / 2) *
    0.3989422804014327 *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}

/** Index drawn with probability proportional to its weight; `u` in (0, 1). */
export function pickBy(weights: readonly number[], u: number): number {
  const total = weights.reduce((a, b) => a + b, 0);
  let left = u * total;
  for (const [i, w] of weights.entries()) {
    left -= w;
    if (left <= 0) return i;
  }
  return weights.length - 1;
}

/** Share of the draws that is spread evenly, so that nothing is buried for ever. */
export const UNIFORM_SHARE = 0.1;
/** No item is drawn always: what was never left out has no measurable effect. */
const MOST = 0.9;

export interface Chance {
  readonly probability: number;
  /** The part of it that every item has. */
  readonly floor: number;
}

/**
 * Probabilities with which about `k` of the items are drawn: a tenth spread evenly, the rest by weight, none above 0.9. They sum to k
 * where there are enough items.
 * @example inclusion([3, 1], 1) // [{ probability: 0.725, floor: 0.05 }, { probability: 0.275, floor: 0.05 }]
 */
export function inclusion(weights: readonly number[], k: number): Chance[] {
  const n = weights.length;
  const floor = Math.min(MOST, (UNIFORM_SHARE * k) / n);
  const probability = weights.map(() => floor);
  let open = weights.map((_, i) => i);
  let left = (1 - UNIFORM_SHARE) * k;
  while (open.length > 0 && left > 1e-12) {
    const total = open.reduce((sum, i) => sum + weights[i]!, 0);
    if (total <= 0) break;
    const wanted = open.map((i) => ({ i, p: floor + (left * weights[i]!) / total }));
    const over = wanted.filter(({ p }) => p > MOST);
    for (const { i, p } of over.length > 0 ? over : wanted) probability[i] = Math.min(MOST, p);
    if (over.length === 0) break;
    left -= over.length * (MOST - floor);
    open = open.filter((i) => probability[i] === floor);
  }
  return probability.map((p) => ({ probability: p, floor }));
}

/** Indices drawn with exactly the given probabilities by one uniform number, and whether an even share drew them. */
export function systematic(chances: readonly Chance[], u: number): { index: number; even: boolean }[] {
  const drawn: { index: number; even: boolean }[] = [];
  let from = 0;
  let next = u;
  for (const [index, { probability, floor }] of chances.entries()) {
    if (next < from + probability) {
      drawn.push({ index, even: next < from + floor });
      next += 1;
    }
    from += probability;
  }
  return drawn;
}
