// A signed extrinsic of version 4, put together from what the live metadata says has to be signed.
// Promises: nothing is signed that is not understood: an extension that this file does not know and that is not empty is
// a refusal. It is valid for MORTAL_BLOCKS blocks and for one runtime of one chain. Leaves to others: sending (submit.ts).
import { z } from 'zod';
import type { Signer } from '../wallet/sr25519.js';
import { asked, type Chain, type Look } from './client.js';
import { refused } from './failure.js';
import type { Extension, Runtime } from './runtime.js';

/** A quarter of an hour at 12 s; a power of two. */
const MORTAL_BLOCKS = 64;
/** What is longer is signed as its hash. */
const SIGNED_BYTES = 256;
const SIGNED_VERSION_4 = 0x84;
const SR25519 = 1;
const MULTI_ADDRESS_ID = 0;

export interface SigningFacts {
  readonly runtime: Runtime;
  readonly genesis: string;
  /** Block from which it is valid. */
  readonly hash: string;
  readonly block: number;
  readonly nonce: number;
}

/** What is there to sign with, at this look. */
export async function signingFacts(chain: Chain, look: Look, ss58: string): Promise<SigningFacts> {
  const { runtime, hash, block } = look;
  const nonce = await asked(chain.socket, z.number().int().min(0), 'system_accountNextIndex', [ss58]);
  return { runtime, genesis: chain.genesis, hash, block, nonce };
}

/** The extrinsic as a node takes it. SWARM_E_CHAIN_REFUSED for a runtime that wants more than is known. */
export function signExtrinsic(call: Uint8Array, signer: Signer, facts: SigningFacts): Uint8Array {
  const { runtime } = facts;
  const extra = concat(runtime.extensions.map((one) => encoded(one, facts).extra));
  const signed = concat(runtime.extensions.map((one) => encoded(one, facts).signed));
  const payload = concat([call, extra, signed]);
  const signature = signer.signBytes(payload.length > SIGNED_BYTES ? runtime.hash(payload) : payload);
  const body = concat([
    Uint8Array.of(SIGNED_VERSION_4, MULTI_ADDRESS_ID),
    signer.publicKey,
    Uint8Array.of(SR25519),
    signature,
    extra,
    call,
  ]);
  return concat([compact(body.length), body]);
}

function encoded(one: Extension, facts: SigningFacts): { extra: Uint8Array; signed: Uint8Array } {
  const nothing = { extra: new Uint8Array(), signed: new Uint8Array() };
  if (one.empty) return nothing;
  const { version } = facts.runtime;
  switch (one.identifier) {
    case 'CheckSpecVersion':
      return { ...nothing, signed: one.encodeSigned(version.spec) };
    case 'CheckTxVersion':
      return { ...nothing, signed: one.encodeSigned(version.transaction) };
    case 'CheckGenesis':
      return { ...nothing, signed: one.encodeSigned(facts.genesis) };
    case 'CheckMortality':
    case 'CheckEra':
      return { extra: mortalEra(facts.block), signed: one.encodeSigned(facts.hash) };
    case 'CheckNonce':
      return { ...nothing, extra: one.encode(facts.nonce) };
    case 'ChargeTransactionPayment':
    case 'ChargeTransactionPaymentWrapper':
      return { ...nothing, extra: one.encode(0n) };
    case 'CheckMetadataHash':
      return {
        extra: one.encode({ type: 'Disabled', value: undefined }),
        signed: one.encodeSigned(undefined),
      };
    default:
      throw refused(
        `its runtime wants "${one.identifier}" signed, which this version does not know`,
        'Sign with btcli, or use a newer version of this program.',
      );
  }
}

/** Two bytes: the period as a power of two, and the phase of the block in it. */
function mortalEra(block: number): Uint8Array {
  const phase = block % MORTAL_BLOCKS;
  const bits = (Math.log2(MORTAL_BLOCKS) - 1) | (phase << 4);
  return Uint8Array.of(bits & 0xff, bits >> 8);
}

/** SCALE's compact form of a length below 2^30. */
function compact(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  if (length < 64) return Uint8Array.of(length << 2);
  if (length < 16_384) {
    bytes.writeUInt16LE((length << 2) | 1);
    return bytes.subarray(0, 2);
  }
  bytes.writeUInt32LE(length * 4 + 2);
  return bytes;
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
