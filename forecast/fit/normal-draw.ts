// From one 32-bit draw to one standard normal, fast: the normal quantile as a table of cubics.
// Promises: within 1e-9 of normalQuantile((draw + 1/2) / 2^32), odd about the middle, one draw for one normal.
// Leaves to others: where draws come from.
//
// The quantile bends like log p, so cells are equal fractions of octaves of p: 64 cubics to each, exact in value and
// slope at both ends. The cells used 97 times in 100 fill 10 KB. A rejection method (ziggurat) would be as fast, but
// would use draws unevenly and lose that a normal is a monotone function of its uniform.
import { normalDensity, normalQuantile } from './normal.js';

const OCTAVES = 32;
const CELL_BITS = 6;
const CELLS = 2 ** CELL_BITS;
const FRACTION_BITS = 31 - CELL_BITS;
const FRACTION_MASK = 2 ** FRACTION_BITS - 1;

/** Four coefficients per cell, of -z in powers of the draw's fraction, an integer below 2^25. */
const CUBICS = new Float64Array(OCTAVES * CELLS * 4);
for (let octave = 0; octave < OCTAVES; octave++) {
  const width = 2 ** (-2 - octave) / CELLS;
  const unit = 2 ** -FRACTION_BITS;
  for (let cell = 0; cell < CELLS; cell++) {
    const [y0, y1] = [0, 1].map((end) => -normalQuantile((CELLS + cell + end) * width));
    const [d0, d1] = [y0, y1].map((y) => -width / normalDensity(y));
    const cubic = [y0, d0, 3 * (y1 - y0) - 2 * d0 - d1, 2 * (y0 - y1) + d0 + d1];
    CUBICS.set(
      cubic.map((c, power) => c * unit ** power),
      (octave * CELLS + cell) * 4,
    );
  }
}

/** The standard normal that belongs to a draw, given as a signed 32-bit integer (`draw | 0`). */
export function normalOfDraw(draw: number): number {
  // Twice the distance to the nearer end of the range, plus one: 2^33 p in the lower half, 2^33 (1 - p) in the upper.
  const v = ((draw ^ (draw >> 31)) << 1) | 1;
  const octave = Math.clz32(v);
  const digits = v << octave;
  const k = ((octave << CELL_BITS) | ((digits >>> FRACTION_BITS) & (CELLS - 1))) << 2;
  const f = digits & FRACTION_MASK;
  const size = CUBICS[k] + f * (CUBICS[k + 1] + f * (CUBICS[k + 2] + f * CUBICS[k + 3]));
  // The upper half of the draws has its sign bit set. A product, because half of all branches here would be mispredicted.
  return -((draw >> 31) | 1) * size;
}
