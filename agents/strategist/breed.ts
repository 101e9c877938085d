// Children for evolution over an archive: islands of families, parents by a sigmoid, and four ways to have a child.
// Promises: pure draws; every child is a valid spec of its task. Leaves to others: which child is worth an experiment.
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import { families, type Spec } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing } from '../../trust/briefing.js';
import { pickBy } from '../../trust/draw.js';
import { generationSize, openCma, type Told } from './cma.js';
import {
  at,
  crossSpecs,
  drawn,
  mutateSpec,
  put,
  randomSpec,
  scaled,
  searchedFamilies,
  unscaled,
} from './space.js';
import type { Proposal, Task, Tried } from './strategist.js';

export type Child = Omit<Proposal, 'reason'>;

/** Somebody to have children: what it gained, by verdicts where there are any. */
export interface Member {
  readonly spec: Spec;
  readonly digest: string;
  /** Lower bound of its gain. */
  readonly bound: number;
  readonly gain: number;
  readonly children: number;
}

const ISLANDS = 3;
/** Share of parents that come from another island. */
const MIGRATION = 0.15;
const WIDTHS = [0.05, 0.15, 0.3];
/** What the same windows that chose it say of a spec is too good by about this many standard errors. */
const OPTIMISM = 1;

/** One of each spec: verdicts go before the word of whoever ran it. */
export function population(briefing: Briefing, archive: readonly Tried[]): Member[] {
  const members = new Map<string, Member>();
  for (const t of archive)
    if (!members.has(t.spec_digest))
      members.set(t.spec_digest, {
        spec: t.spec as Spec,
        digest: t.spec_digest,
        bound: t.gain - OPTIMISM * t.se,
        gain: t.gain,
        children: 0,
      });
  for (const s of briefing.specs)
    members.set(s.spec_digest, {
      spec: s.spec as Spec,
      digest: s.spec_digest,
      bound: s.verified_gain - s.verified_se,
      gain: s.verified_gain,
      children: s.children,
    });
  return [...members.values()].filter((m) => searchedFamilies().includes(m.spec.family));
}

/** Which island a spec lives on: families keep together, so that one that is ahead does not crowd out the others. */
const islandOf = (spec: Spec): number => searchedFamilies().indexOf(spec.family) % ISLANDS;

/** Weights of parents: sigmoid of the lower bound in robust units, shared among the children it already has. */
function weigh(members: readonly Member[]): number[] {
  const bounds = members.map((m) => m.bound);
  const centre = median(bounds);
  const mad = medianAbsoluteDeviation(bounds) || 1e-3;
  return members.map(
    (m, i) => 1 / (1 + Math.exp((-2 * (bounds[i]! - centre)) / mad)) / Math.sqrt(1 + m.children),
  );
}

/** A brood to choose from: of an island's parents, a few strangers, and samples around what is best. */
export function brood(members: readonly Member[], task: Task, size: number, rng: Rng): Child[] {
  const island = rng.int(ISLANDS);
  const local = members.filter((m) => islandOf(m.spec) === island);
  const weights = weigh(members);
  const parent = (): Member => {
    const everywhere = local.length === 0 || rng.uniform() < MIGRATION;
    return members[
      pickBy(
        everywhere ? weights : weights.map((w, i) => (islandOf(members[i]!.spec) === island ? w : 0)),
        rng.uniform(),
      )
    ]!;
  };
  const best = [...members].sort((a, b) => b.bound - a.bound)[0]!;
  return Array.from({ length: size }, (_, i): Child => {
    switch (i % 6) {
      case 0:
        return {
          spec: randomSpec(searchedFamilies()[rng.int(searchedFamilies().length)]!, task, rng),
          move: 'new',
          parents: [],
        };
      case 1:
        return crossed(parent(), members, task, rng);
      case 2:
        return sampled(rng.uniform() < 0.5 ? best : parent(), members, task, rng);
      default: {
        const one = i % 6 === 3 ? best : parent();
        const width = WIDTHS[rng.int(WIDTHS.length)]!;
        return { spec: mutateSpec(one.spec, width, task, rng), move: 'mutate', parents: [one.digest] };
      }
    }
  });
}

function crossed(one: Member, members: readonly Member[], task: Task, rng: Rng): Child {
  const kin = members.filter((m) => m.spec.family === one.spec.family && m !== one);
  if (kin.length === 0)
    return { spec: mutateSpec(one.spec, WIDTHS[1]!, task, rng), move: 'mutate', parents: [one.digest] };
  const other = kin[pickBy(weigh(kin), rng.uniform())]!;
  return {
    spec: crossSpecs(one.spec, other.spec, task, rng),
    move: 'cross',
    parents: [one.digest, other.digest],
  };
}

/** The knobs of a spec that are numbers. */
function numericKnobs(spec: Spec): string[] {
  const { knobs, nested } = families[spec.family];
  return Object.keys({ ...knobs, ...nested }).filter((path) => typeof at(spec, path) === 'number');
}

/** A spec's continuous knobs drawn by CMA-ES from all of the archive that differs from it in these alone. */
function sampled(one: Member, members: readonly Member[], task: Task, rng: Rng): Child {
  const paths = numericKnobs(one.spec);
  const family = families[one.spec.family];
  const knobs = { ...family.knobs, ...family.nested };
  const same = members.filter(
    (m) => m.spec.family === one.spec.family && String(numericKnobs(m.spec)) === String(paths),
  );
  const size = generationSize(paths.length);
  if (paths.length < 2 || same.length < size)
    return { spec: mutateSpec(one.spec, WIDTHS[0]!, task, rng), move: 'mutate', parents: [one.digest] };
  const points: Told[] = same.map((m) => ({
    x: paths.map((p) => scaled(knobs[p]!, at(m.spec, p) as number)),
    value: m.bound,
  }));
  let cma = openCma(points[same.indexOf(one)]?.x ?? points[0]!.x, 0.2);
  // Oldest first: the archive comes newest first.
  const ordered = points.reverse();
  for (let i = 0; i < ordered.length; i += size) cma = cma.tell(ordered.slice(i, i + size));
  const spec = drawn(
    () => {
      const fields = { ...one.spec } as Record<string, unknown>;
      for (const [k, u] of cma.sample(rng).entries()) put(fields, paths[k]!, unscaled(knobs[paths[k]!]!, u));
      return fields;
    },
    task,
    one.spec,
  );
  return { spec, move: 'cma', parents: [one.digest] };
}
