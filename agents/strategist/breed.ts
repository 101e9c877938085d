// Children for evolution over an archive: islands of families, parents by a sigmoid, and five ways to have a child.
// Promises: pure draws; every child is a valid spec of its task. Leaves to others: which child is worth an experiment.
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import type { Spec } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing } from '../../trust/briefing.js';
import { pickBy } from '../../trust/draw.js';
import { generationSize, openCma, type Told } from './cma.js';
import { carryOver, pooledSpec } from './combine.js';
import { founder } from './founders.js';
import {
  crossSpecs,
  drawn,
  knobsOf,
  mutateSpec,
  put,
  randomSpec,
  scaled,
  searchedFamilies,
  unscaled,
} from './space.js';
import type { Proposal, Task, Tried } from './strategist.js';
import { shiftOf } from './verdicts.js';

export type Child = Omit<Proposal, 'reason'>;

/** Somebody to have children: what it gained, by verdicts where there are any. */
export interface Member {
  readonly spec: Spec;
  readonly digest: string;
  /** Lower bound of its gain. */
  readonly bound: number;
  readonly children: number;
}

const ISLANDS = 3;
/** Share of parents that come from another island. */
const MIGRATION = 0.15;
const WIDTHS = [0.05, 0.15, 0.3];
/** Share of strangers from anywhere: most of the space is worse than where a family says to start. */
const FAR = 0.3;
/** Share of crossings within a family, where there is kin. */
const KIN = 0.5;
/** Weight of a mate of a family that a pool has already. */
const ALIKE = 0.3;
/** What the same windows that chose it say of a spec is too good by about so many deviations between months. */
const OPTIMISM = 1;

/** One of each spec: verdicts go before the word of whoever ran it. */
export function population(briefing: Briefing, archive: readonly Tried[]): Member[] {
  const shift = shiftOf(archive);
  const members = new Map<string, Member>();
  for (const t of archive)
    if (!members.has(t.spec_digest))
      members.set(t.spec_digest, {
        spec: t.spec as Spec,
        digest: t.spec_digest,
        bound:
          t.verdict === undefined
            ? t.gain + shift.mean - OPTIMISM * shift.sd
            : t.verdict.gain - t.verdict.se / 4,
        children: 0,
      });
  for (const s of briefing.specs)
    members.set(s.spec_digest, {
      spec: s.spec as Spec,
      digest: s.spec_digest,
      bound: s.verified_gain - s.verified_se / 4,
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
    switch (i % 8) {
      case 0:
        return {
          spec: stranger(
            members.map((m) => m.spec.family),
            task,
            rng,
          ),
          move: 'new',
          parents: [],
        };
      case 1:
        return crossed(parent(), members, task, rng);
      case 2:
        return sampled(rng.uniform() < 0.5 ? best : parent(), members, task, rng);
      case 3:
      case 4:
      case 5:
        return pooled(i % 8 === 3 ? best : undefined, members, weights, task, rng);
      default: {
        const one = i % 8 === 6 ? best : parent();
        const width = WIDTHS[rng.int(WIDTHS.length)]!;
        return { spec: mutateSpec(one.spec, width, task, rng), move: 'mutate', parents: [one.digest] };
      }
    }
  });
}

/** A spec of nobody's, of a family that few have tried: from the whole space, or near where its family says to start. */
export function stranger(tried: readonly string[], task: Task, rng: Rng): Spec {
  const names = searchedFamilies();
  const few = names.map((name) => (1 + tried.filter((one) => one === name).length) ** -2);
  const name = names[pickBy(few, rng.uniform())]!;
  if (rng.uniform() < FAR) return randomSpec(name, task, rng);
  return mutateSpec(founder(name, task), WIDTHS[2]!, task, rng);
}

/** A pool of two or three, of families that differ where it can be: what one gets wrong another may not. */
function pooled(
  first: Member | undefined,
  members: readonly Member[],
  weights: readonly number[],
  task: Task,
  rng: Rng,
): Child {
  const chosen = [first ?? members[pickBy(weights, rng.uniform())]!];
  for (const more = 2 + rng.int(2); chosen.length < more; ) {
    const left = members.map((m, i) =>
      chosen.includes(m)
        ? 0
        : weights[i]! * (chosen.some((c) => c.spec.family === m.spec.family) ? ALIKE : 1),
    );
    if (!left.some((w) => w > 0)) break;
    chosen.push(members[pickBy(left, rng.uniform())]!);
  }
  const spec = pooledSpec(
    chosen.map((m) => m.spec),
    task,
    rng,
  );
  const parents = chosen.map((m) => m.digest);
  if (spec !== null) return { spec, move: 'pool', parents };
  return {
    spec: mutateSpec(chosen[0]!.spec, WIDTHS[1]!, task, rng),
    move: 'mutate',
    parents: parents.slice(0, 1),
  };
}

function crossed(one: Member, members: readonly Member[], task: Task, rng: Rng): Child {
  const others = members.filter((m) => m !== one);
  const kin = others.filter((m) => m.spec.family === one.spec.family);
  const mates = kin.length > 0 && rng.uniform() < KIN ? kin : others;
  if (mates.length === 0)
    return { spec: mutateSpec(one.spec, WIDTHS[1]!, task, rng), move: 'mutate', parents: [one.digest] };
  const other = mates[pickBy(weigh(mates), rng.uniform())]!;
  const spec =
    other.spec.family === one.spec.family
      ? crossSpecs(one.spec, other.spec, task, rng)
      : carryOver(one.spec, other.spec, task, rng);
  return { spec, move: 'cross', parents: [one.digest, other.digest] };
}

/** Where the knobs of a spec stand that are numbers. */
const numbersOf = (spec: Spec) => knobsOf(spec).filter(({ value }) => value !== 'fit');

/** Which of its knobs are numbers. */
const formOf = (spec: Spec): string =>
  numbersOf(spec)
    .map(({ path }) => path)
    .join();

/** A spec's continuous knobs drawn by CMA-ES from all of the archive that differs from it in these alone. */
function sampled(one: Member, members: readonly Member[], task: Task, rng: Rng): Child {
  const numbers = numbersOf(one.spec);
  const form = formOf(one.spec);
  const same = members.filter((m) => m.spec.family === one.spec.family && formOf(m.spec) === form);
  const size = generationSize(numbers.length);
  if (numbers.length < 2 || same.length < size)
    return { spec: mutateSpec(one.spec, WIDTHS[0]!, task, rng), move: 'mutate', parents: [one.digest] };
  const points: Told[] = same.map((m) => ({
    x: numbersOf(m.spec).map(({ knob, value }) => scaled(knob, value as number)),
    value: m.bound,
  }));
  let cma = openCma(points[same.indexOf(one)]?.x ?? points[0]!.x, 0.2);
  // Oldest first: the archive comes newest first.
  const ordered = points.reverse();
  for (let i = 0; i < ordered.length; i += size) cma = cma.tell(ordered.slice(i, i + size));
  const spec = drawn(
    () => {
      const fields = { ...one.spec } as Record<string, unknown>;
      for (const [k, u] of cma.sample(rng).entries())
        put(fields, numbers[k]!.path, unscaled(numbers[k]!.knob, u));
      return fields;
    },
    task,
    one.spec,
  );
  return { spec, move: 'cma', parents: [one.digest] };
}
