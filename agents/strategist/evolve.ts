// Evolution over verified specs: parents are drawn by how far they stand above the others and how few children they
// have, and bred by mutation or crossover; now and then something new, chosen among a few by what the briefing says.
// Once there is an archive, each decision breeds a brood (breed.ts) and takes the child of the largest expected improvement
// over the best so far, by a surrogate fitted on everything tried: an experiment takes seconds, a guess a tenth of a millisecond.
import { type Spec, specDigest } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing } from '../../trust/briefing.js';
import { phi, pickBy } from '../../trust/draw.js';
import { fails } from './antipatterns.js';
import { brood, type Child, population, stranger } from './breed.js';
import { founders } from './founders.js';
import { toldWorth } from './space.js';
import type { Proposal, QuickStrategist, Task } from './strategist.js';
import { fitSurrogate, type Guess } from './surrogate.js';

const CANDIDATES = 6;
/** Fewer experiments make no archive to learn from. */
const ENOUGH = 6;
const BROOD = 64;
/** Of decisions with an archive, those that draw blindly: a surrogate never learns what it never sees. */
const BLIND = 0.08;

/** A founder that nobody has tried, the likelier the earlier it comes: explorers that begin together begin apart. Then strangers. */
function fresh(briefing: Briefing, task: Task, rng: Rng): Proposal {
  const { archive = [], failed = [], avoid = [] } = task;
  const known = new Set([
    ...archive.map((t) => t.spec_digest),
    ...failed.map((spec) => specDigest(spec as Spec)),
  ]);
  const hopeful = (specs: readonly Spec[]): Spec[] => specs.filter((spec) => !fails(spec, avoid));
  const told = (spec: Spec): number => Math.exp(Math.min(5, toldWorth(spec, briefing.patterns)));
  const first = hopeful(founders(task)).filter((spec) => !known.has(specDigest(spec)));
  const drawn =
    first.length > 0
      ? first
      : Array.from({ length: CANDIDATES }, () => {
          const tried = archive.map((t) => String(t.spec['family']));
          return stranger(tried, task, rng);
        });
  const candidates = first.length > 0 || hopeful(drawn).length === 0 ? drawn : hopeful(drawn);
  const worth = candidates.map((spec, i) => told(spec) * (first.length > 0 ? 2 ** -i : 1));
  return {
    spec: candidates[pickBy(worth, rng.uniform())]!,
    move: 'new',
    parents: [],
    reason: `${first.length > 0 ? 'a founder' : 'a stranger'}, drawn among ${candidates.length} by ${briefing.patterns.length} told patterns`,
  };
}

/** Expected improvement over a bar (Jones, Schonlau & Welch 1998), in units of gain. */
export function expectedImprovement({ gain, sd }: Guess, bar: number): number {
  if (sd <= 0) return Math.max(0, gain - bar);
  const z = (gain - bar) / sd;
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return (gain - bar) * phi(z) + sd * density;
}

/** The most promising child of a brood; null without enough to judge by. */
function bred(briefing: Briefing, task: Task, rng: Rng): Proposal | null {
  const { archive = [] } = task;
  if (archive.length < ENOUGH) return null;
  // A briefing may know of verdicts that the archive does not.
  const verdicts = new Map(briefing.specs.map((s) => [s.spec_digest, s]));
  const surrogate = fitSurrogate(
    archive.map((t) => {
      const told = verdicts.get(t.spec_digest);
      return t.verdict !== undefined || told === undefined
        ? t
        : { ...t, verdict: { gain: told.verified_gain, se: told.verified_se } };
    }),
    task.failed,
  );
  const members = population(briefing, archive);
  if (surrogate === null || members.length < 2) return null;
  const known = new Set(archive.map((t) => t.spec_digest));
  const fresh = brood(members, task, BROOD, rng).filter(({ spec }) => !known.has(specDigest(spec)));
  const one = fresh[rng.int(Math.max(1, fresh.length))];
  // What failed once need not fail for ever.
  if (one !== undefined && rng.uniform() < BLIND)
    return { ...one, reason: `of ${fresh.length} children, drawn blindly` };
  const children = fresh.filter(({ spec }) => !fails(spec, task.avoid ?? []) && !surrogate.likeFailed(spec));
  let best: { child: Child; worth: number; guess: Guess } | null = null;
  for (const child of children) {
    const guess = surrogate.predict(child.spec);
    const told = Math.max(-2, Math.min(2, toldWorth(child.spec, briefing.patterns)));
    const worth = expectedImprovement(guess, surrogate.best) * Math.exp(told / 4);
    if (best === null || worth > best.worth) best = { child, worth, guess };
  }
  if (best === null) return null;
  const { child, guess } = best;
  return {
    ...child,
    reason: `of ${children.length} the most promising: a guess of ${guess.gain.toFixed(4)} +- ${guess.sd.toFixed(4)} from ${surrogate.n} experiments`,
  };
}

export const evolveStrategist: QuickStrategist = {
  name: 'evolve',
  propose(briefing, task, rng) {
    return bred(briefing, task, rng) ?? fresh(briefing, task, rng);
  },
};
