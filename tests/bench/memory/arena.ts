// Where the fleets search: one slot of real bars, a day for every seed, and trials that are made once however many ask.
// Promises: whoever asks for the same spec on the same day gets the same numbers, and pays for an experiment all the same.
import { dayOf, lookbackBars, overlapLag, slotPlan } from '../../../agents/runtime/windows.js';
import type { Task } from '../../../agents/strategist/strategist.js';
import { labSlot, readLabBars } from '../../../cli/lab/slot.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { type Offload, offload } from '../../../forecast/offload.js';
import { windowStarts } from '../../../forecast/windows.js';
import { seededConstants } from '../../../trust/constants.js';
import type { Scored, TrialGain, TrialJobs } from '../strategist/worker.js';

export interface ArenaOptions {
  readonly slot: string;
  readonly bars: string;
  /** Windows of each set, paths, and how much less history a fit has than in the swarm. */
  readonly windows: number;
  readonly paths: number;
  readonly history_share: number;
}

export interface Trial {
  readonly public: TrialGain;
  readonly hidden: Scored;
}

export interface Arena {
  readonly task: Task;
  readonly slot: string;
  /** Public and hidden gains of a spec on a seed's day; null where it cannot be fitted. */
  trial(seed: number, spec: Spec): Promise<Trial | null>;
  /** Its gain on the thirty days after, which no fleet sees. */
  later(seed: number, spec: Spec): Promise<number>;
  starts(seed: number): readonly number[];
  readonly made: number;
  close(): Promise<void>;
}

const DAY_S = 86_400;
/** Days between seeds: no market decides for all, and ten of them fit into a year and a half of bars. */
const APART = 18;

export function openArena(o: ArenaOptions, threads: number): Arena {
  const slot = labSlot('2026-05', o.slot);
  const bars = readLabBars(o.bars, slot);
  const constants = seededConstants();
  const workers = Array.from({ length: threads }, () =>
    offload<TrialJobs>(new URL('../strategist/worker.js', import.meta.url)),
  );
  const known = new Map<string, Promise<Trial | null>>();
  let made = 0;
  const lookback_bars = lookbackBars(constants, slot.rules.increment_s);
  const input = (seed: number) => {
    const last = dayOf(new Date(bars.last_s * 1000)) - 30 * DAY_S;
    const plan = slotPlan(constants, slot.rules, last - seed * APART * DAY_S);
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
      later_starts: windowStarts(plan.hidden.to_s, plan.hidden.to_s + 30 * DAY_S, plan.windows),
    };
  };
  const run = (key: string, seed: number, spec: Spec, hidden?: readonly number[]): Promise<Trial | null> => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const { public_starts, hidden_starts, later_starts: _, ...shared } = input(seed);
    const worker: Offload<TrialJobs> = workers[made % workers.length]!;
    made += 1;
    const result = worker
      .call('trial', { ...shared, spec, starts: [public_starts, hidden ?? hidden_starts] })
      .then(([seen, unseen]): Trial => ({ public: seen!, hidden: unseen! }))
      .catch((error: { code?: string }) => {
        // A failed fit costs an experiment like any other.
        if (error.code?.startsWith('SWARM_E_')) return null;
        throw error;
      });
    known.set(key, result);
    return result;
  };
  return {
    slot: slot.slot,
    task: {
      asset: slot.asset,
      horizon_s: slot.rules.length_s,
      step_s: slot.rules.increment_s,
      max_history_bars: lookback_bars,
      peers: 0,
    },
    trial: (seed, spec) => run(`${seed} ${specDigest(spec)}`, seed, spec),
    async later(seed, spec) {
      const { later_starts } = input(seed);
      return (await run(`later ${seed} ${specDigest(spec)}`, seed, spec, later_starts))?.hidden.gain ?? 0;
    },
    starts: (seed) => input(seed).hidden_starts,
    get made() {
      return made;
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
