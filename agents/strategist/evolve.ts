// Evolution: founders first (founders.ts), what is known of the families before anything was measured. Then each decision breeds
// a brood (breed.ts) and takes the child of the largest expected improvement over the best so far, by a surrogate fitted on
// everything tried: an experiment takes seconds, a guess a tenth of a millisecond.
// Promises: a pure draw; a valid spec of the task. Leaves to others: whether it was run before on the day.
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
  const among = (what: string, specs: readonly Spec[], fading: number): Proposal => {
    const worth = specs.map(
      (spec, i) => fading ** i * Math.exp(Math.min(5, toldWorth(spec, briefing.patterns))),
    );
    return {
      spec: specs[pickBy(worth, rng.uniform())]!,
      move: 'new',
      parents: [],
      reason: `${what} of ${specs.length}, drawn by ${briefing.patterns.length} told patterns`,
    };
  };
  const left = hopeful(founders(task)).filter((spec) => !known.has(specDigest(spec)));
  if (left.length > 0) return among('a founder', left, 0.5);
  const tried = archive.map((t) => String(t.spec['family']));
  const drawn = Array.from({ length: CANDIDATES }, () => stranger(tried, task, rng));
  return among('a stranger', hopeful(drawn).length > 0 ? hopeful(drawn) : drawn, 1);
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
