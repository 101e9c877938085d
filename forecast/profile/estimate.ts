// Estimates behind a profile: shrunk bucket means, circular smoothing, closed hours and opening gaps.
// Promises: NaN (no bar) never counts as calm. Leaves the meaning of the buckets to the profile.

/** Mean |return| over the day around each step, NaN where none is known. `span` steps to either side. */
export function dailyLevel(size: Float64Array, span: number): Float64Array {
  const n = size.length;
  const sums = new Float64Array(n + 1);
  const counts = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    const seen = !Number.isNaN(size[i]);
    sums[i + 1] = sums[i] + (seen ? size[i] : 0);
    counts[i + 1] = counts[i] + (seen ? 1 : 0);
  }
  return size.map((_, i) => {
    const [a, b] = [Math.max(0, i - span), Math.min(n, i + span + 1)];
    const count = counts[b] - counts[a];
    const sum = sums[b] - sums[a];
    return count >= 20 && sum > 0 ? sum / count : Number.NaN;
  });
}

/** Log of the mean ratio per bucket, with `prior` observations of 1 added: thin buckets stay near 0. */
export function bucketSums(
  ratio: Float64Array,
  bucketOf: (i: number) => number,
  buckets: number,
  prior: number,
): Float64Array {
  const sum = new Float64Array(buckets).fill(prior);
  const count = new Float64Array(buckets).fill(prior);
  for (let i = 0; i < ratio.length; i++) {
    if (!(ratio[i] < 50)) continue;
    const b = bucketOf(i);
    sum[b] += ratio[i];
    count[b] += 1;
  }
  return sum.map((s, b) => Math.log(s / count[b]));
}

/** Triangular moving average over a circle, `half` neighbours to either side. */
export function smoothCircular(values: Float64Array, half: number): Float64Array {
  const n = values.length;
  return values.map((_, i) => {
    let sum = 0;
    let weight = 0;
    for (let d = -half; d <= half; d++) {
      const w = half + 1 - Math.abs(d);
      sum += w * values[(i + d + n) % n];
      weight += w;
    }
    return sum / weight;
  });
}

/** Ranges [from, to) of minutes of the week in which under a third of the bars exist, flattened to pairs. */
export function closedRanges(logs: Float64Array, minutes: Int32Array, step_s: number): number[] {
  const width = step_s / 60;
  const slots = 10_080 / width;
  const seen = new Float64Array(slots);
  const all = new Float64Array(slots);
  for (let i = 0; i < logs.length; i++) {
    const s = Math.floor(minutes[i] / width);
    all[s] += 1;
    if (!Number.isNaN(logs[i])) seen[s] += 1;
  }
  const pairs: number[] = [];
  for (let s = 0; s < slots; s++) {
    if (all[s] === 0 || seen[s] / all[s] > 1 / 3) continue;
    const from = s;
    while (s + 1 < slots && (all[s + 1] === 0 || seen[s + 1] / all[s + 1] <= 1 / 3)) s++;
    pairs.push(from * width, (s + 1) * width);
  }
  return pairs;
}

/** Gaps of one opening that the prior of all openings counts for. */
const GAP_PRIOR = 10;

/**
 * Per opening slot of the week, [minute, factor] flattened: how much larger the move over the closure and the first
 * step is than an ordinary first step, from mean absolute moves, shrunk to the mean of all openings.
 */
export function gapRatios(
  logs: Float64Array,
  minutes: Int32Array,
  level: Float64Array,
  day: Float64Array,
  hour: Float64Array,
  closed: readonly number[],
): number[] {
  // A closure over the end of the week is two ranges, and Monday 00:00 no opening.
  const ends = closed
    .filter((_, k) => k % 2 === 1)
    .map((m) => m % 10_080)
    .filter((m) => !closed.some((from, k) => k % 2 === 0 && from === m));
  const moves = new Map<number, number[]>(ends.map((m) => [m, []]));
  let last = -1;
  for (let i = 0; i < logs.length; i++) {
    if (Number.isNaN(logs[i])) continue;
    const found = last >= 0 && last < i - 1 ? moves.get(minutes[i]) : undefined;
    if (found !== undefined) {
      const usual =
        level[i] * Math.exp(day[Math.floor((minutes[i] % 1440) / 5)] + hour[Math.floor(minutes[i] / 60)]);
      if (usual > 0) found.push(Math.abs(logs[i] - logs[last]) / usual);
    }
    last = i;
  }
  const every = [...moves.values()].flat();
  if (every.length === 0) return [];
  const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
  const overall = mean(every);
  return [...moves].flatMap(([m, xs]) => {
    const ratio =
      ((xs.length > 0 ? mean(xs) : 0) * xs.length + overall * GAP_PRIOR) / (xs.length + GAP_PRIOR);
    return [m, Math.round(Math.max(1, ratio) * 1e4) / 1e4];
  });
}
