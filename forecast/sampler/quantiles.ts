// Quantiles of a sample by histogram: sorting 345 blocks of 20,000 would take ten times as long.
// Promises: midpoint quantiles to within a 2048th of the first portion's range, widened by half where more follow; a bin
// is a fiftieth of the sample's own error wide.
// Leaves to others: what is sampled.

const BINS = 2048;
const LAST = BINS - 1;
/** Of the first portion's range, added on either side when it is not all. */
const WIDER = 0.25;
/** Largest sample. */
export const MOST_VALUES = 65_535;

// Scratch of this thread, constant: an array that the compiler does not know takes twice as long to count in.
const counts = new Uint32Array(BINS);

/**
 * Quantiles at (i + 1/2) / count, ascending, of a sample in portions. Each value is added to its entry of `sums` on the
 * way: that costs nothing here and another pass elsewhere.
 */
export function midpointQuantiles(
  portions: readonly Float32Array[],
  count: number,
  sums: Float32Array,
): Float64Array {
  const [least, most] = rangeOf(portions);
  const scale = BINS / (most - least);
  counts.fill(0);
  let n = 0;
  for (const portion of portions) {
    countAll(portion, least, scale, sums, n);
    n += portion.length;
  }
  // The outer bins reach as far as the sample does.
  const beyond = portions.length > 1 && counts[0] + counts[LAST] > 0;
  const [first, last] = beyond ? extremes(portions) : [least, most];
  const out = new Float64Array(count);
  const width = 1 / scale;
  const between = n / count;
  let wanted = between / 2;
  let before = 0;
  let i = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const after = before + counts[bin];
    if (after >= wanted) {
      const from = bin === 0 ? Math.min(first, least) : least + bin * width;
      const to = bin === LAST ? Math.max(last, most) : least + (bin + 1) * width;
      const each = (to - from) / counts[bin];
      for (; i < count && wanted <= after; wanted = (++i + 0.5) * between)
        out[i] = from + (wanted - before) * each;
    }
    before = after;
  }
  return out;
}

/** Where bins begin and end: the first portion's range, widened, or everything's where that is one point. */
function rangeOf(portions: readonly Float32Array[]): [number, number] {
  const [least, most] = extremes(portions.slice(0, 1));
  if (portions.length === 1) return [least, most];
  if (least === most) return extremes(portions);
  const margin = WIDER * (most - least);
  return [least - margin, most + margin];
}

function extremes(portions: readonly Float32Array[]): [number, number] {
  let [least, most] = [portions[0][0], portions[0][0]];
  for (const values of portions) {
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      if (v < least) least = v;
      else if (v > most) most = v;
    }
  }
  return [least, most];
}

/** Counts every value, the outer bins what is beyond them. Four at a time: nearly twice as fast as one by one. */
function countAll(values: Float32Array, low: number, scale: number, sums: Float32Array, from: number): void {
  const n = values.length;
  const fours = n - (n % 4);
  for (let i = 0, to = from; i < fours; i += 4, to += 4) {
    const a = values[i];
    const b = values[i + 1];
    const c = values[i + 2];
    const d = values[i + 3];
    sums[to] += a;
    sums[to + 1] += b;
    sums[to + 2] += c;
    sums[to + 3] += d;
    const binA = ((a - low) * scale) | 0;
    const binB = ((b - low) * scale) | 0;
    const binC = ((c - low) * scale) | 0;
    const binD = ((d - low) * scale) | 0;
    counts[binA < 0 ? 0 : binA > LAST ? LAST : binA]++;
    counts[binB < 0 ? 0 : binB > LAST ? LAST : binB]++;
    counts[binC < 0 ? 0 : binC > LAST ? LAST : binC]++;
    counts[binD < 0 ? 0 : binD > LAST ? LAST : binD]++;
  }
  for (let i = fours; i < n; i++) {
    sums[from + i] += values[i];
    const bin = ((values[i] - low) * scale) | 0;
    counts[bin < 0 ? 0 : bin > LAST ? LAST : bin]++;
  }
}
