// Order of a thousand numbers, fast: a radix sort of their float bits that carries positions along.
// Promises: ascending, stable, no allocation after construction. Leaves NaN to callers: there is none in a forecast.

const BITS = 11;
const CELLS = 1 << BITS;
const MASK = CELLS - 1;

export class Ranker {
  readonly #keys: Uint32Array;
  readonly #float: Float32Array;
  #order: Uint32Array;
  #spare: Uint32Array;
  readonly #counts = [new Uint32Array(CELLS), new Uint32Array(CELLS), new Uint32Array(CELLS)];

  constructor(n: number) {
    this.#float = new Float32Array(n);
    this.#keys = new Uint32Array(this.#float.buffer);
    this.#order = new Uint32Array(n);
    this.#spare = new Uint32Array(n);
  }

  /** Positions in ascending order of `values`. The result is reused by the next call. */
  order(values: Float64Array): Uint32Array {
    const keys = this.#keys;
    const n = keys.length;
    this.#float.set(values);
    const [a, b, c] = this.#counts;
    a.fill(0);
    b.fill(0);
    c.fill(0);
    for (let i = 0; i < n; i++) {
      const bits = keys[i];
      // Floats as unsigned integers in the same order: negatives reversed, positives above them.
      const key = (bits >>> 31 ? ~bits : bits | 0x80000000) >>> 0;
      keys[i] = key;
      a[key & MASK]++;
      b[(key >>> BITS) & MASK]++;
      c[key >>> (2 * BITS)]++;
      this.#order[i] = i;
    }
    this.#pass(a, 0);
    this.#pass(b, BITS);
    this.#pass(c, 2 * BITS);
    return this.#order;
  }

  #pass(count: Uint32Array, shift: number): void {
    const keys = this.#keys;
    const from = this.#order;
    const to = this.#spare;
    let sum = 0;
    for (let k = 0; k < CELLS; k++) {
      const own = count[k];
      count[k] = sum;
      sum += own;
    }
    for (let i = 0; i < from.length; i++) {
      const at = from[i];
      to[count[(keys[at] >>> shift) & MASK]++] = at;
    }
    this.#order = to;
    this.#spare = from;
  }
}
