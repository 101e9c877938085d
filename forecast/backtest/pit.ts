// Calibration: where in its ensemble did reality fall (the probability integral transform).
// Promises: a forecast that is right gives uniform ranks, so flat histograms and bands that hold what they say.
// Leaves to others: sharpness. A flat histogram alone does not make a good forecast (Gneiting et al. 2007).
import { ForecastError } from '../errors.js';
import type { Paths } from '../score/index.js';

/** Shares of the horizon at which the cumulative return is ranked. */
export const PIT_AT = [0.25, 0.5, 1] as const;
export const PIT_BINS = 10;
/** Central bands whose coverage is reported. */
const BANDS = [0.5, 0.8, 0.95] as const;

/** Rank of the real return since the start among the simulated ones, in (0, 1): ties count half. */
export function pitOf(paths: Paths, real: Float64Array): number[] {
  const { count, points, prices } = paths;
  return PIT_AT.map((at) => {
    const j = Math.max(1, Math.round(at * (points - 1)));
    const change = real[j] / real[0];
    let below = 0;
    for (let i = 0; i < count; i++) {
      const simulated = prices[i * points + j] / prices[i * points];
      below += simulated < change ? 1 : simulated === change ? 0.5 : 0;
    }
    return (below + 0.5) / (count + 1);
  });
}

export interface Calibration {
  /** Share of the horizon. */
  readonly at: number;
  readonly n: number;
  /** Windows per tenth of the ensemble, lowest first. */
  readonly counts: readonly number[];
  /** Pearson's statistic of the counts against n/10 each: 9 degrees of freedom when windows do not overlap. */
  readonly chi2: number;
  /** Share of windows inside each central band. */
  readonly coverage: readonly { readonly band: number; readonly share: number; readonly se: number }[];
}

export function calibration(at: number, ranks: readonly number[]): Calibration {
  const n = ranks.length;
  if (n === 0)
    throw new ForecastError('SWARM_E_SCORE_INPUT', 'no ranks to make a histogram of', 'pass one per window');
  const counts = new Array<number>(PIT_BINS).fill(0);
  for (const rank of ranks) counts[Math.min(PIT_BINS - 1, Math.floor(rank * PIT_BINS))] += 1;
  const expected = n / PIT_BINS;
  const coverage = BANDS.map((band) => ({
    band,
    share: ranks.filter((rank) => Math.abs(rank - 0.5) <= band / 2).length / n,
    se: Math.sqrt((band * (1 - band)) / n),
  }));
  return {
    at,
    n,
    counts,
    chi2: counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0),
    coverage,
  };
}
