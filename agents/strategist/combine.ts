// Children of parents of different families: components carried over, and pools of what the parents are.
// Promises: pure draws; every child is a valid spec of its task. Leaves to others: who the parents are, which child is tried.
import { families, type Spec, specDigest } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import { drawn, type Fields, settle } from './space.js';
import type { Task } from './strategist.js';

/** What families share: each may be carried from one to another. */
const SHARED = ['innovation', 'profile', 'dynamics', 'recalibration', 'scale'];
/** Chance that one of them is carried over. */
const CARRY = 0.6;
const MOST_MEMBERS = 6;
/** Of pools, those whose weights are fitted: equal ones lose less to the noise of estimating them (Stock & Watson 2004). */
const FITTED_WEIGHTS = 0.05;

/** One spec with components of another, whatever its family. */
export function carryOver(host: Spec, donor: Spec, task: Task, rng: Rng): Spec {
  const { choices = {}, knobs, start } = families[host.family];
  const first = start(task.asset, task.horizon_s);
  const draft = (): Fields => {
    const child: Fields = { ...host };
    for (const field of SHARED) {
      if (!(field in choices || field in knobs) || rng.uniform() >= CARRY) continue;
      const value = (donor as Fields)[field];
      if (value === undefined) delete child[field];
      else child[field] = value;
    }
    settle(child, first);
    return child;
  };
  return drawn(draft, task, host);
}

/** The single models that a spec is of. */
export const partsOf = (spec: Spec): Spec[] =>
  spec.family === 'pool' ? spec.members.map((m) => m as Spec) : [spec];

/** A pool of all that the parents are of, now and then without one of them; recalibrated as a whole or not at all. */
export function pooledSpec(parents: readonly Spec[], task: Task, rng: Rng): Spec | null {
  const parts = new Map<string, Fields>();
  for (const part of parents.flatMap(partsOf)) {
    const { recalibration: _, ...member } = part as Fields;
    parts.set(specDigest(member as unknown as Spec), member);
  }
  if (parts.size < 2) return null;
  const recalibration = parents.map((p) => (p as Fields)['recalibration']).find((r) => r !== undefined);
  const draft = (): Fields => {
    const members = [...parts.values()];
    const most = members.length > 2 && rng.uniform() < 0.3 ? members.length - 1 : members.length;
    while (members.length > Math.min(most, MOST_MEMBERS)) members.splice(rng.int(members.length), 1);
    return {
      family: 'pool',
      horizon_s: task.horizon_s,
      members,
      weights:
        rng.uniform() < FITTED_WEIGHTS ? 'fit' : members.map(() => Number((1 / members.length).toFixed(9))),
      ...(recalibration !== undefined && rng.uniform() < 0.5 && { recalibration }),
    };
  };
  const none = parents[0]!;
  const spec = drawn(draft, task, none);
  return spec === none ? null : spec;
}
