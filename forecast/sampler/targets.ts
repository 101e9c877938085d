// The law of every scored block, read from many simulated paths that come in portions: quantiles at midpoints.
// Promises: quantiles of the sample itself to within a 4000th of its range, or of a stated law at the sample's root
// mean square; what is kept does not grow with the number of paths.
// Leaves moving paths onto them to place.ts.
import { lawQuantiles } from '../direct/law.js';
import type { Grid } from './plan.js';
import { Quantiles } from './quantiles.js';

/** Targets per block of a grid: [from, to) in steps, and `count` ascending values. */
export interface BlockTarget {
  readonly from: number;
  readonly to: number;
  readonly quantiles: Float64Array;
}

/** A grid and what is known of its blocks so far. */
interface Scored extends Grid {
  readonly blocks: number;
  readonly shape: Float64Array | null;
  readonly samples: Quantiles;
  /** Sums of squares by block, where a law is stated. */
  readonly squares: Float64Array;
}

/** Sums of the paths at hand over a number of steps. */
interface Sums {
  readonly steps: number;
  /** Sums that this one's blocks add up to. */
  readonly parts: Sums[];
  /** Grids that read it. */
  readonly grids: Scored[];
  /** Begin again after each block; otherwise they run from the first step on. */
  readonly restarts: boolean;
  values: Float32Array;
}

export class Targets {
  readonly #steps: number;
  readonly #n: number;
  readonly #count: number;
  readonly #grids: readonly Scored[];
  readonly #rows: Sums;
  readonly #all: readonly Sums[];
  #unread = new Float32Array(0);

  /** For `count` quantiles of each block of `n` paths of `steps`. */
  constructor(steps: number, n: number, count: number, grids: readonly Grid[]) {
    this.#steps = steps;
    this.#n = n;
    this.#count = count;
    this.#grids = grids.map((grid) => {
      const blocks = grid.kind === 'first' ? 1 : Math.floor(steps / grid.steps);
      const shape = grid.law === undefined ? null : unitQuantiles(grid.law, count);
      const samples = new Quantiles(shape === null ? blocks : 0, n);
      return { ...grid, blocks, shape, samples, squares: new Float64Array(blocks) };
    });
    this.#all = sumsOf(this.#grids);
    this.#rows = this.#all[0];
  }

  /** The next paths, [steps x width]. */
  add(returns: Float32Array): void {
    const width = returns.length / this.#steps;
    this.#unread = new Float32Array(width);
    for (const sums of this.#all) sums.values = new Float32Array(width);
    for (let h = 0; h < this.#steps; h++) {
      this.#rows.values = returns.subarray(h * width, (h + 1) * width);
      this.#pass(this.#rows, h + 1);
    }
  }

  /** Targets of all grids, grid by grid, block by block. */
  found(): BlockTarget[][] {
    return this.#grids.map((grid) =>
      Array.from({ length: grid.blocks }, (_, b) => {
        const to = (b + 1) * grid.steps;
        const from = grid.kind === 'blocks' ? b * grid.steps : 0;
        const quantiles =
          grid.shape === null
            ? grid.samples.at(b, this.#count)
            : scaled(grid.shape, Math.sqrt(grid.squares[b] / this.#n));
        return { from, to, quantiles };
      }),
    );
  }

  /** Reads sums whose block ended at step `end`, and hands them on. */
  #pass(sums: Sums, end: number): void {
    let parts = sums.parts;
    for (const grid of sums.grids) {
      if (end % grid.steps !== 0 || end > grid.steps * grid.blocks) continue;
      const block = end / grid.steps - 1;
      if (grid.shape !== null) grid.squares[block] += sumOfSquares(sums.values);
      else {
        // Reading and adding in one pass costs little more than either.
        grid.samples.add(block, sums.values, parts[0]?.values ?? this.#unread);
        parts = parts.slice(1);
      }
    }
    for (const part of parts) addTo(part.values, sums.values);
    if (sums.restarts) sums.values.fill(0);
    for (const part of sums.parts) if (end % part.steps === 0) this.#pass(part, end);
  }
}

/** Rows first; each length adds up the longest shorter one that divides it. */
function sumsOf(grids: readonly Scored[]): Sums[] {
  const own = grids.filter((g) => g.kind === 'blocks');
  const lengths = [...new Set([1, ...own.map((g) => g.steps)])].sort((a, b) => a - b);
  const all: Sums[] = [];
  const join = (sums: Sums, divides: readonly number[]): void => {
    const whole = all.filter((s) => divides.every((length) => length % s.steps === 0));
    whole.at(-1)?.parts.push(sums);
    all.push(sums);
  };
  const values = new Float32Array(0);
  for (const steps of lengths) {
    const readers = own.filter((g) => g.steps === steps);
    join({ steps, parts: [], grids: readers, restarts: steps > 1, values }, [steps]);
  }
  const running = grids.filter((g) => g.kind !== 'blocks');
  if (running.length > 0) {
    const from = running.map((g) => g.steps);
    const beat = lengths.filter((length) => from.every((s) => s % length === 0)).at(-1) ?? 1;
    join({ steps: beat, parts: [], grids: running, restarts: false, values }, from);
  }
  return all;
}

const known = new Map<string, Float64Array>();
const MOST_KNOWN = 64;

/** A law's midpoint quantiles, kept: a miner asks for the same few again and again. */
function unitQuantiles(law: Parameters<typeof lawQuantiles>[0], count: number): Float64Array {
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

function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}

function addTo(sums: Float32Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) sums[i] += values[i];
}
