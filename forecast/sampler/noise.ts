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

/** Standard normals [steps, paths, columns] for a seed. */
export function stratifiedNoise(seed: string, steps: number, paths: number, columns: number): Float32Array {
  const base = table(paths);
  const stream = rng(seed);
  const out = new Float32Array(steps * paths * columns);
  let used = stream.int(ROWS);
  for (let h = 0; h < steps; h++) {
    for (let k = 0; k < columns; k++) {
      // The next row each time, from a start and with turns that the seed decides.
      used = (used + 1) % ROWS;
      const turn = stream.int(paths);
      const row = base.subarray(used * paths, (used + 1) * paths);
      if (columns === 1) {
        out.set(row.subarray(turn), h * paths);
        out.set(row.subarray(0, turn), (h + 1) * paths - turn);
      } else {
        let at = h * paths * columns + k;
        for (let i = turn; i < paths; i++, at += columns) out[at] = row[i];
        for (let i = 0; i < turn; i++, at += columns) out[at] = row[i];
      }
    }
  }
  return out;
}
