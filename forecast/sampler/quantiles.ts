// Quantiles of many samples that come in portions: one histogram to each, its range known from the first portion.
// Promises: midpoint quantiles to within a 4096th of the first portion's range, widened by half where more follow;
// memory and the cost of reading do not grow with the number of values.
// Leaves to others: what is sampled.

const BINS = 4096;
/** Of the first portion's range, added on either side when it is not all. */
const WIDER = 0.25;

export class Quantiles {
  readonly #n: number;
  /** [samples x BINS]: one array, because the compiler reads elements of many arrays twice as slowly. */
  readonly #counts: Uint16Array;
  /** Per sample: where its bins begin, bins per unit, and its extremes. */
  readonly #low: Float64Array;
  readonly #scale: Float64Array;
  readonly #least: Float64Array;
  readonly #most: Float64Array;

  /** For `samples` samples of n values each, n at most 65,535. */
  constructor(samples: number, n: number) {
    this.#n = n;
    this.#counts = new Uint16Array(samples * BINS);
    this.#low = new Float64Array(samples);
    this.#scale = new Float64Array(samples).fill(Number.NaN);
    this.#least = new Float64Array(samples).fill(Number.POSITIVE_INFINITY);
    this.#most = new Float64Array(samples).fill(Number.NEGATIVE_INFINITY);
  }

  /** The next values of a sample; each is added to its entry of `sums` on the way. */
  add(sample: number, values: Float32Array, sums: Float32Array): void {
    if (Number.isNaN(this.#scale[sample])) this.#range(sample, values);
    const counts = this.#counts;
    const first = sample * BINS;
    const low = this.#low[sample];
    const scale = this.#scale[sample];
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      sums[i] += v;
      const bin = (v - low) * scale;
      if (bin >= 0 && bin < BINS) counts[first + (bin | 0)]++;
      else this.#beyond(sample, v);
    }
  }

  /** Quantiles at (i + 1/2) / count, ascending. */
  at(sample: number, count: number): Float64Array {
    const counts = this.#counts.subarray(sample * BINS, (sample + 1) * BINS);
    const low = this.#low[sample];
    const width = 1 / this.#scale[sample];
    const out = new Float64Array(count);
    let bin = 0;
    let before = 0;
    for (let i = 0; i < count; i++) {
      const wanted = ((i + 0.5) / count) * this.#n;
      while (before + counts[bin] < wanted && bin < BINS - 1) before += counts[bin++];
      // The outer bins reach as far as the sample does.
      const from = bin === 0 ? Math.min(low, this.#least[sample]) : low + bin * width;
      const to =
        bin === BINS - 1 ? Math.max(low + BINS * width, this.#most[sample]) : low + (bin + 1) * width;
      out[i] = from + ((wanted - before) / counts[bin]) * (to - from);
    }
    return out;
  }

  #range(sample: number, values: Float32Array): void {
    let least = values[0];
    let most = values[0];
    for (let i = 1; i < values.length; i++) {
      const v = values[i];
      if (v < least) least = v;
      else if (v > most) most = v;
    }
    const margin = values.length < this.#n ? WIDER * (most - least) : 0;
    this.#low[sample] = least - margin;
    this.#scale[sample] = (BINS - 1e-3) / (most - least + 2 * margin);
  }

  /** A value outside the range; where that is one point, at it. */
  #beyond(sample: number, value: number): void {
    const low = this.#low[sample];
    this.#counts[sample * BINS + (value > low ? BINS - 1 : value < low ? 0 : 1)]++;
    this.#least[sample] = Math.min(this.#least[sample], value);
    this.#most[sample] = Math.max(this.#most[sample], value);
  }
}
