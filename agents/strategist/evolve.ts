// Evolution over verified specs: parents are drawn by how far they stand above the others and how few children they
// have, and bred by mutation or crossover; now and then something new, chosen among a few by what the briefing says.
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import type { Spec } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import { type Briefing, type KnownSpec, pickBy } from '../../trust/briefing.js';
import { crossSpecs, mutateSpec, randomSpec, searchedFamilies, toldWorth } from './space.js';
import type { Proposal, QuickStrategist, Task } from './strategist.js';

const NEW_SHARE = 0.25;
const CROSS_SHARE = 0.25;
const MUTATION_WIDTH = 0.15;
const CANDIDATES = 6;

/** Parent weights: sigmoid of the lower bound in robust units, shared among the children it already has. */
export function parentWeights(specs: readonly KnownSpec[]): number[] {
  const bounds = specs.map((s) => s.verified_gain - s.verified_se);
  const centre = median(bounds);
  const mad = medianAbsoluteDeviation(bounds) || 1e-3;
  return specs.map((s, i) => 1 / (1 + Math.exp(-(bounds[i]! - centre) / mad)) / (1 + s.children));
}

function fresh(briefing: Briefing, task: Task, rng: Rng): Proposal {
  const names = searchedFamilies();
  const candidates = Array.from({ length: CANDIDATES }, () =>
    randomSpec(names[rng.int(names.length)]!, task, rng),
  );
  const worth = candidates.map((spec) => Math.exp(Math.min(5, toldWorth(spec, briefing.patterns))));
  return {
    spec: candidates[pickBy(worth, rng.uniform())]!,
    move: 'new',
    parents: [],
    reason: `drawn among ${CANDIDATES} by ${briefing.patterns.length} told patterns`,
  };
}

export const evolveStrategist: QuickStrategist = {
  name: 'evolve',
  propose(briefing, task, rng) {
    const { specs } = briefing;
    if (specs.length === 0 || rng.uniform() < NEW_SHARE) return fresh(briefing, task, rng);
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
