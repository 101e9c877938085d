// Opening an encrypted key file of btwallet: `$NACL`, a secretbox whose key is stretched from a password.
// Promises: the password comes from the one environment variable that btwallet names after the file, or from nowhere;
// a wrong one is told apart from a broken file only as far as the cipher can. Leaves to others: what is inside.
import { resolve } from 'node:path';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { argon2i } from 'hash-wasm';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import { SwarmError } from '../../blackboard/errors.js';

const MARK = Buffer.from('$NACL');
const NONCE_BYTES = 24;
/** libsodium's "sensitive" argon2i with btwallet's fixed salt: half a GiB and some five seconds. */
const STRETCH = {
  salt: Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex'),
  iterations: 8,
  memorySize: 524_288,
  parallelism: 1,
  hashLength: 32,
  outputType: 'binary',
} as const;

/** From a password to the key of the box. */
export type Stretch = (password: string) => Promise<Uint8Array>;

const sensitive: Stretch = (password) => argon2i({ ...STRETCH, password });

export type Sealing = 'none' | 'nacl' | 'legacy';

/** How the bytes of a key file are sealed. */
export function sealingOf(bytes: Uint8Array): Sealing {
  if (Buffer.compare(bytes.subarray(0, MARK.length), MARK) === 0) return 'nacl';
  const text = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  return text.startsWith('$ANSIBLE_VAULT') || text.startsWith('gAAAAA') ? 'legacy' : 'none';
}

/** BT_PW_ and the absolute path, in upper case with `/` and `.` as `_`. */
export const passwordVariable = (path: string): string =>
  `BT_PW_${resolve(path).replace(/[/.]/g, '_')}`.toUpperCase();

/** The password for this file: base64 of its bytes, each XORed with the variable's name in turn. */
export function passwordFor(path: string, env: Environment): string {
  const name = passwordVariable(path);
  const value = env[name];
  if (value === undefined || value === '')
    throw new SwarmError(
      'SWARM_E_WALLET_PASSWORD',
      `${path} is encrypted and ${name} is not set`,
      'Its value is base64 of the password, each byte XORed with the variable’s name in turn; btwallet’s `save_password_to_env` makes it.',
    );
  return masked(Buffer.from(value, 'base64'), name).toString('utf8');
}

const masked = (bytes: Uint8Array, name: string): Buffer =>
  Buffer.from(bytes.map((byte, i) => byte ^ name.charCodeAt(i % name.length)));

/** The plain text of a `$NACL` file. Throws SWARM_E_WALLET_PASSWORD. */
export async function unseal(
  path: string,
  sealed: Uint8Array,
  password: string,
  stretch: Stretch = sensitive,
): Promise<Uint8Array> {
  const nonce = sealed.subarray(MARK.length, MARK.length + NONCE_BYTES);
  const box = sealed.subarray(MARK.length + NONCE_BYTES);
  try {
    const key = await stretch(password);
    return xsalsa20poly1305(key, nonce).decrypt(box);
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_WALLET_PASSWORD',
      `${path} does not open with the password in ${passwordVariable(path)}`,
      'Check the password; if it is right the file was damaged: restore it from the mnemonic with btcli.',
      { cause: error },
    );
  }
}
