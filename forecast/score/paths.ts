// The score of a set of simulated price paths against the real one: the subnet's CRPS, interval by interval.
// Promises: the same number as the validator's numpy code, including its treatment of NaN, zeros and short prompts.
// Leaves to others: which intervals apply, and what a score is worth (rewards).
import { ForecastError } from '../errors.js';
import { crpsEnsemble } from './crps.js';
import { intervalSteps, type ScoringInterval } from './intervals.js';
import { sortEnsemble } from './sort.js';
import { labelObservedBlocks, pairwiseSum } from './sum.js';

export interface Paths {
  readonly count: number;
  readonly points: number;
  /** [count x points], row-major: one row is one path. */
  readonly prices: Float64Array;
}

export interface PathScore {
  /** Sum over intervals in bps; -1 when a simulated price is 0; NaN when a term's whole ensemble is NaN. */
  readonly total: number;
  /** Sum of each interval's terms, by interval name; empty when total is -1. */
  readonly intervals: Record<string, number>;
}

/**
 * Scores paths [count x points] against real prices [points] (NaN = not observed) on a grid of `increment_s`.
 * Throws SWARM_E_SCORE_INPUT for shapes that do not agree. A 1000 x 289 prompt takes about 5 ms on one core.
 */
export function scorePaths(
  paths: Paths,
  real: Float64Array,
  increment_s: number,
  intervals: readonly ScoringInterval[],
): PathScore {
  checkShapes(paths, real);
  const columns = byPoint(paths);
  if (columns === undefined) return { total: -1, intervals: {} };
  const ensemble = new Float64Array(paths.count);
  const scores: Record<string, number> = {};
  let total = 0;
  for (const interval of intervals) {
    const score = scoreInterval(columns, paths.count, real, interval, increment_s, ensemble);
    scores[interval.name] = score;
    total += score;
  }
  return { total, intervals: scores };
}

function scoreInterval(
  columns: Float64Array,
  count: number,
  real: Float64Array,
  interval: ScoringInterval,
  increment_s: number,
  ensemble: Float64Array,
): number {
  const absolute = interval.kind === 'absolute';
  let steps = intervalSteps(interval, increment_s);
  // A prompt shorter than the absolute interval is still scored on its longest span that has two points.
  if (absolute) while (Math.ceil(real.length / steps) === 1 && steps > 1) steps--;
  const last = real[real.length - 1];
  // The validator skips absolute terms without a usable last price: there is nothing to express them in bps of.
  if (absolute && (last === 0 || !Number.isFinite(last))) return 0;
  const spans = Math.min(Math.ceil(real.length / steps) - 1, interval.kind === 'gaps' ? 1 : Infinity);
  const terms = new Float64Array(Math.max(0, spans)).fill(Number.NaN);
  const changes = terms.map((_, k) => changeOf(real[k * steps], real[(k + 1) * steps], absolute));
  for (let k = 0; k < spans; k++) {
    if (Number.isNaN(changes[k])) continue;
    const from = k * steps * count;
    const to = (k + 1) * steps * count;
    if (absolute) ensemble.set(columns.subarray(to, to + count));
    else {
      for (let i = 0; i < count; i++) {
        const start = columns[from + i];
        ensemble[i] = ((columns[to + i] - start) / start) * 10_000;
      }
    }
    const crps = crpsEnsemble(changes[k], sortEnsemble(ensemble));
    terms[k] = absolute ? (crps / last) * 10_000 : crps;
  }
  return sumRuns(terms, labelObservedBlocks(changes));
}

/** Adds terms run by run; a NaN term inside an observed run (a NaN ensemble) makes the sum NaN, as in numpy. */
function sumRuns(terms: Float64Array, labels: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < terms.length; ) {
    let end = i;
    while (end < terms.length && labels[end] === labels[i]) end++;
    if (labels[i] !== -1) sum += pairwiseSum(terms, i, end - i);
    i = end;
  }
  return sum;
}

function changeOf(start: number, end: number, absolute: boolean): number {
  return absolute ? end : ((end - start) / start) * 10_000;
}

/** Scratch of this thread, as large as the largest set of paths: scoring runs to its end without yielding. */
let kept = new Float64Array(0);

/**
 * Transposes to [points x count]: a term then reads two contiguous runs instead of one value per cache line.
 * Undefined when a price is 0; looking for it on the way saves a pass of 0.4 ms.
 */
function byPoint(paths: Paths): Float64Array | undefined {
  const { count, points, prices } = paths;
  if (kept.length < prices.length) kept = new Float64Array(prices.length);
  const out = kept;
  let i = 0;
  // Four paths at a time share the cache lines that they are written to.
  for (; i + 4 <= count; i += 4) {
    const from = i * points;
    for (let j = 0; j < points; j++) {
      const to = j * count + i;
      const p = prices[from + j];
      const q = prices[from + j + points];
      const r = prices[from + j + 2 * points];
      const s = prices[from + j + 3 * points];
      if (p === 0 || q === 0 || r === 0 || s === 0) return undefined;
      out[to] = p;
      out[to + 1] = q;
      out[to + 2] = r;
      out[to + 3] = s;
    }
  }
  for (; i < count; i++) {
    for (let j = 0; j < points; j++) {
      const price = prices[i * points + j];
      if (price === 0) return undefined;
      out[j * count + i] = price;
    }
  }
  return out;
}

/** Throws SWARM_E_SCORE_INPUT unless prices are [count x points] and real has the same number of points. */
export function checkShapes(paths: Paths, real: Float64Array): void {
  const { count, points, prices } = paths;
  if (count > 0 && points > 0 && prices.length === count * points && real.length === points) return;
  throw new ForecastError(
    'SWARM_E_SCORE_INPUT',
    `paths say ${count} x ${points}, hold ${prices.length} prices, and the real path has ${real.length} points`,
    'pass prices as [count x points] row-major and one real price per point',
  );
}
