// sr25519 as Bittensor uses it: schnorrkel signatures in substrate's signing context, from whatever form a wallet keeps
// a key in. The arithmetic is the audited Rust code, compiled to WebAssembly: constant time, and 0.6 ms to verify where
// a JavaScript one takes 5.5 ms, which is what a flood of forged requests costs.
// Promises: a secret stays inside the signer; a malformed signature is a wrong one, never an exception.
import {
  bip39ToMiniSecret,
  bip39Validate,
  sr25519DeriveKeypairHard,
  sr25519KeypairFromSeed,
  sr25519Sign,
  sr25519Verify,
  waitReady,
} from '@polkadot/wasm-crypto';
import { SwarmError } from '../../blackboard/errors.js';
import { encodeSs58 } from './ss58.js';

/** A key that signs; what it is made of cannot be read from it. */
export interface Signer {
  readonly ss58: string;
  readonly publicKey: Uint8Array;
  /** `0x` and 128 hex digits over the UTF-8 bytes of `message`. */
  sign(message: string): string;
  /** The 64 bytes over these bytes as they are. */
  signBytes(bytes: Uint8Array): Uint8Array;
}

/** Call once before anything else here: loads the WebAssembly. */
export async function cryptoReady(): Promise<void> {
  if (!(await waitReady()))
    throw new SwarmError(
      'SWARM_E_WALLET',
      'WebAssembly could not be started',
      'Use a node of 20.19 or newer.',
    );
}

const SECRET_BYTES = 64;
const SEED_BYTES = 32;

/** From a pair of 64 secret and 32 public bytes. */
function signer(pair: Uint8Array): Signer {
  const secret = pair.slice(0, SECRET_BYTES);
  const publicKey = pair.slice(SECRET_BYTES);
  const signBytes = (bytes: Uint8Array): Uint8Array => sr25519Sign(publicKey, secret, bytes);
  return Object.freeze({
    ss58: encodeSs58(publicKey),
    publicKey,
    sign: (message: string) => `0x${Buffer.from(signBytes(Buffer.from(message, 'utf8'))).toString('hex')}`,
    signBytes,
  });
}

/** From the 32-byte mini secret (`secretSeed`). */
export const signerFromSeed = (seed: Uint8Array): Signer => signer(sr25519KeypairFromSeed(seed));

/** From a mnemonic without derivation path; null when its words or its checksum are wrong. */
export function signerFromMnemonic(phrase: string): Signer | null {
  const words = phrase.trim().split(/\s+/).join(' ');
  return bip39Validate(words) ? signerFromSeed(bip39ToMiniSecret(words, '')) : null;
}

/**
 * From schnorrkel's canonical 64 bytes (`privateKey`), scalar and nonce: the library wants the scalar as ed25519 writes
 * it, times the cofactor 8. `publicKey` comes with it, since 64 bytes do not tell whether they belong together: a pair
 * that does not verify its own signature is refused with null.
 */
export function signerFromPrivateKey(canonical: Uint8Array, publicKey: Uint8Array): Signer | null {
  let scalar = 0n;
  for (let i = SEED_BYTES - 1; i >= 0; i -= 1) scalar = (scalar << 8n) | BigInt(canonical[i]!);
  scalar *= 8n;
  const secret = Uint8Array.from(canonical);
  for (let i = 0; i < SEED_BYTES; i += 1, scalar >>= 8n) secret[i] = Number(scalar & 0xffn);
  if (scalar !== 0n) return null;
  try {
    const made = signer(Uint8Array.of(...secret, ...publicKey));
    return verify('self-test', made.sign('self-test'), publicKey) ? made : null;
  } catch {
    return null;
  }
}

/** The chain's public development phrase: its keys are known to everybody and guard nothing. */
const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const DEV_PATH = /^\/\/([A-Za-z0-9]{1,30})$/;

/** A development key by its hard path, such as `//Alice`; null for another text. */
export function devSigner(path: string): Signer | null {
  const name = DEV_PATH.exec(path)?.[1];
  if (name === undefined) return null;
  const chainCode = Buffer.alloc(SEED_BYTES);
  // SCALE: the length as a compact integer, then the text.
  chainCode[0] = name.length << 2;
  chainCode.write(name, 1, 'latin1');
  const root = sr25519KeypairFromSeed(bip39ToMiniSecret(DEV_PHRASE, ''));
  return signer(sr25519DeriveKeypairHard(root, chainCode));
}

const SIGNATURE = /^0x[0-9a-fA-F]{128}$/;

/** Whether `signature` (`0x` + hex) is the key's over the text, as it is or wrapped in `<Bytes>`. */
export function verify(message: string, signature: string, publicKey: Uint8Array): boolean {
  if (!SIGNATURE.test(signature)) return false;
  const bytes = Buffer.from(signature.slice(2), 'hex');
  return [message, `<Bytes>${message}</Bytes>`].some((text) => {
    try {
      return sr25519Verify(bytes, Buffer.from(text, 'utf8'), publicKey);
    } catch {
      // "Schnorrkel marker missing", or bytes that are no point: no signature of anybody.
      return false;
    }
  });
}
