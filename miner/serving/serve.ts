// One prompt from its slot to its answer, recorded: what every face of the miner does once it knows who asks.
// Promises: the row is written before the answer is given, or is on disk by then (unrecorded.ts), or is written within a
// second after; a failure is a row as well.
// Leaves to others: HTTP, signatures, deadlines.
import { debugPoint } from '../../blackboard/debug-point.js';
import { pause } from '../../blackboard/events/doorbell.js';
import type { SharedText } from '../axon/shared-text.js';
import type { MinerContext } from '../context.js';
import { Sn50Error } from '../sn50/errors.js';
import { competitionFor, slotId } from '../sn50/profile.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import type { Answering } from './answers.js';
import type { Ledger, PromptFacts, Recording } from './ledger.js';

export interface Served {
  readonly context: MinerContext;
  readonly answering: Answering;
  readonly ledger: Ledger;
}

export type ServedSlot = Pick<PromptFacts, 'slot' | 'competition'>;

/** How long an answer waits for its row before it is sent anyway. */
const RECORD_FIRST_MS = 1000;

/** The open slot that a prompt asks of, on that slot's own grid. Throws SWARM_E_PROMPT_REFUSED. */
export function servedSlot(
  { profile, clock }: MinerContext,
  { asset, time_length, time_increment }: Prompt,
): ServedSlot {
  const rules = competitionFor(profile, asset, time_length);
  const slot = rules && slotId(rules.id, asset);
  if (
    rules === undefined ||
    slot === undefined ||
    rules.increment_s !== time_increment ||
    !clock.slots.includes(slot)
  )
    throw new Sn50Error(
      'SWARM_E_PROMPT_REFUSED',
      `no model serves ${asset} over ${time_length} s in steps of ${time_increment} s: this miner serves ${clock.slots.join(', ')}`,
      'Ask for one of these.',
    );
  return { slot, competition: rules.id };
}

/** An answer with its row written or being written; throws what the last model failed with. */
export async function serve(
  { answering, ledger }: Served,
  slot: ServedSlot,
  prompt: Prompt,
  validator: string,
  /** On performance.now()'s scale: nothing is answered later. */
  until_ms: number,
): Promise<{ rest: SharedText; latency_ms: number }> {
  const started = performance.now();
  const facts: PromptFacts = { validator, ...slot, start_s: parseStart(prompt.start_time), prompt };
  try {
    const answer = await answering.answer(prompt, facts.slot, until_ms);
    const latency_ms = performance.now() - started;
    await debugPoint('answer.made');
    await safe(ledger.record(facts, answer, latency_ms));
    return { rest: answer.rest, latency_ms };
  } catch (failure) {
    const failed = { failure, data_until_s: facts.start_s };
    await safe(ledger.record(facts, failed, performance.now() - started));
    throw failure;
  }
}

/** Waits for a row that only memory knows of, but not for a database that is away: the ledger goes on by itself. */
async function safe({ kept, stored }: Recording): Promise<void> {
  if (kept) return;
  const late = new AbortController();
  await Promise.race([stored.catch(() => undefined), pause(RECORD_FIRST_MS, late.signal)]);
  late.abort();
}
