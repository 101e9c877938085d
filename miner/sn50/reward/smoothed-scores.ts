// From prompt scores over a window to one smoothed score per miner (moving_average.py).
// Promises the subnet's plain weighted mean: no decay inside the window, whatever the asset mix. Independent of the
// order of rows. Leaves weights to softmax.

/** One miner's score on one prompt of one competition. */
export interface ScoreRow {
  /** The identity that scores follow: a new (uid, coldkey, hotkey) is a new miner. */
  readonly miner_id: number;
  /** Null or NaN when the prompt has no score for this miner. */
  readonly prompt_score: number | null;
  /** Unix seconds: start + length of the prompt. */
  readonly scored_time_s: number;
  readonly asset: string;
  /** Of the same prompt: what fills invalid answers, and the best CRPS. Needed to backfill newcomers. */
  readonly fill?: number;
  readonly lowest?: number;
}

export interface SmoothingOptions {
  readonly now_s: number;
  readonly window_days: number;
  readonly coefficients: Readonly<Record<string, number>>;
  /** Coefficient of an asset that has none. */
  readonly default_coefficient?: number;
}

/**
 * sum(score * coefficient) / sum(coefficient) per miner over rows with scored time in (now - window, now].
 * A miner whose first row is later than the window's first is new: it is given fill - lowest at every earlier scored
 * time. Miners with gaps are not. A miner without any valid row gets Infinity.
 */
export function smoothedScores(rows: readonly ScoreRow[], options: SmoothingOptions): Map<number, number> {
  const from_s = options.now_s - options.window_days * 86_400;
  const window = rows.filter((row) => row.scored_time_s > from_s && row.scored_time_s <= options.now_s);
  const firstSeen = new Map<number, number>();
  for (const { miner_id, scored_time_s } of window)
    firstSeen.set(miner_id, Math.min(scored_time_s, firstSeen.get(miner_id) ?? scored_time_s));

  const sums = new Map<number, { score: number; weight: number }>();
  const add = (miner_id: number, score: number, asset: string) => {
    const sum = sums.get(miner_id) ?? { score: 0, weight: 0 };
    const weight = coefficientOf(asset, options);
    sum.score += score * weight;
    sum.weight += weight;
    sums.set(miner_id, sum);
  };
  for (const { miner_id, prompt_score, asset } of window)
    if (prompt_score !== null && !Number.isNaN(prompt_score)) add(miner_id, prompt_score, asset);
  const missed = worstByTime(window);
  for (const [miner_id, first_s] of firstSeen)
    for (const { time_s, score, asset } of missed) {
      if (time_s >= first_s) break;
      add(miner_id, score, asset);
    }

  const ids = [...firstSeen.keys()].sort((a, b) => a - b);
  return new Map(
    ids.map((id) => {
      const sum = sums.get(id);
      return [id, sum ? sum.score / sum.weight : Number.POSITIVE_INFINITY];
    }),
  );
}

function coefficientOf(asset: string, { coefficients, default_coefficient = 1 }: SmoothingOptions): number {
  return Object.hasOwn(coefficients, asset) ? coefficients[asset] : default_coefficient;
}

interface Missed {
  readonly time_s: number;
  readonly score: number;
  readonly asset: string;
}

// One backfill per scored time, as upstream. Where several assets share a scored time upstream takes whichever row its
// database returned first; here it is the alphabetically first asset, so that the result does not depend on row order.
function worstByTime(window: readonly ScoreRow[]): Missed[] {
  const byTime = new Map<number, Missed>();
  for (const { scored_time_s, fill, lowest, asset } of window) {
    if (fill === undefined || lowest === undefined) continue;
    const known = byTime.get(scored_time_s);
    if (!known || asset < known.asset)
      byTime.set(scored_time_s, { time_s: scored_time_s, score: fill - lowest, asset });
  }
  return [...byTime.values()].sort((a, b) => a.time_s - b.time_s);
}
