// Stratified normals for simulations of many paths: every step's values are the same exact set, in another order.
// Promises: marginals of every step and column are quantile midpoints (Latin hypercube; McKay et al. 1979); rows of
// one forecast differ by table row or by rotation; generation costs little more than copying.
// Leaves to others: forecasts of few paths, which draw (rng.ts) and share their luck between models.
import { normalQuantile } from '../fit/normal.js';
import { rng } from '../rng.js';

/** Permutations per number of paths: a prime, so that steps of a day or an hour never fall in with it. */
const ROWS = 67;
const MOST_TABLES = 4;
const tables = new Map<number, Float32Array>();

/** [ROWS x paths]: each row all midpoints in an order of its own. */
function table(paths: number): Float32Array {
  const kept = tables.get(paths);
  if (kept !== undefined) return kept;
  const half = Float32Array.from({ length: paths }, (_, i) => normalQuantile((i + 0.5) / paths));
  const out = new Float32Array(ROWS * paths);
  const stream = rng(`stratified/1/${paths}`);
  for (let r = 0; r < ROWS; r++) {
    const row = out.subarray(r * paths, (r + 1) * paths);
    row.set(half);
    for (let i = paths - 1; i > 0; i--) {
      const j = stream.int(i + 1);
      [row[i], row[j]] = [row[j], row[i]];
    }
  }
  if (tables.size >= MOST_TABLES) tables.delete(tables.keys().next().value!);
  tables.set(paths, out);
  return out;
}

/**
 * Standard normals for a seed, of `paths` paths in all: [steps, width, columns] of those from number `from` on, as many
 * as fit into `out`.
 */
export function stratifiedNoise(
  seed: string,
  steps: number,
  paths: number,
  columns: number,
  from = 0,
  out = new Float32Array(steps * paths * columns),
): Float32Array {
  const base = table(paths);
  const stream = rng(seed);
  const width = out.length / (steps * columns);
  let used = stream.int(ROWS);
  for (let h = 0; h < steps; h++) {
    for (let k = 0; k < columns; k++) {
      // The next row each time, from a start and with turns that the seed decides.
      used = (used + 1) % ROWS;
      const turn = (stream.int(paths) + from) % paths;
      const ahead = base.subarray(used * paths + turn, (used + 1) * paths).subarray(0, width);
      const around = base.subarray(used * paths, used * paths + width - ahead.length);
      let at = h * width * columns + k;
      if (columns === 1) {
        out.set(ahead, at);
        out.set(around, at + ahead.length);
      } else {
        for (let i = 0; i < ahead.length; i++, at += columns) out[at] = ahead[i];
        for (let i = 0; i < around.length; i++, at += columns) out[at] = around[i];
      }
    }
  }
  return out;
}
