// Where the fleets search: the lab, with trials that are made once however many ask.
// Promises: whoever asks for the same spec on the same day gets the same numbers, and pays for an experiment all the same.
import type { Task } from '../../../agents/strategist/strategist.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { type LabOptions, openLab } from '../strategist/lab.js';
import type { Scored, TrialGain } from '../strategist/worker.js';

export interface Trial {
  readonly public: TrialGain;
  readonly hidden: Scored;
}

export interface Arena {
  readonly task: Task;
  readonly slot: string;
  /** Public and hidden gains of a spec on a seed's day; null where it cannot be fitted. */
  trial(seed: number, spec: Spec): Promise<Trial | null>;
  /** Its gain on the thirty days after, which no fleet sees. */
  later(seed: number, spec: Spec): Promise<number>;
  starts(seed: number): readonly number[];
  readonly made: number;
  close(): Promise<void>;
}

export function openArena(o: LabOptions): Arena {
  const lab = openLab(o);
  const known = new Map<string, Promise<readonly Scored[] | null>>();
  let made = 0;
  const once = (seed: number, spec: Spec, later: boolean): Promise<readonly Scored[] | null> => {
    const key = `${later ? 'later' : ''} ${seed} ${specDigest(spec)}`;
    const day = lab.day(seed);
    const sets = later ? [day.later_starts] : [day.public_starts, day.hidden_starts];
    const result = known.get(key) ?? lab.trial(made++, day, spec, sets);
    known.set(key, result);
    return result;
  };
  return {
    slot: lab.slot,
    task: lab.task,
    async trial(seed, spec) {
      const found = await once(seed, spec, false);
      return found === null ? null : { public: found[0]!, hidden: found[1]! };
    },
    later: async (seed, spec) => (await once(seed, spec, true))?.[0]?.gain ?? 0,
    starts: (seed) => lab.day(seed).hidden_starts,
    get made() {
      return made;
    },
    close: () => lab.close(),
  };
}
