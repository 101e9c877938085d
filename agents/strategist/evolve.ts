// Evolution over verified specs: parents are drawn by how far they stand above the others and how few children they
// have, and bred by mutation or crossover; now and then something new, chosen among a few by what the briefing says.
// Once there is an archive, each decision breeds a brood (breed.ts) and takes the child of the largest expected improvement
// over the best so far, by a surrogate fitted on everything tried: an experiment takes seconds, a guess a tenth of a millisecond.
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import { type Spec, specDigest } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing, KnownSpec } from '../../trust/briefing.js';
import { phi, pickBy } from '../../trust/draw.js';
import { fails } from './antipatterns.js';
import { brood, type Child, population, stranger } from './breed.js';
import { crossSpecs, mutateSpec, toldWorth } from './space.js';
import type { Proposal, QuickStrategist, Task } from './strategist.js';
import { fitSurrogate, type Guess } from './surrogate.js';

const NEW_SHARE = 0.25;
const CROSS_SHARE = 0.25;
const MUTATION_WIDTH = 0.15;
const CANDIDATES = 6;
/** Fewer experiments make no archive to learn from. */
const ENOUGH = 6;
const BROOD = 32;
/** Of decisions with an archive, those that draw blindly: a surrogate never learns what it never sees. */
const BLIND = 0.08;

/** Parent weights: sigmoid of the lower bound in robust units, shared among the children it already has. */
export function parentWeights(specs: readonly KnownSpec[]): number[] {
  const bounds = specs.map((s) => s.verified_gain - s.verified_se);
  const centre = median(bounds);
  const mad = medianAbsoluteDeviation(bounds) || 1e-3;
  return specs.map((s, i) => 1 / (1 + Math.exp(-(bounds[i]! - centre) / mad)) / (1 + s.children));
}

function fresh(briefing: Briefing, task: Task, rng: Rng): Proposal {
  const tried = (task.archive ?? []).map((t) => String(t.spec['family']));
  const drawn = Array.from({ length: CANDIDATES }, () => stranger(tried, task, rng));
  const hopeful = drawn.filter((spec) => !fails(spec, task.avoid ?? []));
  const candidates = hopeful.length > 0 ? hopeful : drawn;
  const worth = candidates.map((spec) => Math.exp(Math.min(5, toldWorth(spec, briefing.patterns))));
  return {
    spec: candidates[pickBy(worth, rng.uniform())]!,
    move: 'new',
    parents: [],
    reason: `drawn among ${candidates.length} by ${briefing.patterns.length} told patterns`,
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
  );
  const members = population(briefing, archive);
  if (surrogate === null || members.length < 2) return null;
  const known = new Set(archive.map((t) => t.spec_digest));
  const fresh = brood(members, task, BROOD, rng).filter(({ spec }) => !known.has(specDigest(spec)));
  const one = fresh[rng.int(Math.max(1, fresh.length))];
  // What failed once need not fail for ever.
  if (one !== undefined && rng.uniform() < BLIND)
    return { ...one, reason: `of ${fresh.length} children, drawn blindly` };
  const children = fresh.filter(({ spec }) => !fails(spec, task.avoid ?? []));
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
    const { specs } = briefing;
    const child = bred(briefing, task, rng);
    if (child !== null) return child;
    const few = task.archive !== undefined && task.archive.length < ENOUGH;
    if (few || specs.length === 0 || rng.uniform() < NEW_SHARE) return fresh(briefing, task, rng);
    const weights = parentWeights(specs);
    const parent = specs[pickBy(weights, rng.uniform())]!;
    const kin = specs.filter((s) => s.spec['family'] === parent.spec['family'] && s !== parent);
    if (kin.length > 0 && rng.uniform() < CROSS_SHARE) {
      const other = kin[rng.int(kin.length)]!;
      return {
        spec: crossSpecs(parent.spec as Spec, other.spec as Spec, task, rng),
        move: 'cross',
        parents: [parent.spec_digest, other.spec_digest],
        reason: `crossed verified gains ${parent.verified_gain} and ${other.verified_gain}`,
      };
    }
    return {
      spec: mutateSpec(parent.spec as Spec, MUTATION_WIDTH, task, rng),
      move: 'mutate',
      parents: [parent.spec_digest],
      reason: `parent's verified gain ${parent.verified_gain}`,
    };
  },
};
