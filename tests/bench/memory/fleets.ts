// Fleets of explorers with equal numbers of experiments that differ in what they know.
//
//   briefed   one blackboard: briefings with verified specs and patterns, and everybody's experiments
//   archive   everybody's experiments, and no briefing
//   alone     an explorer's own experiments, and no briefing
//   random    nothing
import { evolveStrategist } from '../../../agents/strategist/evolve.js';
import { randomStrategist } from '../../../agents/strategist/random.js';
import type { Proposal, Tried } from '../../../agents/strategist/strategist.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { rng } from '../../../forecast/rng.js';
import type { Arena } from './arena.js';
import type { MemoryBoard } from './board.js';

export const ARMS = ['briefed', 'archive', 'alone', 'random'] as const;
export type Arm = (typeof ARMS)[number];

export interface FleetRun {
  /** Best verified gain after each experiment of the fleet. */
  readonly best: readonly number[];
  /** What the model that was verified best gains on days after, which nobody saw. */
  readonly later: number;
  /** Experiments that came to nothing: known already, or not to be fitted. */
  readonly wasted: number;
}

export interface FleetOptions {
  readonly seed: number;
  readonly explorers: number;
  readonly rounds: number;
}

const TRIES = 20;

export async function runFleet(
  arm: Arm,
  arena: Arena,
  board: MemoryBoard,
  o: FleetOptions,
): Promise<FleetRun> {
  const seats = arm === 'briefed' ? await board.found(arena.slot, o.explorers) : [];
  const draws = Array.from({ length: o.explorers }, (_, i) => rng(`memory ${o.seed} ${i}`));
  const tried: (Tried & { by: number })[] = [];
  const failures: { spec: Spec; by: number }[] = [];
  const best: number[] = [];
  let champion: { spec: Spec; bound: number } | null = null;
  let wasted = 0;
  for (let n = 0; n < o.explorers * o.rounds; n++) {
    const by = n % o.explorers;
    const draw = draws[by]!;
    const briefing = arm === 'briefed' ? await board.brief(() => draw.uniform()) : nothing(arena.slot);
    const archive =
      arm === 'briefed'
        ? await board.archive()
        : arm === 'archive'
          ? tried
          : tried.filter((t) => t.by === by);
    const failed = failures.filter((f) => arm !== 'alone' || f.by === by).map((f) => f.spec);
    const strategist = arm === 'random' ? randomStrategist : evolveStrategist;
    const known = new Set(archive.map((t) => t.spec_digest));
    let proposal: Proposal;
    let tries = 0;
    do proposal = strategist.propose(briefing, { ...arena.task, archive, failed }, draw);
    while (known.has(specDigest(proposal.spec)) && ++tries < TRIES);
    const found = tries === TRIES ? null : await arena.trial(o.seed, proposal.spec);
    const before = best.at(-1) ?? 0;
    if (found === null) {
      wasted += 1;
      if (tries < TRIES) failures.unshift({ spec: proposal.spec, by });
      best.push(before);
      continue;
    }
    const claimed = found.public.gain + found.public.se > before;
    tried.unshift({
      by,
      spec: { ...proposal.spec },
      spec_digest: specDigest(proposal.spec),
      ...found.public,
    });
    if (arm === 'briefed') {
      await board.record(seats[by]!, briefing, proposal, found, arena.starts(o.seed), claimed);
      if (by === o.explorers - 1) await board.patterns(seats[Math.floor(n / o.explorers) % o.explorers]!);
    }
    best.push(claimed ? Math.max(before, found.hidden.gain) : before);
    const bound = found.hidden.gain - found.hidden.se;
    if (claimed && (champion === null || bound > champion.bound)) champion = { spec: proposal.spec, bound };
  }
  return { best, later: champion === null ? 0 : await arena.later(o.seed, champion.spec), wasted };
}

const nothing = (slot: string) => ({
  slot,
  champion: null,
  specs: [],
  patterns: [],
  items: [],
  untold: [],
  tokens: 0,
});
