// SS58 addresses: a public key as chains of the substrate kind write it, here under prefix 42 alone.
// Promises: an address whose checksum, length or prefix is wrong decodes to null; every key has one address.
import { createHash } from 'node:crypto';
import { base58 } from '@scure/base';

const PREFIX = 42;
const KEY_BYTES = 32;
const CHECK_BYTES = 2;

const checksum = (body: Uint8Array): Uint8Array =>
  createHash('blake2b512').update('SS58PRE').update(body).digest().subarray(0, CHECK_BYTES);

/** @example encodeSs58(alice) === '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY' */
export function encodeSs58(publicKey: Uint8Array): string {
  const body = Uint8Array.of(PREFIX, ...publicKey);
  return base58.encode(Uint8Array.of(...body, ...checksum(body)));
}

/** The 32-byte key, or null for what is no address of this network. */
export function decodeSs58(address: string): Uint8Array | null {
  // Longer than any address: base58 takes quadratic time.
  if (address.length > 64) return null;
  let bytes: Uint8Array;
  try {
    bytes = base58.decode(address);
  } catch {
    return null;
  }
  const body = bytes.subarray(0, 1 + KEY_BYTES);
  if (bytes.length !== 1 + KEY_BYTES + CHECK_BYTES || bytes[0] !== PREFIX) return null;
  return Buffer.compare(checksum(body), bytes.subarray(body.length)) === 0 ? body.slice(1) : null;
}
