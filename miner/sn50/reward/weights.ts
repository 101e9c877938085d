// From smoothed scores to reward weights, per competition and over all of them (moving_average.py, reward.py).
// Promises that the weights of a competition sum to its coefficient and that a lower score never earns less.
import type { Competition, Profile } from '../profile.js';
import { type ScoreRow, smoothedScores } from './smoothed-scores.js';

/**
 * softmax(beta * score), beta < 0: the lower the score, the larger the share; shares sum to 1. Infinity gets 0; all 0
 * when no score is finite.
 */
export function softmaxWeights(smoothed: readonly number[], beta: number): number[] {
  const scaled = smoothed.map((score) => beta * score);
  const top = scaled.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top)) return smoothed.map(() => 0);
  const exps = scaled.map((value) => Math.exp(value - top));
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map((value) => value / total);
}

/** Weight per miner of one competition: softmax share times coefficient; miners with weight 0 are left out. */
function weightsOf(
  smoothed: ReadonlyMap<number, number>,
  competition: Pick<Competition, 'softmax_beta' | 'coefficient'>,
): Map<number, number> {
  const shares = softmaxWeights([...smoothed.values()], competition.softmax_beta);
  const ids = [...smoothed.keys()];
  return new Map(
    ids.map((id, i) => [id, shares[i] * competition.coefficient] as const).filter(([, weight]) => weight > 0),
  );
}

/** Weight per miner from the rows of one competition at `now_s` (unix seconds), by the profile's rules. */
export function competitionWeights(
  rows: readonly ScoreRow[],
  profile: Pick<Profile, 'coefficients' | 'default_coefficient'>,
  competition: Pick<Competition, 'window_days' | 'softmax_beta' | 'coefficient'>,
  now_s: number,
): Map<number, number> {
  const { coefficients, default_coefficient } = profile;
  const { window_days } = competition;
  return weightsOf(
    smoothedScores(rows, { now_s, window_days, coefficients, default_coefficient }),
    competition,
  );
}

/** Sums each miner's weights over the competitions. */
export function combine(competitions: Iterable<ReadonlyMap<number, number>>): Map<number, number> {
  const total = new Map<number, number>();
  for (const weights of competitions)
    for (const [id, weight] of weights) total.set(id, (total.get(id) ?? 0) + weight);
  return total;
}
