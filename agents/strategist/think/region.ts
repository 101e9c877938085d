// A region of a family as a model states it: a knob with its range, or all of it.
// Promises: what passes names a family and a knob that there are. Leaves to others: whether anything shows it.
import { z } from 'zod';
import { SwarmError } from '../../../blackboard/errors.js';
import { families, type Spec } from '../../../forecast/families/index.js';
import { searchedFamilies } from '../space.js';

export const regionFields = {
  knob: z.string().nullable().default(null),
  low: z.number().nullable().default(null),
  high: z.number().nullable().default(null),
};

export interface Region {
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** What the model should read of a refusal. */
export const refused = (message: string, hint: string): SwarmError =>
  new SwarmError('SWARM_E_TOOL_REFUSED', message, hint);

/** The family by its name. Throws SWARM_E_TOOL_REFUSED for none, or a region that is none. */
export function assertRegion(named: string, { knob, low, high }: Region): Spec['family'] {
  const family = searchedFamilies().find((one) => one === named);
  if (family === undefined)
    throw refused(`no family ${named.slice(0, 60)}`, `There are: ${searchedFamilies().join(', ')}.`);
  const knobs = families[family].knobs;
  if (knob !== null && !Object.hasOwn(knobs, knob))
    throw refused(
      `${family} has no knob ${knob.slice(0, 60)}`,
      `There are: ${Object.keys(knobs).join(', ')}.`,
    );
  if (
    (knob === null) !== (low === null) ||
    (knob === null) !== (high === null) ||
    (low !== null && low > high!)
  )
    throw refused('a knob goes with low and high, low first', 'Give all three or none.');
  return family;
}
