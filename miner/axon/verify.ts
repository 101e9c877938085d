// Whether a request comes from the key that it names, now and for the first time: the stock axon's checks, in its order
// and with its texts, and without its holes. A signature is required; the nonce is remembered only once the signature
// verifies, so that nobody can lock a validator out with a huge nonce in its name; every version must be fresh; and the
// timeout, which no signature covers, widens the window only so far.

import { verify } from '../wallet/sr25519.js';
import { decodeSs58 } from '../wallet/ss58.js';
import type { RequestFacts } from './facts.js';
import { requestMessage } from './message.js';
import { Nonces } from './nonces.js';

const S = 1_000_000_000n;
/** ALLOWED_DELTA of the SDK. */
const ALLOWED_S = 4;
/** A validator waits 120 s at most; what asks for more is not believed. */
export const LONGEST_TIMEOUT_S = 600;
/** How far a validator's clock may run ahead of ours. */
const AHEAD_S = 120;

export class Verifier {
  readonly #nonces = new Nonces(BigInt(ALLOWED_S + LONGEST_TIMEOUT_S) * S);

  /** `hotkey`: our own address, which the signature must be meant for. */
  constructor(
    readonly hotkey: string,
    readonly now_ns: () => bigint,
  ) {}

  /** Null when the request is verified, and then it never is again; else what the stock axon says is wrong. */
  check({ dendrite, timeout_s, bodyHash }: RequestFacts): string | null {
    const { hotkey, nonce, signature } = dendrite;
    if (hotkey === null || hotkey === '') return 'No SS58 formatted address or public key provided.';
    const key = decodeSs58(hotkey);
    if (key === null) return 'Invalid SS58 address';
    if (nonce === null || nonce === 0n) return 'Missing Nonce';
    const uuid = dendrite.uuid ?? 'None';
    const now = this.now_ns();
    const stale = this.#staleness(hotkey, uuid, nonce, Math.min(timeout_s ?? 0, LONGEST_TIMEOUT_S), now);
    if (stale !== null) return stale;
    if (signature === null || signature === '') return 'Missing Signature';
    const message = requestMessage({
      nonce: String(nonce),
      dendrite: hotkey,
      axon: this.hotkey,
      uuid,
      bodyHash,
    });
    if (!verify(message, signature, key)) return `Signature mismatch with ${message} and ${signature}`;
    return this.#nonces.use(hotkey, uuid, nonce, now) ? null : 'No room for another key';
  }

  #staleness(hotkey: string, uuid: string, nonce: bigint, timeout_s: number, now: bigint): string | null {
    const last = this.#nonces.last(hotkey, uuid);
    if (last !== null && nonce <= last) return 'Nonce is too old, a newer one was last processed';
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
