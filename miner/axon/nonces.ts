// The nonces that were used, so that a request counts once. Only a verified request is remembered: nobody but the key's
// holder can fill or spoil a validator's memory.
// Promises: bounded memory, per validator and in all; what was forgotten for want of room is refused, not let through.
// Leaves to others: signatures, and that a nonce older than KEPT_NS is refused as stale, which is why it may go.

/** Processes of one validator that are told apart; a real one runs two, each with a uuid of its own. */
const UUIDS_PER_KEY = 16;
const KEYS = 8192;

interface Memory {
  readonly used: Map<string, bigint>;
  /** The largest nonce that made room: a uuid that is not known has to come with a larger one. */
  floor: bigint;
}

export class Nonces {
  readonly #keys = new Map<string, Memory>();

  /** `kept_ns`: how long after its own time a nonce can still be fresh. */
  constructor(
    readonly kept_ns: bigint,
    readonly keys = KEYS,
  ) {}

  /** The last nonce of this dendrite, or null when none was seen. */
  last(hotkey: string, uuid: string): bigint | null {
    const memory = this.#keys.get(hotkey);
    if (memory === undefined) return null;
    return memory.used.get(uuid) ?? (memory.floor > 0n ? memory.floor : null);
  }

  /** Remembers a verified nonce; false when there is room for no further key. */
  use(hotkey: string, uuid: string, nonce: bigint, now_ns: bigint): boolean {
    let memory = this.#keys.get(hotkey);
    if (memory === undefined) {
      if (this.#keys.size >= this.keys) this.#forgetStale(now_ns);
      if (this.#keys.size >= this.keys) return false;
      memory = { used: new Map(), floor: 0n };
      this.#keys.set(hotkey, memory);
    }
    memory.used.set(uuid, nonce);
    if (memory.used.size > UUIDS_PER_KEY) makeRoom(memory);
    return true;
  }

  #forgetStale(now_ns: bigint): void {
    for (const [hotkey, { used, floor }] of this.#keys) {
      const newest = [...used.values()].reduce((a, b) => (a > b ? a : b), floor);
      if (newest + this.kept_ns < now_ns) this.#keys.delete(hotkey);
    }
  }
}

function makeRoom(memory: Memory): void {
  const [uuid, nonce] = [...memory.used].reduce((a, b) => (b[1] < a[1] ? b : a));
  memory.used.delete(uuid);
  if (nonce > memory.floor) memory.floor = nonce;
}
