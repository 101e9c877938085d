// A hotkey from its btwallet file: the only key that a miner needs, and the only one that is ever read.
// Promises: a file that others may read is refused before it is opened; a coldkey is refused by name and by place; no
// part of a secret appears in a message. Leaves to others: registering it.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
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
import { passwordFor, sealingOf, unseal } from './vault.js';

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

export interface Hotkey {
  readonly path: string;
  readonly signer: Signer;
  readonly encrypted: boolean;
  /** The field that the key was made of. */
  readonly from: 'secretPhrase' | 'secretSeed' | 'privateKey';
}

/** Where btcli keeps a hotkey: BT_WALLET_PATH, BT_WALLET_NAME and BT_WALLET_HOTKEY, or its defaults. */
export function defaultHotkeyPath(env: Environment): string {
  const wallets = expanded(env['BT_WALLET_PATH'] ?? '~/.bittensor/wallets');
  return join(wallets, env['BT_WALLET_NAME'] ?? 'default', 'hotkeys', env['BT_WALLET_HOTKEY'] ?? 'default');
}

const expanded = (path: string): string => (path.startsWith('~') ? join(homedir(), path.slice(1)) : path);

/** Reads and opens a hotkey file. SWARM_E_WALLET, SWARM_E_WALLET_PASSWORD, SWARM_E_FILE_MODE. */
export async function loadHotkey(file: string, env: Environment = process.env): Promise<Hotkey> {
  await cryptoReady();
  const path = expanded(file);
  const bytes = readGuarded(path);
  const sealing = sealingOf(bytes);
  if (sealing === 'legacy')
    throw unusable(path, 'it is encrypted in a format of old', 'Re-encrypt it with btcli, then try again.');
  const plain = sealing === 'none' ? bytes : await unseal(path, bytes, passwordFor(path, env));
  const key = parsed(path, plain);
  const made = signerOf(path, key);
  if (key.ss58Address != null && key.ss58Address !== made.signer.ss58)
    throw unusable(
      path,
      `its secret belongs to ${made.signer.ss58}, not to the address ${key.ss58Address} that it names`,
      'The file was edited or damaged: make it again from the mnemonic with btcli.',
    );
  return { path, encrypted: sealing === 'nacl', ...made };
}

function readGuarded(path: string): Buffer {
  try {
    refuseColdkey(realpathSync(path));
    refuseColdkey(path);
    const stat = statSync(path);
    if (!stat.isFile()) throw unusable(path, 'it is no file', 'Name the hotkey file itself.');
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
      throw new SwarmError(
        'SWARM_E_FILE_MODE',
        `${path} has mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}: others than its owner may read the key in it`,
        `If nobody else can have read it: \`chmod 600 ${path}\`. Otherwise make a new hotkey and swap to it.`,
      );
    // A key file has less than one kilobyte.
    if (stat.size > 64 * 1024) throw unusable(path, 'it is too large', 'Name the hotkey file itself.');
    return readFileSync(path);
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    const state = stateOf(error);
    throw unusable(
      path,
      state === 'ENOENT' ? 'it does not exist' : `it cannot be read (${state})`,
      'Name a hotkey file, usually ~/.bittensor/wallets/<wallet>/hotkeys/<hotkey>; `btcli wallet new-hotkey` makes one.',
    );
  }
}

/** The coldkey holds the funds: nothing here may open it, by whatever mistake or link it is named. */
function refuseColdkey(path: string): void {
  if (!/^coldkey/i.test(basename(path)) || basename(dirname(path)) === 'hotkeys') return;
  throw unusable(
    path,
    'it is a coldkey',
    'A miner needs the hotkey alone; keep the coldkey away from the machine that mines.',
  );
}

function parsed(path: string, plain: Uint8Array): Keyfile {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(plain).toString('utf8'));
  } catch {
    // The parser's own message would quote the file.
    throw unusable(path, 'its content is no JSON', 'Name the hotkey file that btcli made.');
  }
  const checked = keyfile.safeParse(json);
  if (checked.success) return checked.data;
  const fields = checked.error.issues.map((issue) => issue.path.join('.') || issue.code).join(', ');
  throw unusable(
    path,
    `its content is not as it should be (${fields})`,
    'Name the hotkey file that btcli made.',
  );
}

const unhex = (text: string): Uint8Array => Buffer.from(text.replace(/^0x/, ''), 'hex');

/** btwallet's precedence: phrase, seed, private key. A file with none of them is a public one. */
function signerOf(path: string, key: Keyfile): Pick<Hotkey, 'signer' | 'from'> {
  if (key.secretPhrase != null) {
    const signer = signerFromMnemonic(key.secretPhrase);
    if (signer === null)
      throw unusable(path, 'its secretPhrase is no mnemonic', 'Make the file again with btcli.');
    return { signer, from: 'secretPhrase' };
  }
  if (key.secretSeed != null) return { signer: signerFromSeed(unhex(key.secretSeed)), from: 'secretSeed' };
  const known = key.publicKey ?? key.accountId;
  const publicKey = known != null ? unhex(known) : decodeSs58(key.ss58Address ?? '');
  if (key.privateKey == null || publicKey === null)
    throw unusable(
      path,
      'it holds no secret key',
      'It looks like the public half (…pub.txt): name the hotkey file beside it.',
    );
  const signer = signerFromPrivateKey(unhex(key.privateKey), publicKey);
  if (signer === null)
    throw unusable(
      path,
      'its privateKey and its publicKey do not belong together',
      'Make the file again with btcli.',
    );
  return { signer, from: 'privateKey' };
}

const unusable = (path: string, why: string, hint: string): SwarmError =>
  new SwarmError('SWARM_E_WALLET', `${path} cannot be used as a hotkey: ${why}`, hint);
