// Shocks to look ahead with: as many at every step as there are paths, stratified, so that each step has variance 1.
// Promises: the same shocks every time; half of a step's shocks are falls.
// Leaves to others: the recursion that they drive.
import { normalQuantile } from '../fit/normal.js';
import { innovation } from '../fit/student.js';
import { type Rng, rng } from '../rng.js';

/** Shocks [steps x paths] of a unit-variance t law of `nu`. */
export function shockTable(nu: number, steps: number, paths: number): Float64Array {
  const shape = innovation(nu);
  // Sizes at the midpoints of equal shares; their mean square is brought back to 1, which cutting the tail took away.
  const sizes = Float64Array.from({ length: paths }, (_, k) =>
    shape(normalQuantile(0.5 + (k + 0.5) / (2 * paths))),
  );
  const norm = Math.sqrt(sizes.reduce((sum, s) => sum + s * s, 0) / paths);
  const signs = sizes.map((_, k) => (k < paths / 2 ? -1 : 1) / norm);
  const stream = rng('forecast/recursion/1');
  const out = new Float64Array(steps * paths);
  for (let h = 0; h < steps; h++) {
    shuffle(stream, sizes);
    shuffle(stream, signs);
    for (let k = 0; k < paths; k++) out[h * paths + k] = signs[k] * sizes[k];
  }
  return out;
}

function shuffle(stream: Rng, list: Float64Array): void {
  for (let k = list.length - 1; k > 0; k--) {
    const other = stream.int(k + 1);
    [list[k], list[other]] = [list[other], list[k]];
  }
}
