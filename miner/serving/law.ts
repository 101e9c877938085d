// Which law answers a prompt: the models of its slot, else the nearest that the asset has.
// Promises: no answer is made up. A prompt that no competition scores is answered by a law of its asset, on that law's own
// bars: its recursion goes on for as many steps as are asked for, and of them each so-many-th is a point.
// Leaves to others: whether there are bars and a fresh price (known.ts, freshness.ts), and who answers for a slot (champions.ts).
import type { MinerContext } from '../context.js';
import { Sn50Error } from '../sn50/errors.js';
import {
  type Competition,
  competitionFor,
  findCompetition,
  OTHER,
  parseSlot,
  profileAssets,
  slotId,
} from '../sn50/profile.js';
import { type Prompt, promptBounds } from '../sn50/prompt.js';

/** What a prompt is answered with, and under which name that is recorded. */
export interface Law {
  /** Of the row: one of the open slots, or `other/ASSET` where nothing is scored. */
  readonly slot: string;
  readonly competition: string;
  /** The slot whose models answer; null: the asset's reference on minutes, since no model fits. */
  readonly of: string | null;
  /** Seconds of a step of these models. */
  readonly step_s: number;
  /** Steps from one point of the answer to the next. */
  readonly every: number;
}

const MINUTE_S = promptBounds.increment_s;

/** Of an open slot's own prompts. */
export function slotLaw({ id, increment_s }: Competition, asset: string): Law {
  const slot = slotId(id, asset);
  return { slot, competition: id, of: slot, step_s: increment_s, every: 1 };
}

/** Throws SWARM_E_PROMPT_REFUSED for an asset that the profile does not know, and for more steps than are simulated. */
export function lawOf({ profile, clock }: Pick<MinerContext, 'profile' | 'clock'>, prompt: Prompt): Law {
  const { asset, time_length, time_increment, num_simulations } = prompt;
  const rules = competitionFor(profile, asset, time_length);
  if (rules?.increment_s === time_increment && clock.slots.includes(slotId(rules.id, asset)))
    return slotLaw(rules, asset);
  if (!profileAssets(profile).includes(asset))
    throw new Sn50Error(
      'SWARM_E_PROMPT_REFUSED',
      `profile ${profile.id} does not know ${asset}`,
      `Ask for one of ${profileAssets(profile).join(', ')}.`,
    );
  const nearest = clock.slots
    .map((slot) => ({ slot, ...parseSlot(slot) }))
    .filter((one) => one.asset === asset)
    .map(({ slot, competition }) => ({ slot, rules: findCompetition(profile, competition) }))
    .filter((one) => time_increment % one.rules.increment_s === 0)
    // The coarsest step first: the fewest steps that nobody asked for. Then the length that is nearest in proportion.
    .sort(
      (a, b) =>
        b.rules.increment_s - a.rules.increment_s ||
        distance(a.rules, time_length) - distance(b.rules, time_length),
    )[0];
  const step_s = nearest?.rules.increment_s ?? MINUTE_S;
  const simulated = (time_length / step_s) * num_simulations;
  if (simulated > promptBounds.prices)
    throw new Sn50Error(
      'SWARM_E_PROMPT_REFUSED',
      `${asset} over ${time_length} s takes ${simulated} simulated steps of ${step_s} s`,
      `At most ${promptBounds.prices} are simulated for one prompt: ask for fewer paths.`,
    );
  const every = time_increment / step_s;
  return { slot: slotId(OTHER, asset), competition: OTHER, of: nearest?.slot ?? null, step_s, every };
}

const distance = ({ length_s }: Competition, asked_s: number): number =>
  Math.abs(Math.log(length_s / asked_s));
