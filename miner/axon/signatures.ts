// Verifying signatures beside the serving thread, in turns of the addresses that they come from.
// Promises: a flood of forged requests waits behind itself: whoever asks from another address is next all the same; what
// does not get its turn in time is turned away (NoTurn), never let through. Leaves to others: what was signed (verify.ts).
import { offload } from '../../forecast/offload.js';
import { Turns } from './turns.js';
import type { VerifyJobs } from './verify-worker.js';

/** Two on their way, so that the thread never waits for the next; each address has one of them at most. */
const LIMITS = { running: 2, waiting: 2048, waitingEach: 64 };
/** Longer than a queue of one address takes. */
const PATIENCE_MS = 5000;

export class Signatures {
  readonly #thread = offload<VerifyJobs>(new URL('./verify-worker.js', import.meta.url));
  readonly #turns = new Turns(LIMITS);

  /** `from`: the address of the socket. Rejects with NoTurn. */
  async verify(from: string, message: string, signature: string, key: Uint8Array): Promise<boolean> {
    const done = await this.#turns.take(from, 0, AbortSignal.timeout(PATIENCE_MS));
    try {
      return await this.#thread.call('verify', { message, signature, key });
    } finally {
      done();
    }
  }

  /** Resolves once the thread has loaded what it needs: the first caller does not wait for that. */
  async ready(): Promise<void> {
    await this.#thread.call('verify', { message: '', signature: '', key: new Uint8Array(32) });
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
