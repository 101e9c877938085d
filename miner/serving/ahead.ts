// Forecasts ahead of their prompts: for every slot the one that a validator would ask for now, made again when a bar
// closes or a minute passes, so that an answer is anchoring and writing.
// Promises: a slot that fails keeps no other waiting, and nothing here delays a prompt: what somebody waits for goes first.
// Leaves to others: what is kept, and for how long it fits (forecasts.ts).
import { pause } from '../../blackboard/events/doorbell.js';
import { marketNow } from '../../blackboard/market.js';
import type { MinerContext } from '../context.js';
import { type Competition, findCompetition, parseSlot } from '../sn50/profile.js';
import { formatStart, type Prompt, promptStart } from '../sn50/prompt.js';
import type { Answering } from './answers.js';
import { slotLaw } from './law.js';

const LOOK_MS = 1000;

/** Runs until `stopping`; never throws. */
export async function keepAhead(
  context: MinerContext,
  answering: Answering,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const made = await aheadOnce(context, answering, stopping).catch((error) => {
      context.log.warn({ err: error }, 'no forecast is made ahead');
      return false;
    });
    if (!made) await pause(LOOK_MS, stopping);
  }
}

/** One round over the slots; true when any forecast was made. */
export async function aheadOnce(
  context: MinerContext,
  answering: Answering,
  stopping: AbortSignal,
): Promise<boolean> {
  let made = false;
  for (const slot of context.clock.slots) {
    if (stopping.aborted) break;
    // Read for each: a round over many slots takes longer than a minute of a fast market.
    const now_s = (await marketNow(context.db)).getTime() / 1000;
    try {
      const { competition, asset } = parseSlot(slot);
      const rules = findCompetition(context.profile, competition);
      made = (await answering.ahead(expected(rules, asset, now_s), slotLaw(rules, asset))) || made;
    } catch (error) {
      context.log.debug({ slot, err: error }, 'not forecast ahead');
    }
  }
  return made;
}

/** The prompt of a slot that a validator would send now. */
function expected(rules: Competition, asset: string, now_s: number): Prompt {
  return {
    asset,
    start_time: formatStart(promptStart(now_s, rules.timeout_extra_s)),
    time_increment: rules.increment_s,
    time_length: rules.length_s,
    num_simulations: rules.num_simulations,
  };
}
