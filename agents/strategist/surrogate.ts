// A guess at a spec's gain from what was tried: Gaussian process regression (ordinary kriging) over families, components and knobs.
// Promises: exact to its kernel (Rasmussen & Williams 2006, alg. 2.1); far from everything tried it says the mean and that it
// does not know. Leaves to others: what to do with a guess. It replaces no measurement.
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import { families, type Spec } from '../../forecast/families/index.js';
import { at, rangesOf, scaled } from './space.js';
import type { Tried } from './strategist.js';
import { shiftOf } from './verdicts.js';

export interface Guess {
  readonly gain: number;
  /** Standard deviation of the guess. */
  readonly sd: number;
}

export interface Surrogate {
  readonly n: number;
  /** The highest guess among what was tried: a measurement is noisier. */
  readonly best: number;
  predict(spec: Readonly<Record<string, unknown>>): Guess;
  /** Whether the likest of all that was ever run came to nothing. */
  likeFailed(spec: Readonly<Record<string, unknown>>): boolean;
}

/** Features by name: numbers in [0, 1] for knobs, 1 for what a spec has. */
type Features = ReadonlyMap<string, number>;

const LENGTH = 0.45;
const MIDDLE = 0.5 / LENGTH;
const FAMILY_WEIGHT = 0.9;
const PART_WEIGHT = 0.6;
const POOL_WEIGHT = 0.5;
/** Gains further below the middle than this many robust deviations say no more than "bad". */
const CLIP = 4;
/** Rounding, and what a fit owes to chance. */
const NOISE_FLOOR = 0.0007;
/** Two specs are judged on the same windows with the same noise: most of a standard error is shared. */
const PAIRED = 0.2;
const LARGEST = 150;
const FAILURES = 50;

/** Where a spec lies: every knob on its scale, every component by what it is; a pool amid its members. */
export function featuresOf(spec: Readonly<Record<string, unknown>>): Features {
  if (spec['family'] === 'pool' && Array.isArray(spec['members'])) return poolFeatures(spec);
  const features = new Map<string, number>();
  addFeatures(features, spec, 1);
  return features;
}

/** The mean of the members, a part of what pools have in common, and how many they are. */
function poolFeatures(spec: Readonly<Record<string, unknown>>): Features {
  const members = spec['members'] as Readonly<Record<string, unknown>>[];
  const weights = Array.isArray(spec['weights']) ? (spec['weights'] as number[]) : [];
  const features = new Map<string, number>([
    ['family pool', POOL_WEIGHT],
    ['size of pool', (POOL_WEIGHT * (members.length - 2)) / 4],
    ['weights of pool', weights.length > 0 ? 0 : POOL_WEIGHT],
    [`part recalibration ${kindOf(spec['recalibration'])}`, PART_WEIGHT],
  ]);
  for (const [k, member] of members.entries())
    addFeatures(features, member, weights[k] ?? 1 / members.length, 'recalibration');
  return features;
}

function addFeatures(
  features: Map<string, number>,
  spec: Readonly<Record<string, unknown>>,
  share: number,
  without = '',
): void {
  const add = (name: string, value: number, missing = 0): void => {
    features.set(name, (features.get(name) ?? missing) + share * (value - missing));
  };
  const name = spec['family'] as Spec['family'];
  const family = families[name];
  add(`family ${name}`, FAMILY_WEIGHT);
  if (family === undefined) return;
  for (const [path, knob] of rangesOf(name)) {
    const value = at(spec, path);
    // Shared by families: a half-life means the same everywhere.
    if (typeof value === 'number')
      add(`knob ${path}`, Math.min(1, Math.max(0, scaled(knob, value))) / LENGTH, MIDDLE);
    else add(`part ${path} ${value === undefined ? 'none' : String(value)}`, PART_WEIGHT / 2);
  }
  for (const field of Object.keys(family.choices ?? {}))
    if (field !== without) add(`part ${field} ${kindOf(spec[field])}`, PART_WEIGHT);
  for (const [field, value] of Object.entries(spec))
    if (typeof value === 'boolean') add(`flag ${field}`, value ? PART_WEIGHT : 0);
}

/** What a component is, without its numbers. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value).slice(0, 80);
  return Object.entries(value)
    .filter(([, v]) => typeof v !== 'number' && typeof v !== 'object')
    .map(([k, v]) => `${k}=${v}`)
    .join();
}

const kept = new Map<string, Features>();

/** An archive is the same but for its newest from one decision to the next. */
function remembered({ spec, spec_digest }: Tried): Features {
  let features = kept.get(spec_digest);
  if (features === undefined) {
    if (kept.size >= 4 * LARGEST) kept.clear();
    features = featuresOf(spec);
    kept.set(spec_digest, features);
  }
  return features;
}

