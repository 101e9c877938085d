// The law of every scored block, read from many simulated paths: quantiles at midpoints.
// Promises: quantiles of the sample itself to within a 4096th of its range, these corrected, or those of a stated law
// at the sample's root mean square. Leaves moving paths onto them to place.ts.
import { type Law, lawQuantiles } from '../direct/law.js';
import { corrected, rootMeanSquare } from './correction.js';
import type { BlockLaw, Grid } from './plan.js';

/** Targets per block of a grid: [from, to) in steps, and `count` ascending values. */
export interface BlockTarget {
  readonly from: number;
  readonly to: number;
  readonly quantiles: Float64Array;
}

/** Targets of all grids from source returns [steps x n], grid by grid, block by block. */
export function targetsOf(
  source: Float32Array,
  steps: number,
  n: number,
  count: number,
  grids: readonly Grid[],
): BlockTarget[][] {
  const readers = grids.map((g) => quantileReader(g.law, count));
  const found: BlockTarget[][] = grids.map(() => []);
  const sum = new Float32Array(n);
  const begun = grids.map((g) => (g.steps === 1 ? sum : new Float32Array(n)));
  const block = new Float32Array(n);
  for (let h = 0; h < steps; h++) {
    const row = source.subarray(h * n, (h + 1) * n);
    for (let i = 0; i < n; i++) sum[i] += row[i];
    for (const [g, grid] of grids.entries()) {
      const end = h + 1;
      if (end % grid.steps !== 0 || (grid.kind === 'first' && end > grid.steps)) continue;
      const from = grid.kind === 'blocks' ? end - grid.steps : 0;
      let values = grid.steps === 1 ? row : sum;
      if (grid.kind === 'blocks' && grid.steps > 1) {
        const start = begun[g];
        for (let i = 0; i < n; i++) block[i] = sum[i] - start[i];
        start.set(sum);
        values = block;
      }
      found[g].push({ from, to: end, quantiles: readers[g](values) });
    }
  }
  return found;
}

/** How a grid's targets follow from the simulated sums of one of its blocks. */
function quantileReader(law: BlockLaw | undefined, count: number): (values: Float32Array) => Float64Array {
  if (law === undefined) return (values) => midpointQuantiles(values, count);
  if ('tail' in law) return (values) => corrected(midpointQuantiles(values, count), law);
  const shape = unitQuantiles(law, count);
  return (values) => scaled(shape, rootMeanSquare(values));
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

const BINS = 4096;
const counts = new Uint32Array(BINS);

/**
 * Quantiles of a sample at (i + 1/2) / count, ascending. By histogram: sorting 345 blocks of 20,000 would take four
 * times as long, and a bin is a hundredth of the sample's own error wide.
 */
export function midpointQuantiles(values: Float32Array, count: number): Float64Array {
  const n = values.length;
  let low = values[0];
  let high = values[0];
  for (let i = 1; i < n; i++) {
    const v = values[i];
    if (v < low) low = v;
    else if (v > high) high = v;
  }
  const out = new Float64Array(count).fill(low);
  if (!(high > low)) return out;
  counts.fill(0);
  const scale = (BINS - 1e-3) / (high - low);
  for (let i = 0; i < n; i++) counts[((values[i] - low) * scale) | 0]++;
  const width = 1 / scale;
  let bin = 0;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const wanted = ((i + 0.5) / count) * n;
    while (before + counts[bin] < wanted && bin < BINS - 1) before += counts[bin++];
    out[i] = low + (bin + (wanted - before) / counts[bin]) * width;
  }
  return out;
}
