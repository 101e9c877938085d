// Whose turn it is: few requests are answered at once, the rest wait in bounded queues, one per validator.
// Promises: a validator that floods waits behind its own requests, never in front of another's; among those that were
// served equally often the larger stake goes first; a full house turns away the caller that asks for most.
// Leaves to others: how long a caller waits (its signal).

export interface TurnLimits {
  /** Answered at once. */
  readonly running: number;
  /** Waiting in all, and from one validator. */
  readonly waiting: number;
  readonly waitingEach: number;
}

/** No turn will come: too many wait already, or the caller's time was over. */
export class NoTurn extends Error {}

interface Waiting {
  readonly start: () => void;
  readonly refuse: (why: string) => void;
}

interface Line {
  readonly waiting: Waiting[];
  running: number;
  stake: number;
  /** Turns taken, counted from the house's own when the line was empty: who was away gains nothing by it. */
  served: number;
}

export class Turns {
  readonly #lines = new Map<string, Line>();
  #running = 0;
  #waiting = 0;
  #served = 0;

  /** One validator's share of what runs at once: bodies that it lets stall leave turns to the others. */
  readonly #runningEach: number;

  constructor(readonly limits: TurnLimits) {
    this.#runningEach = Math.max(1, Math.floor(limits.running / 2));
  }

  /** Waits for a turn; the caller ends it with what it gets. Rejects with NoTurn. */
  take(hotkey: string, stake: number, signal: AbortSignal): Promise<() => void> {
    const line = this.#lineOf(hotkey, stake);
    if (line.waiting.length >= this.limits.waitingEach)
      return Promise.reject(new NoTurn(`${line.waiting.length} requests of this key wait already`));
    if (this.#waiting >= this.limits.waiting && !this.#displace(line))
      return Promise.reject(new NoTurn(`${this.#waiting} requests wait already`));
    return new Promise((resolve, reject) => {
      const leave = (why: string): void => {
        line.waiting.splice(line.waiting.indexOf(one), 1);
        this.#waiting -= 1;
        signal.removeEventListener('abort', expired);
        reject(new NoTurn(why));
      };
      const expired = (): void => leave('its time was over before its turn');
      const one: Waiting = {
        refuse: leave,
        start: () => {
          signal.removeEventListener('abort', expired);
          let ended = false;
          resolve(() => {
            if (ended) return;
            ended = true;
            line.running -= 1;
            this.#running -= 1;
            this.#next();
          });
        },
      };
      line.waiting.push(one);
      this.#waiting += 1;
      signal.addEventListener('abort', expired, { once: true });
      if (signal.aborted) return expired();
      this.#next();
    });
  }

  #lineOf(hotkey: string, stake: number): Line {
    const known = this.#lines.get(hotkey);
    const line = known ?? { waiting: [], running: 0, stake, served: this.#served };
    line.stake = stake;
    if (line.waiting.length === 0) line.served = Math.max(line.served, this.#served);
    if (known === undefined) this.#lines.set(hotkey, line);
    return line;
  }

  /** Sends the newest request of the longest line away, if that is not the newcomer's own. */
  #displace(newcomer: Line): boolean {
    const longest = [...this.#lines.values()].reduce((a, b) => (b.waiting.length > a.waiting.length ? b : a));
    if (longest.waiting.length <= newcomer.waiting.length + 1) return false;
    longest.waiting.at(-1)!.refuse('requests of other keys wait');
    return true;
  }

  #next(): void {
    while (this.#running < this.limits.running) {
      let best: Line | null = null;
      for (const [hotkey, line] of this.#lines) {
        if (line.waiting.length === 0) {
          if (line.running === 0 && line.served <= this.#served) this.#lines.delete(hotkey);
          continue;
        }
        if (line.running >= this.#runningEach) continue;
        if (
          best === null ||
          line.served < best.served ||
          (line.served === best.served && line.stake > best.stake)
        )
          best = line;
      }
      if (best === null) return;
      this.#served = Math.max(this.#served, best.served);
      best.served += 1;
      best.running += 1;
      this.#waiting -= 1;
      this.#running += 1;
      best.waiting.shift()!.start();
    }
  }
}
