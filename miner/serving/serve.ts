// One prompt from its slot to its answer, recorded: what every face of the miner does once it knows who asks.
// Promises: the row is written before the answer is given, or is on disk by then (unrecorded.ts), or is written within a
// second after; a failure is a row as well.
// Leaves to others: HTTP, signatures, deadlines.
import { debugPoint } from '../../blackboard/debug-point.js';
import { pause } from '../../blackboard/events/doorbell.js';
import type { SharedText } from '../axon/shared-text.js';
import type { MinerContext } from '../context.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import type { Answering } from './answers.js';
import type { Law } from './law.js';
import type { Ledger, PromptFacts, Recording } from './ledger.js';

export interface Served {
  readonly context: MinerContext;
  readonly answering: Answering;
  readonly ledger: Ledger;
}

/** How long an answer waits for its row before it is sent anyway. */
const RECORD_FIRST_MS = 1000;

/** An answer with its row written or being written; throws what the last model failed with. */
export async function serve(
  { answering, ledger }: Served,
  law: Law,
  prompt: Prompt,
  validator: string,
  /** On performance.now()'s scale: nothing is answered later. */
  until_ms: number,
): Promise<{ rest: SharedText; latency_ms: number }> {
  const started = performance.now();
  const { slot, competition } = law;
  const facts: PromptFacts = {
    validator,
    slot,
    competition,
    start_s: parseStart(prompt.start_time),
    prompt,
  };
  try {
    const answer = await answering.answer(prompt, law, until_ms);
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
