// Shocks to look ahead with: as many at every step as there are paths, stratified, so that each step has variance 1.
// Promises: the same shocks every time; every second path mirrors the one before it.
// Leaves to others: the recursion that they drive.
import { normalQuantile } from '../fit/normal.js';
import { innovation } from '../fit/student.js';
import { rng } from '../rng.js';

/** Shocks [steps x paths] of a unit-variance t law of `nu`. `paths` must be even. */
export function shockTable(nu: number, steps: number, paths: number): Float64Array {
  const shape = innovation(nu);
  const half = paths / 2;
  // Sizes at the midpoints of equal shares; their mean square is brought back to 1, which cutting the tail took away.
  const sizes = Float64Array.from({ length: half }, (_, k) => shape(normalQuantile(0.5 + (k + 0.5) / paths)));
  const norm = Math.sqrt(sizes.reduce((sum, s) => sum + s * s, 0) / half);
  const stream = rng('forecast/recursion/1');
  const out = new Float64Array(steps * paths);
  const order = Array.from({ length: half }, (_, k) => k);
  for (let h = 0; h < steps; h++) {
    for (let k = half - 1; k > 0; k--) {
      const other = stream.int(k + 1);
      [order[k], order[other]] = [order[other], order[k]];
    }
    for (let k = 0; k < half; k++) {
      const sign = stream.int(2) === 0 ? 1 : -1;
      const shock = (sign * sizes[order[k]]) / norm;
      out[h * paths + 2 * k] = shock;
      out[h * paths + 2 * k + 1] = -shock;
    }
  }
  return out;
}
