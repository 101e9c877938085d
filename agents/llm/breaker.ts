// A circuit breaker: after a run of failures an endpoint is left alone for a while, then tried by one call.
// Time is the caller's, in ms. Promises: while open it answers at once, so that a dead endpoint costs a decision nothing.

export class Breaker {
  #failures = 0;
  #openUntil = 0;
  #pause: number;
  #probing = false;

  constructor(
    readonly limit = 5,
    readonly firstPauseMs = 30_000,
    readonly longestPauseMs = 900_000,
  ) {
    this.#pause = firstPauseMs;
  }

  /** Ms until a call makes sense; 0 now. Whoever gets 0 after a pause is the one that tries. */
  wait(now_ms: number): number {
    if (now_ms < this.#openUntil) return this.#openUntil - now_ms;
    if (this.#failures < this.limit) return 0;
    if (this.#probing) return this.#pause;
    this.#probing = true;
    return 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = 0;
    this.#probing = false;
    this.#pause = this.firstPauseMs;
  }

  /** A call that ended with no word about the endpoint, such as a cancelled one: whoever comes next may try. */
  undecided(): void {
    this.#probing = false;
  }

  failed(now_ms: number): void {
    this.#failures += 1;
    this.#probing = false;
    if (this.#failures < this.limit) return;
    this.#openUntil = now_ms + this.#pause;
    this.#pause = Math.min(this.#pause * 2, this.longestPauseMs);
  }
}
