// Evolution against random search on real bars: equal experiments from equal seeds, judged on windows that neither sees.
// What counts is verified as in the swarm: a spec whose public gain is within a standard error of the bar (claimBar) is scored on
// hidden windows, rounded as the ladder of trust rounds, and told to whoever decides next. Since many are scored there, what a
// run found best is scored once more at its end, on windows that no decision of either strategist has heard of.

import { DAY_S, dayOf, lookbackBars, overlapLag, slotPlan } from '../../../agents/runtime/windows.js';
import { evolveStrategist } from '../../../agents/strategist/evolve.js';
import { randomStrategist } from '../../../agents/strategist/random.js';
import type { QuickStrategist, Task, Tried } from '../../../agents/strategist/strategist.js';
import { labSlot, readLabBars } from '../../../cli/lab/slot.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { type Offload, offload } from '../../../forecast/offload.js';
import { rng } from '../../../forecast/rng.js';
import { windowStarts } from '../../../forecast/windows.js';
import type { KnownSpec } from '../../../trust/briefing.js';
import { type Constants, seededConstants } from '../../../trust/constants.js';
import type { TrialGain, TrialInput, TrialJobs } from './worker.js';

export interface Run {
  /** Best verified gain after each experiment. */
  readonly best: readonly number[];
  /** What the best one gains on windows that nobody has heard of. */
  readonly unseen: number;
}

export interface Contest {
  readonly evolve: readonly Run[];
  readonly random: readonly Run[];
}

export interface ContestOptions {
  readonly slot: string;
  readonly bars: string;
  readonly seeds: number;
  readonly experiments: number;
  /** Windows of each set, and paths: fewer than the swarm takes, the same for both. */
  readonly windows: number;
  readonly paths: number;
}

const THREADS = 2;
const STEP = 0.0025;
/** Days after the hidden ones that only the end of a run is judged on. */
const UNSEEN_DAYS = 30;

export async function contest(o: ContestOptions, progress: (line: string) => void): Promise<Contest> {
  const slot = labSlot('2026-05', o.slot);
  const bars = readLabBars(o.bars, slot);
  const constants = seededConstants();
  const threads = Array.from({ length: THREADS }, () =>
    offload<TrialJobs>(new URL('./worker.js', import.meta.url)),
  );
  const results: Record<'evolve' | 'random', Run[]> = { evolve: [], random: [] };
  const due = Array.from({ length: o.seeds }, (_, seed) => seed).flatMap((seed) =>
    (['evolve', 'random'] as const).map((name) => ({ seed, name })),
  );
  try {
    await Promise.all(
      threads.map(async (thread) => {
        for (let next = due.shift(); next !== undefined; next = due.shift()) {
          const { seed, name } = next;
          // Each seed has a day of its own, so that no market decides for all.
          const as_of_s = dayOf(new Date(bars.last_s * 1000)) - (UNSEEN_DAYS + seed * 21) * DAY_S;
          const input = setUp(o, constants, as_of_s, slot, bars);
          const strategist = name === 'evolve' ? evolveStrategist : randomStrategist;
          const run = await search(strategist, o, constants, input, thread, `contest ${seed}`);
          results[name][seed] = run;
          progress(
            `${name} ${seed}: best verified gain ${run.best.at(-1)!.toFixed(4)}, unseen ${run.unseen.toFixed(4)}`,
          );
        }
      }),
    );
  } finally {
    await Promise.all(threads.map((thread) => thread.close()));
  }
  return results;
}

type Input = Omit<TrialInput, 'spec' | 'starts'> & {
  readonly public_starts: readonly number[];
  readonly hidden_starts: readonly number[];
  readonly unseen_starts: readonly number[];
};

function setUp(
  o: ContestOptions,
  constants: Constants,
  as_of_s: number,
  slot: ReturnType<typeof labSlot>,
  bars: ReturnType<typeof readLabBars>,
): Input {
  const plan = slotPlan(constants, slot.rules, as_of_s);
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
    lookback_bars: lookbackBars(constants, slot.rules.increment_s),
    data_cutoff_s: plan.data_cutoff_s,
    train_bars: plan.train_bars >> 1,
    public_starts: thinned(plan.public),
    hidden_starts: thinned(plan.hidden),
    unseen_starts: thinned({ from_s: as_of_s, to_s: as_of_s + UNSEEN_DAYS * DAY_S }),
  };
}

async function search(
  strategist: QuickStrategist,
  o: ContestOptions,
  constants: Constants,
  input: Input,
  thread: Offload<TrialJobs>,
  seed: string,
): Promise<Run> {
  const { public_starts, hidden_starts, unseen_starts, ...shared } = input;
  const draws = rng(`${seed} ${strategist.name}`);
  const archive: Tried[] = [];
  const verified: KnownSpec[] = [];
  const best: number[] = [];
  let first: { spec: Spec; gain: number } | null = null;
  let bar = 0;
  const task: Task = {
    asset: input.bars.asset,
    horizon_s: input.competition.horizon_s,
    step_s: input.bars.step,
    max_history_bars: lookbackBars(constants, input.bars.step),
    peers: 0,
  };
  const bound = (k: KnownSpec): number => k.verified_gain - k.verified_se;
  while (best.length < o.experiments) {
    const specs = [...verified].sort((a, b) => bound(b) - bound(a)).slice(0, 6);
    const briefing = { slot: input.slot, champion: null, specs, patterns: [], items: [] };
    const { spec, parents } = strategist.propose(briefing, { ...task, archive }, draws);
    const spec_digest = specDigest(spec);
    // A failed fit costs an experiment like any other.
    const found = archive.some((t) => t.spec_digest === spec_digest)
      ? null
      : await thread
          .call('trial', { ...shared, spec, starts: [public_starts, hidden_starts] })
          .catch((error: { code?: string }) => {
            if (error.code?.startsWith('SWARM_E_')) return null;
            throw error;
          });
    if (found !== null) {
      const [seen, hidden] = found.map(({ gain, se }) => ({ gain, se })) as [TrialGain, TrialGain];
      const claimed = seen.gain + seen.se > bar;
      const verdict = {
        gain: Math.floor(hidden.gain / STEP) * STEP,
        se: (Math.floor(hidden.se / STEP) + 1) * STEP,
      };
      archive.unshift({ spec, spec_digest, ...seen, ...(claimed && { verdict }) });
      const children = verified.map((k) =>
        parents.includes(k.spec_digest) ? { ...k, children: k.children + 1 } : k,
      );
      verified.splice(0, verified.length, ...children);
      if (claimed) {
        bar = Math.max(bar, Math.min(verdict.gain, seen.gain));
        if (hidden.gain > (first?.gain ?? 0)) first = { spec, gain: hidden.gain };
        verified.push({
          claim_id: spec_digest,
          spec,
          spec_digest,
          owner: 'o',
          trust: 1,
          verified_gain: verdict.gain,
          verified_se: verdict.se,
          children: 0,
        });
      }
    }
    best.push(first?.gain ?? 0);
  }
  const judged =
    first === null
      ? []
      : await thread.call('trial', { ...shared, spec: first.spec, starts: [unseen_starts] });
  return { best, unseen: judged[0]?.gain ?? 0 };
}
