// The window plan of a slot: train < public < hidden, in time order, with an embargo between sets.
// Everything follows from one day (`as_of`), so two agents on the same day mean the same windows.

import { overlapLag as lagOf, type WindowPlan, windowStarts } from '../../forecast/windows.js';
import type { Competition } from '../../miner/sn50/profile.js';
import type { Constants } from '../../trust/constants.js';

export const DAY_S = 86_400;

/** Unix seconds; every set is [from_s, to_s). */
export interface SlotPlan {
  readonly as_of_s: number;
  /** Fits use bars closed by then. */
  readonly data_cutoff_s: number;
  readonly train_bars: number;
  readonly public: { readonly from_s: number; readonly to_s: number };
  readonly hidden: { readonly from_s: number; readonly to_s: number };
  readonly windows: WindowPlan;
}

/** Bars of history that every usable window of a slot has before it: no model may read more. */
export const lookbackBars = (constant: Constants, step_s: number): number =>
  (constant(`lookback_days_${step_s}`) * DAY_S) / step_s;

/** The day that a market instant belongs to, unix seconds at 00:00 UTC. */
export const dayOf = (market: Date): number => Math.floor(market.getTime() / 1000 / DAY_S) * DAY_S;

export function slotPlan(constant: Constants, competition: Competition, as_of_s: number): SlotPlan {
  const days = (name: string): number => constant(name) * DAY_S;
  const hidden = { from_s: as_of_s - days('hidden_days'), to_s: as_of_s };
  const publicTo_s = hidden.from_s - days('gap_days');
  const publicFrom_s = publicTo_s - days('public_days');
  return {
    as_of_s,
    data_cutoff_s: publicFrom_s - days('gap_days'),
    train_bars: (constant(`train_days_${competition.increment_s}`) * DAY_S) / competition.increment_s,
    public: { from_s: publicFrom_s, to_s: publicTo_s },
    hidden,
    windows: {
      stride_s: constant(`stride_s_${competition.length_s}`),
      horizon_s: competition.length_s,
      max: constant('max_windows'),
    },
  };
}

/**
 * The hidden windows on which a claim of day `as_of_s` is judged in a reign that began at `reign_s`:
 * all newer than anything its author could see, and the same for every checker.
 */
export function hiddenStarts(
  plan: SlotPlan,
  reign_s: number,
): { from_s: number; to_s: number; starts: number[] } {
  const to_s = Math.max(plan.hidden.to_s, Math.floor(reign_s / DAY_S) * DAY_S);
  return { from_s: plan.hidden.from_s, to_s, starts: windowStarts(plan.hidden.from_s, to_s, plan.windows) };
}

/** Newey-West lag of the plan's windows. */
export const overlapLag = (plan: SlotPlan): number => lagOf(plan.windows.horizon_s, plan.windows.stride_s);

/** Seed of the noise of one window: the same for every model and every agent, so that comparisons share it. */
export const noiseSeed = (slot: string, start_s: number): string => `${slot}@${start_s}`;
