// How long a store is tried: attempts with a time limit of their own, exponential backoff with full jitter between them, and
// one deadline over all of a call. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
// Promises: an attempt that stands still is ended; a caller's abort ends everything at once with the caller's reason; a
// process that is asked to stop waits for nothing more. Leaves to others: which failures may pass.
import { pause } from '../events/doorbell.js';

export interface Patience {
  /** For a whole call, attempts and pauses together. */
  readonly deadline_ms: number;
  /** An attempt in which nothing moves for this long is over. */
  readonly idle_ms: number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Aborted when this process is asked to stop: the attempt in hand gets a moment, and there is no other. */
  readonly stopping?: AbortSignal | undefined;
}

/** Why an attempt failed, and whether the next one may not. */
export interface Failure {
  readonly error: Error;
  readonly passing: boolean;
}

export interface Attempt {
  readonly signal: AbortSignal;
  /** Something moved: the time for standing still begins anew. */
  moved(): void;
}

/** Says what an attempt's error means; `idle` when the attempt was ended because nothing moved. */
export type Judge = (error: unknown, idle: boolean) => Failure;

const FIRST_MS = 100;
const LONGEST_MS = 10_000;
/** What an attempt in hand is given once the process is asked to stop. */
const LAST_MS = 3000;

/** One call of a store: every step of it shares one deadline. */
export class Call {
  readonly #until: number;

  constructor(
    readonly patience: Patience,
    readonly caller?: AbortSignal | undefined,
  ) {
    this.#until = performance.now() + patience.deadline_ms;
  }

  /** Runs one step until it succeeds, fails for good, or time is out; then with the last failure. */
  async step<T>(work: (attempt: Attempt) => Promise<T>, judge: Judge): Promise<T> {
    const { patience, caller } = this;
    for (let failed = 0; ; failed++) {
      caller?.throwIfAborted();
      const outcome = await this.#attempt(work, judge);
      if ('value' in outcome) return outcome.value;
      caller?.throwIfAborted();
      const wait = patience.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** failed);
      const late = performance.now() + wait >= this.#until;
      if (!outcome.passing || late || patience.stopping?.aborted) throw outcome.error;
      await pause(wait, either(caller, patience.stopping));
      if (patience.stopping?.aborted) throw outcome.error;
    }
  }

  async #attempt<T>(
    work: (attempt: Attempt) => Promise<T>,
    judge: Judge,
  ): Promise<{ readonly value: T } | Failure> {
    const over = new AbortController();
    const end = (): void => over.abort(new Error('ended'));
    const idle = setTimeout(end, this.patience.idle_ms);
    const deadline = setTimeout(end, Math.max(0, this.#until - performance.now()));
    const timers = [idle, deadline];
    const hurry = (): void => void timers.push(setTimeout(end, LAST_MS));
    const { stopping } = this.patience;
    if (stopping?.aborted) hurry();
    stopping?.addEventListener('abort', hurry);
    try {
      return { value: await work({ signal: either(over.signal, this.caller), moved: () => idle.refresh() }) };
    } catch (error) {
      return judge(error, over.signal.aborted);
    } finally {
      stopping?.removeEventListener('abort', hurry);
      for (const timer of timers) clearTimeout(timer);
    }
  }
}

function either(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
