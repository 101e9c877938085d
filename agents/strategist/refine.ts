// Local refinement: small steps around the best verified specs of a slot, narrowing as a spec collects children.
import type { Spec } from '../../forecast/families/index.js';
import { pickBy } from '../../trust/draw.js';
import { mutateSpec, randomSpec, searchedFamilies } from './space.js';
import type { QuickStrategist } from './strategist.js';

const WIDEST = 0.12;
const TOP = 3;

export const refineStrategist: QuickStrategist = {
  name: 'refine',
  propose({ specs }, task, rng) {
    const best = specs.slice(0, TOP);
    if (best.length === 0) {
      const names = searchedFamilies();
      return {
        spec: randomSpec(names[rng.int(names.length)]!, task, rng),
        move: 'new',
        parents: [],
        reason: 'nothing verified yet in this slot',
      };
    }
    const parent =
      best[
        pickBy(
          best.map((_, place) => TOP - place),
          rng.uniform(),
        )
      ]!;
    const width = WIDEST / Math.sqrt(1 + parent.children);
    return {
      spec: mutateSpec(parent.spec as Spec, width, task, rng),
      move: 'refine',
      parents: [parent.spec_digest],
      reason: `step ${width.toFixed(3)} around a verified gain of ${parent.verified_gain}`,
    };
  },
};
