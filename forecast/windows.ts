// Evaluation windows: at which moments models are compared.
// Promises: the same plan gives the same starts everywhere; thinning is even, never by outcome.
// Leaves to others: which span is train, public or hidden.
import { assetClass } from './asset-class.js';
import { type Bars, contiguousHistory, gridPrices, indexAtOrBefore } from './bars.js';
import { sha256Hex } from './canonical.js';
import { ForecastError } from './errors.js';

export interface WindowPlan {
  readonly stride_s: number;
  readonly horizon_s: number;
  /** At most this many windows, spread evenly over the span. */
  readonly max: number;
}

/** Prompts arrive a minute before they begin, so a model sees only bars closed by then. */
export const LEAD_S = 60;

/** Starts t0, unix seconds, multiples of the stride, with from_s <= t0 and t0 + horizon_s <= to_s. */
export function windowStarts(from_s: number, to_s: number, plan: WindowPlan): number[] {
  const { stride_s, horizon_s, max } = plan;
  if (!(stride_s > 0 && horizon_s > 0 && Number.isInteger(max) && max > 0)) {
    const hint = 'give a positive stride, horizon and maximum';
    throw new ForecastError('SWARM_E_SCORE_INPUT', `window plan ${JSON.stringify(plan)} is empty`, hint);
  }
  const first = Math.ceil(from_s / stride_s);
  const count = Math.floor((to_s - horizon_s) / stride_s) - first + 1;
  if (count <= 0) return [];
  if (count <= max) return Array.from({ length: count }, (_, i) => (first + i) * stride_s);
  return Array.from({ length: max }, (_, i) => (first + Math.floor(((i + 0.5) * count) / max)) * stride_s);
}

/** Newey-West lag for windows that overlap or follow closely: enough to cover one horizon, at least 2. */
export const overlapLag = (horizon_s: number, stride_s: number): number =>
  Math.max(2, Math.ceil(horizon_s / stride_s));

/** sha256 (hex) of the starts, in their order. */
export function windowSetDigest(starts: readonly number[]): string {
  return sha256Hex(`windows/1\0${starts.join(',')}`);
}

/** Fewer real prices than this say too little about a day. */
const LEAST_PRICES = 20;

export interface WindowNeed {
  /** Bars before t0 - 60 s. */
  readonly history: number;
  readonly horizon_s: number;
  readonly increment_s: number;
}

/**
 * Starts that models can be judged on: with a contiguous history before t0 - 60 s and every real price of the horizon.
 * In a market that closes, the history counts what bars there were, and at least the first and the last price of the
 * horizon and 20 in all must exist.
 */
export function usableWindows(b: Bars, starts: readonly number[], need: WindowNeed): number[] {
  const closes = assetClass(b.asset) !== 'crypto';
  return starts.filter((t0) => {
    const real = gridPrices(b, t0, need.horizon_s, need.increment_s);
    const seen = real.reduce((n, v) => n + (Number.isNaN(v) ? 0 : 1), 0);
    if (Number.isNaN(real[0]) || Number.isNaN(real[real.length - 1])) return false;
    if (seen < (closes ? Math.min(real.length, LEAST_PRICES) : real.length)) return false;
    try {
      // Two bars are there only if the newest is fresh.
      contiguousHistory(b, t0 - LEAD_S, closes ? 2 : need.history);
      return indexAtOrBefore(b, t0 - LEAD_S - b.step) + 1 >= need.history;
    } catch (error) {
      const missing = error instanceof ForecastError && /GAP|TOO_FEW/.test(error.code);
      if (missing) return false;
      throw error;
    }
  });
}
