// The law of a block return in units of its scale: a symmetric mixture of normals, its CRPS in closed form, its fit.
// Promises: curve, slope and quantiles are of one and the same law; the fit minimises the score itself.
// Leaves to others: the scale of each block.
import { z } from 'zod';
import { normalCdf, normalDensity } from '../fit/normal.js';
import { minimise } from '../fit/simplex.js';

export const lawSchema = z.strictObject({
  weights: z.array(z.number().min(0).max(1)).min(1).max(5),
  scales: z.array(z.number().min(1e-3).max(100)).min(1).max(5),
});
/** Mixture of N(0, scales[k]^2) with probabilities weights[k], which sum to 1. */
export type Law = z.infer<typeof lawSchema>;

/** Standard deviation of the law. */
export function lawDeviation({ weights, scales }: Law): number {
  return Math.sqrt(weights.reduce((sum, p, k) => sum + p * scales[k] ** 2, 0));
}

const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/** E|X - X'| / 2 of two independent draws. */
function halfSpread({ weights, scales }: Law): number {
  let sum = 0;
  weights.forEach((p, j) => {
    weights.forEach((q, k) => {
      sum += p * q * Math.hypot(scales[j], scales[k]);
    });
  });
  return (sum * ROOT_2_OVER_PI) / 2;
}

/** CRPS of the law at u: E|X - u| - E|X - X'| / 2 (Gneiting & Raftery 2007; Grimit et al. 2006 for normals). */
export function lawCrps(law: Law, u: number): number {
  let sum = 0;
  law.weights.forEach((p, k) => {
    const s = law.scales[k];
    const t = u / s;
    sum += p * (u * (2 * normalCdf(t) - 1) + 2 * s * normalDensity(t));
  });
  return sum - halfSpread(law);
}

/** d/d log(scale) of scale * crps(y / scale), over scale: crps(u) - u crps'(u). */
export function lawSlope(law: Law, u: number): number {
  let sum = 0;
  law.weights.forEach((p, k) => {
    sum += 2 * p * law.scales[k] * normalDensity(u / law.scales[k]);
  });
  return sum - halfSpread(law);
}

const CURVE_END = 16;
const CURVE_CELLS = 64;

/** Tables of lawCrps and lawSlope on |u| = 0, 1/64, ..., 16 for fits that need millions of values. */
export interface Curve {
  readonly crps: Float64Array;
  readonly slope: Float64Array;
}

export function curveOf(law: Law): Curve {
  const points = CURVE_END * CURVE_CELLS + 2;
  const at = (f: (u: number) => number): Float64Array =>
    Float64Array.from({ length: points }, (_, i) => f(i / CURVE_CELLS));
  return { crps: at((u) => lawCrps(law, u)), slope: at((u) => lawSlope(law, u)) };
}

/** Linear in the table; beyond it the curve is a line of slope 1. */
export function readCrps(curve: Curve, u: number): number {
  const x = Math.abs(u);
  if (x >= CURVE_END) return curve.crps[CURVE_END * CURVE_CELLS] + (x - CURVE_END);
  const position = x * CURVE_CELLS;
  const i = position | 0;
  return curve.crps[i] + (position - i) * (curve.crps[i + 1] - curve.crps[i]);
}

export function readSlope(curve: Curve, u: number): number {
  const position = Math.min(CURVE_END, Math.abs(u)) * CURVE_CELLS;
  const i = position | 0;
  return curve.slope[i] + (position - i) * (curve.slope[i + 1] - curve.slope[i]);
}

const BINS = 800;
const BIN_END = 20;

/** A histogram of |u| with weights: all that the fit of a law needs to know of its sample. */
export class LawSample {
  readonly #weight = new Float64Array(BINS + 1);
  readonly #moment = new Float64Array(BINS + 1);
  total = 0;

  add(u: number, weight: number): void {
    const x = Math.abs(u);
    const bin = Math.min(BINS, Math.floor((x * BINS) / BIN_END));
    this.#weight[bin] += weight;
    this.#moment[bin] += weight * x;
    this.total += weight;
  }

  /** Mean CRPS of a law, each bin at its own mean. */
  score(law: Law): number {
    let sum = 0;
    for (let i = 0; i <= BINS; i++)
      if (this.#weight[i] > 0) sum += this.#weight[i] * lawCrps(law, this.#moment[i] / this.#weight[i]);
    return sum / this.total;
  }
}

export const STANDARD_LAW: Law = { weights: [0.35, 0.5, 0.15], scales: [0.5, 0.95, 1.9] };

/** The mixture of three that minimises the mean CRPS over a sample. Starts from `start`; deterministic. */
export function fitLaw(sample: LawSample, start: Law): Law {
  const read = (x: readonly number[]): Law => {
    const middle = Math.exp(x[0]);
    const low = middle / (1 + Math.exp(x[1]));
    const high = middle * (1 + Math.exp(x[2]));
    const [a, b] = [Math.exp(x[3]), Math.exp(x[4])];
    const total = 1 + a + b;
    const scales = [low, middle, high].map((s) => Math.min(50, Math.max(5e-3, s)));
    return { weights: [a / total, 1 / total, b / total], scales };
  };
  const [low, middle, high] = start.scales;
  const [p, q, r] = start.weights;
  const guess = [
    Math.log(middle),
    Math.log(Math.max(1e-3, middle / low - 1)),
    Math.log(Math.max(1e-3, high / middle - 1)),
    Math.log(p / q),
    Math.log(r / q),
  ];
  return read(minimise((x) => sample.score(read(x)), guess, 0.3, 1e-8, 260).x);
}

/** Quantiles at the midpoints (i + 1/2) / n, ascending, of the law, in its own units. */
export function lawQuantiles(law: Law, n: number): Float64Array {
  const cdf = (x: number): number =>
    law.weights.reduce((sum, p, k) => sum + p * normalCdf(x / law.scales[k]), 0);
  const out = new Float64Array(n);
  const half = Math.floor(n / 2);
  let low = 0;
  for (let i = half; i < n; i++) {
    const p = (i + 0.5) / n;
    let lo = low;
    let hi = Math.max(1e-6, low * 1.5 + 0.5);
    while (cdf(hi) < p) hi *= 2;
    for (let k = 0; k < 60 && hi - lo > 1e-10 * (1 + hi); k++) {
      const middle = (lo + hi) / 2;
      if (cdf(middle) < p) lo = middle;
      else hi = middle;
    }
    low = (lo + hi) / 2;
    out[i] = low;
    out[n - 1 - i] = -low;
  }
  if (n % 2 === 1) out[half] = 0;
  return out;
}
