// Order of a thousand numbers, fast: a radix sort of 16-bit positions in their range.
// Promises: a permutation; ascending to a 65,536th of the range; no allocation after construction.
// Leaves NaN to callers: there is none in a forecast.

const CELLS = 256;
const TOP = 65_535.999;

export class Ranker {
  readonly #keys: Uint16Array;
  readonly #order: Uint16Array;
  readonly #spare: Uint16Array;
  readonly #low = new Uint32Array(CELLS);
  readonly #high = new Uint32Array(CELLS);

  /** For n values, at most 65,536. */
  constructor(n: number) {
    this.#keys = new Uint16Array(n);
    this.#order = new Uint16Array(n);
    this.#spare = new Uint16Array(n);
  }

  /** Positions in ascending order of `values`. The result is reused by the next call. */
  order(values: Float64Array): Uint16Array {
    const keys = this.#keys;
    const low = this.#low.fill(0);
    const high = this.#high.fill(0);
    const n = keys.length;
    let least = values[0];
    let most = values[0];
    for (let i = 1; i < n; i++) {
      const v = values[i];
      if (v < least) least = v;
      else if (v > most) most = v;
    }
    const scale = most > least ? TOP / (most - least) : 0;
    for (let i = 0; i < n; i++) {
      const key = ((values[i] - least) * scale) | 0;
      keys[i] = key;
      low[key & 255]++;
      high[key >>> 8]++;
    }
    cumulate(low);
    cumulate(high);
    const spare = this.#spare;
    const order = this.#order;
    for (let i = 0; i < n; i++) spare[low[keys[i] & 255]++] = i;
    for (let i = 0; i < n; i++) {
      const at = spare[i];
      order[high[keys[at] >>> 8]++] = at;
    }
    return order;
  }
}

/** Counts to the position at which each cell begins. */
function cumulate(counts: Uint32Array): void {
  let sum = 0;
  for (let k = 0; k < CELLS; k++) {
    const own = counts[k];
    counts[k] = sum;
    sum += own;
  }
}
