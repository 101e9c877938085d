// Opening a key file of btwallet, whichever key is in it.
// Promises: a file that others may read is refused before it is opened; what it names as its address must be its own; no
// part of a secret appears in a message. Leaves to others: which files may be opened at all (hotkey.ts, coldkey.ts).
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import { stateOf } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import {
  cryptoReady,
  type Signer,
  signerFromMnemonic,
  signerFromPrivateKey,
  signerFromSeed,
} from './sr25519.js';
import { decodeSs58 } from './ss58.js';
import { passwordFor, type Stretch, sealingOf, unseal } from './vault.js';

const hex = (bytes: number) => z.string().regex(new RegExp(`^(0x)?[0-9a-fA-F]{${bytes * 2}}$`));

const keyfile = z.looseObject({
  accountId: hex(32).nullish(),
  publicKey: hex(32).nullish(),
  privateKey: hex(64).nullish(),
  secretPhrase: z.string().nullish(),
  secretSeed: hex(32).nullish(),
  ss58Address: z.string().nullish(),
});

type Keyfile = z.infer<typeof keyfile>;

export type KeyKind = 'hotkey' | 'coldkey';

export interface OpenedKey {
  readonly path: string;
  readonly signer: Signer;
  readonly encrypted: boolean;
  /** The field that the key was made of. */
  readonly from: 'secretPhrase' | 'secretSeed' | 'privateKey';
}

export interface Opening {
  readonly kind: KeyKind;
  readonly env: Environment;
  /** Refuses a path before anything of it is read. */
  guard?(path: string): void;
  /** Asked when the environment has no password. */
  ask?(path: string): Promise<string>;
  /** For tests: another way from password to key. */
  readonly stretch?: Stretch | undefined;
}

/** Where btcli keeps a wallet: BT_WALLET_PATH and BT_WALLET_NAME, or its defaults. */
export const walletFolder = (env: Environment): string =>
  join(expanded(env['BT_WALLET_PATH'] ?? '~/.bittensor/wallets'), env['BT_WALLET_NAME'] ?? 'default');

export const expanded = (path: string): string =>
  path.startsWith('~') ? join(homedir(), path.slice(1)) : path;

/** SWARM_E_WALLET, SWARM_E_WALLET_PASSWORD, SWARM_E_FILE_MODE. */
export async function openKeyfile(file: string, opening: Opening): Promise<OpenedKey> {
  await cryptoReady();
  const path = expanded(file);
  const fault = faults(path, opening.kind);
  const bytes = readGuarded(path, opening, fault);
  const sealing = sealingOf(bytes);
  if (sealing === 'legacy')
    throw fault('it is encrypted in a format of old', 'Re-encrypt it with btcli, then try again.');
  const plain =
    sealing === 'none' ? bytes : await unseal(path, bytes, await password(path, opening), opening.stretch);
  const key = parsed(plain, fault);
  const made = signerOf(key, fault);
  if (key.ss58Address != null && key.ss58Address !== made.signer.ss58)
    throw fault(
      `its secret belongs to ${made.signer.ss58}, not to the address ${key.ss58Address} that it names`,
      'The file was edited or damaged: make it again from the mnemonic with btcli.',
    );
  return { path, encrypted: sealing === 'nacl', ...made };
}

/** The address in the public half of a key; null when there is none that can be read. */
export function publicAddressOf(file: string): string | null {
  try {
    const { ss58Address } = keyfile.parse(JSON.parse(readFileSync(expanded(file), 'utf8')));
    return ss58Address != null && decodeSs58(ss58Address) !== null ? ss58Address : null;
  } catch {
    return null;
  }
}

async function password(path: string, { env, ask }: Opening): Promise<string> {
  try {
    return passwordFor(path, env);
  } catch (error) {
    if (ask === undefined) throw error;
    return ask(path);
  }
}

/** Says why a file cannot be used, and what to do. */
export type Fault = (why: string, hint: string) => SwarmError;

export const faults =
  (path: string, kind: KeyKind): Fault =>
  (why, hint) =>
    new SwarmError('SWARM_E_WALLET', `${path} cannot be used as a ${kind}: ${why}`, hint);

function readGuarded(path: string, { kind, guard }: Opening, fault: Fault): Buffer {
  try {
    guard?.(path);
    const stat = statSync(path);
    if (!stat.isFile()) throw fault('it is no file', `Name the ${kind} file itself.`);
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
      throw new SwarmError(
        'SWARM_E_FILE_MODE',
        `${path} has mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}: others than its owner may read the key in it`,
        `If nobody else can have read it: \`chmod 600 ${path}\`. Otherwise make a new ${kind} and swap to it.`,
      );
    // A key file has less than one kilobyte.
    if (stat.size > 64 * 1024) throw fault('it is too large', `Name the ${kind} file itself.`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    const state = stateOf(error);
    throw fault(
      state === 'ENOENT' ? 'it does not exist' : `it cannot be read (${state})`,
      `Name a ${kind} file, usually ~/.bittensor/wallets/<wallet>/${kind === 'hotkey' ? 'hotkeys/<hotkey>' : 'coldkey'}; \`btcli wallet new-${kind}\` makes one.`,
    );
  }
}

function parsed(plain: Uint8Array, fault: Fault): Keyfile {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(plain).toString('utf8'));
  } catch {
    // The parser's own message would quote the file.
    throw fault('its content is no JSON', 'Name the file that btcli made.');
  }
  const checked = keyfile.safeParse(json);
  if (checked.success) return checked.data;
  const fields = checked.error.issues.map((issue) => issue.path.join('.') || issue.code).join(', ');
  throw fault(`its content is not as it should be (${fields})`, 'Name the file that btcli made.');
}

const unhex = (text: string): Uint8Array => Buffer.from(text.replace(/^0x/, ''), 'hex');

/** btwallet's precedence: phrase, seed, private key. A file with none of them is a public one. */
function signerOf(key: Keyfile, fault: Fault): Pick<OpenedKey, 'signer' | 'from'> {
  if (key.secretPhrase != null) {
    const signer = signerFromMnemonic(key.secretPhrase);
    if (signer === null) throw fault('its secretPhrase is no mnemonic', 'Make the file again with btcli.');
    return { signer, from: 'secretPhrase' };
  }
  if (key.secretSeed != null) return { signer: signerFromSeed(unhex(key.secretSeed)), from: 'secretSeed' };
  const known = key.publicKey ?? key.accountId;
  const publicKey = known != null ? unhex(known) : decodeSs58(key.ss58Address ?? '');
  if (key.privateKey == null || publicKey === null)
    throw fault(
      'it holds no secret key',
      'It looks like the public half (…pub.txt): name the file beside it.',
    );
  const signer = signerFromPrivateKey(unhex(key.privateKey), publicKey);
  if (signer === null)
    throw fault('its privateKey and its publicKey do not belong together', 'Make the file again with btcli.');
  return { signer, from: 'privateKey' };
}
