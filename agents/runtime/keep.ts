// What is fitted is kept until the store has it: a claim may name an artifact only then, and an outage must not cost the fit.
// Promises: the bytes stay in hand, under their lease, through any trouble of the store; every failed try is a row and an
// alert. Ends without an artifact only with the lease, or when the agent is asked to stop.
// Leaves to others: a process that dies meanwhile. Like any other crash, that costs the experiment in hand.
import { explain, isTransient } from '../../blackboard/db.js';
import { isStoreTrouble } from '../../blackboard/errors.js';
import { pause } from '../../blackboard/events/doorbell.js';
import type { Lease } from '../../blackboard/lease.js';
import type { AgentContext } from './context.js';

/** Between tries, ms: a store that is away was waited for already, one that refuses answers at once. */
const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

type Keeper = Pick<AgentContext, 'store' | 'stopping' | 'alert'>;

export async function keepArtifact(
  context: Keeper,
  lease: Pick<Lease, 'signal'>,
  bytes: Uint8Array,
  failed: (error: unknown) => Promise<unknown>,
): Promise<string> {
  for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LONGEST_MS)) {
    lease.signal.throwIfAborted();
    try {
      return await context.store.put(bytes, lease.signal);
    } catch (error) {
      if (!isStoreTrouble(error) || context.stopping.aborted) throw error;
      await tell(context, error, failed);
      await pause(wait, AbortSignal.any([lease.signal, context.stopping]));
      if (context.stopping.aborted) throw error;
    }
  }
}

async function tell(
  context: Keeper,
  error: unknown,
  failed: (error: unknown) => Promise<unknown>,
): Promise<void> {
  const { code, message } = error as { code: string; message: string };
  try {
    await failed(error);
    await context.alert('error', code, `a fitted artifact waits for the store: ${message}`);
  } catch (second) {
    // A line that is down often takes the database along; the lease says how long that may last.
    if (!isTransient(explain(second))) throw second;
  }
}
