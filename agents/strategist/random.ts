// Uniform search over families and knobs, blind to the briefing: the control that memory is measured against.
import { randomSpec, searchedFamilies } from './space.js';
import type { QuickStrategist } from './strategist.js';

export const randomStrategist: QuickStrategist = {
  name: 'random',
  propose(_briefing, task, rng) {
    const names = searchedFamilies();
    const family = names[rng.int(names.length)]!;
    return {
      spec: randomSpec(family, task, rng),
      move: 'new',
      parents: [],
      reason: 'uniform draw: the control',
    };
  },
};