/** Columns of what is known, so that specs become rows of numbers. */
class Columns {
  readonly #names = new Map<string, number>();

  constructor(known: readonly Features[]) {
    for (const features of known)
      for (const name of features.keys()) if (!this.#names.has(name)) this.#names.set(name, this.#names.size);
  }

  /** A knob that a spec lacks lies in the middle; what no other spec has is told by a column of its own, the last. */
  row(features: Features): Float64Array {
    const row = new Float64Array(this.#names.size + 1);
    for (const [name, at] of this.#names)
      row[at] = features.get(name) ?? (name.startsWith('knob') ? MIDDLE : 0);
    let strange = 0;
    for (const [name, x] of features)
      if (!this.#names.has(name)) strange += (x - (name.startsWith('knob') ? MIDDLE : 0)) ** 2;
    row[this.#names.size] = Math.sqrt(strange);
    return row;
  }
}

function distance2(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/** Fits to the newest of what was tried, verdicts before the word of whoever ran it; null for fewer than three. */
export function fitSurrogate(
  archive: readonly Tried[],
  failed: readonly Readonly<Record<string, unknown>>[] = [],
): Surrogate | null {
  const tried = archive.slice(0, LARGEST);
  const n = tried.length;
  if (n < 3) return null;
  const shift = shiftOf(tried);
  const gains = tried.map((t) => t.verdict?.gain ?? t.gain + shift.mean);
  const centre = median(gains);
  const spread = Math.max(medianAbsoluteDeviation(gains) * 1.4826, NOISE_FLOOR);
  const y = gains.map((g) => Math.max(g, centre - CLIP * spread) - centre);
  const variance = Math.max(y.reduce((s, v) => s + v * v, 0) / n, spread ** 2);
  const known = tried.map(remembered);
  const columns = new Columns(known);
  const rows = known.map((features) => columns.row(features));
  const failures = failed.slice(0, FAILURES).map((spec) => columns.row(featuresOf(spec)));
  const kernel = (a: Float64Array, b: Float64Array): number => variance * Math.exp(-distance2(a, b) / 2);
  const noise = tried.map((t) =>
    t.verdict === undefined
      ? NOISE_FLOOR ** 2 + (PAIRED * t.se) ** 2 + shift.sd ** 2
      : NOISE_FLOOR ** 2 + (PAIRED * t.verdict.se) ** 2,
  );
  const lower = cholesky(n, (i, j) => (i === j ? variance + noise[i]! : kernel(rows[i]!, rows[j]!)));
  const solve = (b: readonly number[]): number[] => backward(lower, n, forward(lower, n, b));
  // The mean by generalised least squares: many that are alike count for little more than one of them.
  const [ones, told] = [solve(y.map(() => 1)), solve(y)];
  const mean = told.reduce((s, x) => s + x, 0) / ones.reduce((s, x) => s + x, 0);
  const weights = told.map((x, i) => x - mean * ones[i]!);
  return {
    n,
    // K w without K: (K + N) w = y.
    best: centre + Math.max(...y.map((v, i) => v - noise[i]! * weights[i]!)),
    predict(spec) {
      const here = columns.row(featuresOf(spec));
      const k = rows.map((row) => kernel(here, row));
      const v = forward(lower, n, k);
      const left = variance - v.reduce((s, x) => s + x * x, 0);
      return {
        gain: centre + mean + k.reduce((s, x, i) => s + x * weights[i]!, 0),
        sd: Math.sqrt(Math.max(left, 0)),
      };
    },
    likeFailed(spec) {
      const here = columns.row(featuresOf(spec));
      const nearest = (all: readonly Float64Array[]): number =>
        all.reduce((least, row) => Math.min(least, distance2(here, row)), Number.POSITIVE_INFINITY);
      return failures.length > 0 && nearest(failures) < nearest(rows);
    },
  };
}

/** Lower triangle of a positive definite matrix, row by row. */
function cholesky(n: number, entry: (i: number, j: number) => number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = entry(i, j);
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      l[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / l[j * n + j]!;
    }
  return l;
}

function forward(l: Float64Array, n: number, b: readonly number[]): number[] {
  const x: number[] = [];
  for (let i = 0; i < n; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k]!;
    x.push(sum / l[i * n + i]!);
  }
  return x;
}

function backward(l: Float64Array, n: number, b: readonly number[]): number[] {
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * x[k]!;
    x[i] = sum / l[i * n + i]!;
  }
  return x;
}
