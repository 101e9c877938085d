// The ground of benches that search on real bars: one slot, a day for every seed, and threads that fit and score specs there.
// Promises: the same seed means the same training bars and windows, whoever searches. Leaves to others: who searches, and how.
import { DAY_S, dayOf, lookbackBars, overlapLag, slotPlan } from '../../../agents/runtime/windows.js';
import type { Task } from '../../../agents/strategist/strategist.js';
import { labSlot, readLabBars } from '../../../cli/lab/slot.js';
import type { Spec } from '../../../forecast/families/index.js';
import { offload } from '../../../forecast/offload.js';
import { windowStarts } from '../../../forecast/windows.js';
import { seededConstants } from '../../../trust/constants.js';
import type { Scored, TrialInput, TrialJobs } from './worker.js';

export interface LabOptions {
  readonly slot: string;
  readonly bars: string;
  /** Windows of the public and of the hidden set, paths, and the share of a fit's history: less than the swarm takes. */
  readonly windows: number;
  readonly paths: number;
  readonly history_share: number;
  /** Days between seeds, so that no market decides for all. */
  readonly days_apart: number;
  readonly threads: number;
}

export type LabDay = Omit<TrialInput, 'spec' | 'starts'> & {
  readonly public_starts: readonly number[];
  readonly hidden_starts: readonly number[];
  /** Every window of the days after the hidden ones, which no search sees. */
  readonly later_starts: readonly number[];
};

export interface Lab {
  readonly task: Task;
  readonly slot: string;
  day(seed: number): LabDay;
  /** The spec's gain on each set of windows; null where it cannot be fitted. A thread keeps the fits of one day. */
  trial(
    thread: number,
    day: LabDay,
    spec: Spec,
    sets: readonly (readonly number[])[],
  ): Promise<readonly Scored[] | null>;
  close(): Promise<void>;
}

const LATER_DAYS = 30;

export function openLab(o: LabOptions): Lab {
  const slot = labSlot('2026-05', o.slot);
  const bars = readLabBars(o.bars, slot);
  const constants = seededConstants();
  const threads = Array.from({ length: o.threads }, () =>
    offload<TrialJobs>(new URL('./worker.js', import.meta.url)),
  );
  const lookback_bars = lookbackBars(constants, slot.rules.increment_s);
  return {
    slot: slot.slot,
    task: {
      asset: slot.asset,
      horizon_s: slot.rules.length_s,
      step_s: slot.rules.increment_s,
      max_history_bars: lookback_bars,
      peers: 0,
    },
    day(seed) {
      const newest = dayOf(new Date(bars.last_s * 1000)) - LATER_DAYS * DAY_S;
      const plan = slotPlan(constants, slot.rules, newest - seed * o.days_apart * DAY_S);
      const thinned = ({ from_s, to_s }: { from_s: number; to_s: number }): number[] => {
        const all = windowStarts(from_s, to_s, plan.windows);
        const every = Math.max(1, Math.floor(all.length / o.windows));
        return all.filter((_, i) => i % every === 0);
      };
      return {
        slot: slot.slot,
        competition: slot.competition,
        bars: bars.bars,
        dataset_digest: bars.dataset_digest,
        code_version: 'bench',
        lag: overlapLag(plan),
        paths: o.paths,
        lookback_bars,
        data_cutoff_s: plan.data_cutoff_s,
        train_bars: Math.floor(plan.train_bars * o.history_share),
        public_starts: thinned(plan.public),
        hidden_starts: thinned(plan.hidden),
        later_starts: windowStarts(plan.as_of_s, plan.as_of_s + LATER_DAYS * DAY_S, plan.windows),
      };
    },
    async trial(thread, day, spec, starts) {
      const { public_starts: _p, hidden_starts: _h, later_starts: _l, ...shared } = day;
      try {
        return await threads[thread % threads.length]!.call('trial', { ...shared, spec, starts });
      } catch (error) {
        // A failed fit costs an experiment like any other.
        if ((error as { code?: string }).code?.startsWith('SWARM_E_')) return null;
        throw error;
      }
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
