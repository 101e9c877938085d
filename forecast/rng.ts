// Deterministic randomness from a string: sha256 of the seed starts an sfc32 stream.
// Promises: the same seed gives the same numbers on every machine; no global state, no Math.random.
// Leaves to others: choosing seeds, and anything that needs secrecy (this is not a cryptographic generator).
import { createHash } from 'node:crypto';
import { normalOfDraw } from './fit/normal-draw.js';

export interface Rng {
  /** Uniform in the open interval (0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, n), without modulo bias. */
  int(n: number): number;
  /** Fills with standard normals, one 32-bit draw each (so |z| <= 6.3). */
  fillNormal(out: Float32Array): void;
}

/** A fresh stream for `seed`. Two calls with one seed give two identical, independent-of-each-other streams. */
export function rng(seed: string): Rng {
  const digest = createHash('sha256').update(seed, 'utf8').digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);

  // sfc32, Chris Doty-Humphrey's PractRand: 128 bits of state, passes BigCrush, four adds and three shifts.
  function next(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  }
  for (let i = 0; i < 16; i++) next();

  // Inverse CDF rather than a rejection method: one draw is always one normal, so streams stay aligned between
  // callers that use different counts, and a normal is a monotone function of its uniform.
  const normal = (): number => normalOfDraw(next() | 0);
  return {
    uniform: () => ((next() >>> 5) * 67108864 + (next() >>> 6) + 0.5) / 9007199254740992,
    normal,
    int(n) {
      if (!(Number.isInteger(n) && n > 0 && n <= 4294967296)) throw new RangeError(`int(${n}): need 1..2^32`);
      const limit = 4294967296 - (4294967296 % n);
      let draw = next();
      while (draw >= limit) draw = next();
      return draw % n;
    },
    fillNormal(out) {
      // The stream of next(), with its state in locals: captured variables live on the heap and cost a factor of two.
      let [p, q, r, s] = [a, b, c, counter];
      for (let i = 0; i < out.length; i++) {
        const t = (((p + q) | 0) + s) | 0;
        s = (s + 1) | 0;
        p = q ^ (q >>> 9);
        q = (r + (r << 3)) | 0;
        r = (((r << 21) | (r >>> 11)) + t) | 0;
        out[i] = normalOfDraw(t);
      }
      [a, b, c, counter] = [p, q, r, s];
    },
  };
}
