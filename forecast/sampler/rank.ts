// Order of a thousand numbers, fast: buckets in their range, and an insertion pass.
// Promises: a permutation, ascending; equal values in the order in which they come; no allocation after construction.
// Leaves NaN to callers: there is none in a forecast.

const BUCKETS = 4096;
/** Insertion steps per value before giving up; a normal sample of 1000 takes 0.2. */
const PATIENCE = 8;

// Of this thread, and constant: see the sort of ensembles.
const starts = new Uint16Array(BUCKETS);
/** Two of them at once, the first in the low half: every platform that node runs on is little-endian. */
const pairs = new Uint32Array(starts.buffer);

export class Ranker {
  readonly #buckets: Uint16Array;
  readonly #order: Uint16Array;

  /** For n values, at most 65,535. */
  constructor(n: number) {
    this.#buckets = new Uint16Array(n);
    this.#order = new Uint16Array(n);
  }

  /** Positions in ascending order of `values`. The result is reused by the next call. */
  order(values: Float64Array): Uint16Array {
    const order = this.#order;
    this.#group(values);
    const n = order.length;
    let patience = PATIENCE * n;
    let top = values[order[0]];
    for (let i = 1; i < n; i++) {
      const at = order[i];
      const v = values[at];
      if (v >= top) {
        top = v;
        continue;
      }
      let j = i;
      for (; j > 0; j--) {
        const before = order[j - 1];
        if (values[before] <= v) break;
        order[j] = before;
      }
      order[j] = at;
      patience -= i - j;
      if (patience < 0) return order.sort((a, b) => values[a] - values[b] || a - b);
    }
    return order;
  }

  /** Counting sort of the positions by bucket. */
  #group(values: Float64Array): void {
    const buckets = this.#buckets;
    const order = this.#order;
    const n = order.length;
    let least = values[0];
    let most = values[0];
    for (let i = 1; i < n; i++) {
      const v = values[i];
      if (v < least) least = v;
      else if (v > most) most = v;
    }
    const scale = most > least ? (BUCKETS - 1e-3) / (most - least) : 0;
    for (let i = 0; i < n; i++) {
      const bucket = ((values[i] - least) * scale) | 0;
      buckets[i] = bucket;
      starts[bucket]++;
    }
    let before = 0;
    for (let p = 0; p < BUCKETS / 2; p++) {
      const counts = pairs[p];
      const between = (before + (counts & 0xffff)) | 0;
      pairs[p] = before | (between << 16);
      before = (between + (counts >>> 16)) | 0;
    }
    for (let i = 0; i < n; i++) {
      const bucket = buckets[i];
      const place = starts[bucket];
      order[place] = i;
      starts[bucket] = place + 1;
    }
    starts.fill(0);
  }
}
