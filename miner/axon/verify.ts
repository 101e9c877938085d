// Whether a request comes from the key that it names, now and for the first time: the stock axon's checks, in its order
// and with its texts, and without its holes. A signature is required; the nonce is remembered only once the signature
// verifies, so that nobody can lock a validator out with a huge nonce in its name; every version must be fresh; and the
// timeout, which no signature covers, widens the window only so far. A restart forgets no nonce: what is older than the start
// is refused while it could still be fresh, and what was ahead of the clock is in a journal.
import { decodeSs58 } from '../wallet/ss58.js';
import type { RequestFacts } from './facts.js';
import type { NonceJournal } from './journal.js';
import { requestMessage } from './message.js';
import { Nonces } from './nonces.js';
import type { Signatures } from './signatures.js';

const S = 1_000_000_000n;
/** ALLOWED_DELTA of the SDK. */
const ALLOWED_S = 4;
/** A validator waits 120 s at most; what asks for more is not believed. */
export const LONGEST_TIMEOUT_S = 600;
/** How far a validator's clock may run ahead of ours. */
const AHEAD_S = 120;

/** How long a nonce can be fresh after its own time, or was ahead of it. */
const WINDOW_S = ALLOWED_S + LONGEST_TIMEOUT_S + AHEAD_S;

export interface VerifierOptions {
  /** Our own address, which the signature must be meant for. */
  readonly hotkey: string;
  readonly now_ns: () => bigint;
  readonly signatures: Pick<Signatures, 'verify'>;
  readonly journal?: NonceJournal | undefined;
  /** When this axon started, by the wall clock. */
  readonly since_ns: bigint;
}

export class Verifier {
  readonly #nonces = new Nonces(BigInt(ALLOWED_S + LONGEST_TIMEOUT_S) * S);
  readonly #started = performance.now();

  constructor(readonly options: VerifierOptions) {
    const { journal, since_ns } = options;
    for (const { hotkey, uuid, nonce } of journal?.read(since_ns) ?? [])
      this.#nonces.use(hotkey, uuid, nonce, since_ns);
  }

  /**
   * Null when the request is verified, and then it never is again; else what the stock axon says is wrong.
   * `from`: the address of its socket. Rejects with NoTurn when too many signatures wait.
   */
  async check({ dendrite, timeout_s, bodyHash }: RequestFacts, from: string): Promise<string | null> {
    const { hotkey, nonce, signature } = dendrite;
    if (hotkey === null || hotkey === '') return 'No SS58 formatted address or public key provided.';
    const key = decodeSs58(hotkey);
    if (key === null) return 'Invalid SS58 address';
    if (nonce === null || nonce === 0n) return 'Missing Nonce';
    const uuid = dendrite.uuid ?? 'None';
    const wait_s = Math.min(timeout_s ?? 0, LONGEST_TIMEOUT_S);
    const { now_ns, signatures, journal } = this.options;
    const stale = this.#staleness(hotkey, uuid, nonce, wait_s, now_ns());
    if (stale !== null) return stale;
    if (signature === null || signature === '') return 'Missing Signature';
    const message = requestMessage({
      nonce: String(nonce),
      dendrite: hotkey,
      axon: this.options.hotkey,
      uuid,
      bodyHash,
    });
    if (!(await signatures.verify(from, message, signature, key)))
      return `Signature mismatch with ${message} and ${signature}`;
    // Once more, now that nothing comes in between: the same request may have been verified twice at a time.
    const now = now_ns();
    const overtaken = this.#staleness(hotkey, uuid, nonce, wait_s, now);
    if (overtaken !== null) return overtaken;
    if (!this.#nonces.use(hotkey, uuid, nonce, now)) return 'No room for another key';
    if (nonce > now) journal?.add({ hotkey, uuid, nonce }, now);
    return null;
  }

  #staleness(hotkey: string, uuid: string, nonce: bigint, timeout_s: number, now: bigint): string | null {
    const last = this.#nonces.last(hotkey, uuid);
    if (last !== null && nonce <= last) return 'Nonce is too old, a newer one was last processed';
    // Of the time before the start nothing is remembered; it can be fresh for a while.
    if (nonce <= this.options.since_ns && performance.now() - this.#started < WINDOW_S * 1000)
      return 'Nonce is too old, it is from before this axon started';
    const window = ALLOWED_S + timeout_s;
    // Also for a dendrite that was seen before: its memory may be older than the process that asks.
    if (nonce <= now - BigInt(Math.round(window * 1e9)))
      return `Nonce is too old: acceptable delta is ${window.toFixed(2)} seconds but request was ${seconds(now - nonce)} seconds old`;
    if (nonce > now + BigInt(AHEAD_S) * S)
      return `Nonce is ahead of time: acceptable delta is ${AHEAD_S.toFixed(2)} seconds but request is ${seconds(nonce - now)} seconds early`;
    return null;
  }
}

const seconds = (ns: bigint): string => (Number(ns / 1000n) / 1e6).toFixed(2);
