// Evolution against random search on real bars: equal experiments from equal seeds, judged on windows that neither sees.
// What counts is verified as in the swarm: a spec whose public gain is within a standard error of the bar (claimBar) is scored on
// hidden windows, rounded as the ladder of trust rounds, and told to whoever decides next. Since many are scored there, what a
// run found best is scored once more at its end, on windows that no decision of either strategist has heard of.

import { evolveStrategist } from '../../../agents/strategist/evolve.js';
import { randomStrategist } from '../../../agents/strategist/random.js';
import type { QuickStrategist, Tried } from '../../../agents/strategist/strategist.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { rng } from '../../../forecast/rng.js';
import type { KnownSpec } from '../../../trust/briefing.js';
import { type Lab, openLab } from './lab.js';
import type { Scored } from './worker.js';

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
  /** The first seed, and how many. */
  readonly first: number;
  readonly seeds: number;
  readonly experiments: number;
}

const THREADS = 2;
const STEP = 0.0025;

export async function contest(o: ContestOptions, progress: (line: string) => void): Promise<Contest> {
  const { slot, bars } = o;
  const lab = openLab({
    slot,
    bars,
    windows: 24,
    paths: 200,
    history_share: 0.5,
    days_apart: 21,
    threads: THREADS,
  });
  const results: Record<'evolve' | 'random', Run[]> = { evolve: [], random: [] };
  const due = Array.from({ length: o.seeds }, (_, nth) => nth).flatMap((nth) =>
    (['evolve', 'random'] as const).map((name) => ({ nth, name })),
  );
  try {
    await Promise.all(
      Array.from({ length: THREADS }, async (_, thread) => {
        for (let next = due.shift(); next !== undefined; next = due.shift()) {
          const { nth, name } = next;
          const run = await search(lab, name, o.first + nth, o.experiments, thread);
          results[name][nth] = run;
          progress(
            `${name} ${o.first + nth}: unseen ${run.unseen.toFixed(4)}, best verified ${run.best.map((b) => b.toFixed(4)).join(' ')}`,
          );
        }
      }),
    );
  } finally {
    await lab.close();
  }
  return results;
}

const strategists: Readonly<Record<'evolve' | 'random', QuickStrategist>> = {
  evolve: evolveStrategist,
  random: randomStrategist,
};

async function search(
  lab: Lab,
  name: 'evolve' | 'random',
  seed: number,
  experiments: number,
  thread: number,
): Promise<Run> {
  const day = lab.day(seed);
  const draws = rng(`contest ${seed} ${name}`);
  const archive: Tried[] = [];
  const failed: Spec[] = [];
  const verified: KnownSpec[] = [];
  const best: number[] = [];
  let first: { spec: Spec; gain: number } | null = null;
  let bar = 0;
  const bound = (k: KnownSpec): number => k.verified_gain - k.verified_se;
  while (best.length < experiments) {
    const specs = [...verified].sort((a, b) => bound(b) - bound(a)).slice(0, 6);
    const briefing = { slot: lab.slot, champion: null, specs, patterns: [], items: [] };
    const { spec, parents } = strategists[name].propose(briefing, { ...lab.task, archive, failed }, draws);
    const spec_digest = specDigest(spec);
    // What is known already costs an experiment, as a failed fit does.
    const known = archive.some((t) => t.spec_digest === spec_digest);
    const found = known ? null : await lab.trial(thread, day, spec, [day.public_starts, day.hidden_starts]);
    if (found === null && !known) failed.unshift(spec);
    if (found !== null) {
      const [seen, hidden] = found as [Scored, Scored];
      const claimed = seen.gain + seen.se > bar;
      const verdict = {
        gain: Math.floor(hidden.gain / STEP) * STEP,
        se: (Math.floor(hidden.se / STEP) + 1) * STEP,
      };
      archive.unshift({ spec, spec_digest, gain: seen.gain, se: seen.se, ...(claimed && { verdict }) });
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
  const judged = first && (await lab.trial(thread, day, first.spec, [day.later_starts]));
  return { best, unseen: judged?.[0]?.gain ?? 0 };
}
