// A slot seen by an agent: its competition's rules, its series, and the data that scoring jobs take.
import type { BarSeries } from '../../blackboard/market.js';
import {
  type Competition,
  findCompetition,
  type Profile,
  parseSlot,
  scoringIntervals,
} from '../../miner/sn50/profile.js';
import type { SlotData } from '../trainer/scoring.js';
import { type AgentContext, CODE_VERSION } from './context.js';
import { lookbackBars, overlapLag, type SlotPlan } from './windows.js';

export interface SlotView {
  readonly slot: string;
  readonly asset: string;
  readonly competition: Competition;
  /** Seconds per bar: the slot's own grid. */
  readonly step: number;
}

export function slotView(profile: Profile, slot: string): SlotView {
  const { competition, asset } = parseSlot(slot);
  const rules = findCompetition(profile, competition);
  return { slot, asset, competition: rules, step: rules.increment_s };
}

export function slotData(context: AgentContext, view: SlotView, bars: BarSeries, plan: SlotPlan): SlotData {
  const { length_s, increment_s, num_simulations } = view.competition;
  return {
    slot: view.slot,
    bars,
    dataset_digest: context.clock.dataset_digest,
    code_version: CODE_VERSION,
    lag: overlapLag(plan),
    paths: num_simulations,
    lookback_bars: lookbackBars(context.constants, view.step),
    competition: { horizon_s: length_s, increment_s, intervals: scoringIntervals(view.competition) },
  };
}
