// Evaluation windows: at which moments models are compared.
// Promises: the same plan gives the same starts everywhere; thinning is even, never by outcome.
// Leaves to others: which span is train, public or hidden.
import { type Bars, contiguousHistory, gridPrices } from './bars.js';
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

/** Starts that have a contiguous history of `history` bars before t0 - 60 s and every real price of the horizon. */
export function usableWindows(
  b: Bars,
  starts: readonly number[],
  need: { readonly history: number; readonly horizon_s: number; readonly increment_s: number },
): number[] {
  return starts.filter((t0) => {
    if (gridPrices(b, t0, need.horizon_s, need.increment_s).some(Number.isNaN)) return false;
    try {
      contiguousHistory(b, t0 - LEAD_S, need.history);
      return true;
    } catch (error) {
      const missing = error instanceof ForecastError && /GAP|TOO_FEW/.test(error.code);
      if (missing) return false;
      throw error;
    }
  });
}
