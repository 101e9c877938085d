// The law of every scored block, read from many simulated paths: quantiles at midpoints.
// Promises: quantiles of the sample itself, as exact as its histogram, or of a stated law at the sample's root mean
// square. Leaves moving paths onto them to place.ts.
import { type Law, lawQuantiles } from '../direct/law.js';
import { corrected } from './correction.js';
import type { Grid } from './plan.js';
import { midpointQuantiles } from './quantiles.js';

/** Targets per block of a grid: [from, to) in steps, and `count` ascending values. */
export interface BlockTarget {
  readonly from: number;
  readonly to: number;
  readonly quantiles: Float64Array;
}

/** Sums of all paths over a number of steps, up to the step at hand. */
interface Sums {
  readonly steps: number;
  /** In portions, because simulations come so. */
  values: readonly Float32Array[];
  /** Begin again after each block; otherwise they run from the first step on. */
  readonly restarts: boolean;
  /** Sums that this one's blocks add up to. */
  readonly parts: Sums[];
  /** Numbers of the grids that read it. */
  readonly grids: number[];
}

/** Targets of all grids, grid by grid, block by block, from source returns in portions [steps x width]. */
export function targetsOf(
  portions: readonly Float32Array[],
  steps: number,
  count: number,
  grids: readonly Grid[],
): BlockTarget[][] {
  const found: BlockTarget[][] = grids.map(() => []);
  const n = portions.reduce((total, portion) => total + portion.length, 0) / steps;
  const rows = sumsOf(grids, n);
  const unread = new Float32Array(n);
  /** Reads sums whose block ended at step `end`, and hands them on. */
  const pass = (sums: Sums, end: number): void => {
    let parts = sums.parts.map((part) => part.values[0]);
    for (const g of sums.grids) {
      const { steps: length, kind } = grids[g];
      if (end % length !== 0 || (kind === 'first' && end > length)) continue;
      const from = kind === 'blocks' ? end - length : 0;
      const law = grids[g].law;
      let quantiles: Float64Array;
      if (law === undefined || 'tail' in law) {
        quantiles = midpointQuantiles(sums.values, count, parts[0] ?? unread);
        if (law !== undefined) quantiles = corrected(quantiles, law);
        parts = parts.slice(1);
      } else quantiles = scaled(unitQuantiles(law, count), rootMeanSquare(sums.values, n));
      found[g].push({ from, to: end, quantiles });
    }
    for (const part of parts) addTo(part, sums.values);
    if (sums.restarts) for (const values of sums.values) values.fill(0);
    for (const part of sums.parts) if (end % part.steps === 0) pass(part, end);
  };
  for (let h = 0; h < steps; h++) {
    rows.values = portions.map((portion) => {
      const width = portion.length / steps;
      return portion.subarray(h * width, (h + 1) * width);
    });
    pass(rows, h + 1);
  }
  return found;
}

/** Rows, and what adds them up: each length the longest shorter one that divides it. */
function sumsOf(grids: readonly Grid[], n: number): Sums {
  const numbers = (of: (g: Grid) => boolean): number[] =>
    grids.flatMap((grid, number) => (of(grid) ? [number] : []));
  const all: Sums[] = [];
  const join = (steps: number, restarts: boolean, readers: number[], multiples: readonly number[]): void => {
    const sums = { steps, restarts, grids: readers, parts: [], values: [new Float32Array(n)] };
    all
      .filter((s) => multiples.every((length) => length % s.steps === 0))
      .at(-1)
      ?.parts.push(sums);
    all.push(sums);
  };
  const blocks = grids.filter((g) => g.kind === 'blocks').map((g) => g.steps);
  const lengths = [...new Set([1, ...blocks])].sort((a, b) => a - b);
  for (const length of lengths) {
    const readers = numbers((g) => g.kind === 'blocks' && g.steps === length);
    join(length, length > 1, readers, [length]);
  }
  const others = grids.filter((g) => g.kind !== 'blocks').map((g) => g.steps);
  const beat = lengths.filter((length) => others.every((s) => s % length === 0)).at(-1) ?? 1;
  if (others.length > 0)
    join(
      beat,
      false,
      numbers((g) => g.kind !== 'blocks'),
      others,
    );
  return all[0];
}

const known = new Map<string, Float64Array>();
const MOST_KNOWN = 64;

/** A law's midpoint quantiles, kept: a miner asks for the same few again and again. */
function unitQuantiles(law: Law, count: number): Float64Array {
  const key = `${count} ${JSON.stringify(law)}`;
  let made = known.get(key);
  if (made === undefined) {
    made = lawQuantiles(law, count);
    if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!);
    known.set(key, made);
  }
  return made;
}

function scaled(values: Float64Array, by: number): Float64Array {
  return values.map((v) => v * by);
}

function rootMeanSquare(portions: readonly Float32Array[], n: number): number {
  let sum = 0;
  for (const values of portions) for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return Math.sqrt(sum / n);
}

function addTo(sums: Float32Array, portions: readonly Float32Array[]): void {
  let at = 0;
  for (const values of portions) {
    for (let i = 0; i < values.length; i++) sums[at + i] += values[i];
    at += values.length;
  }
}
