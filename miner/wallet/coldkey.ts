// The coldkey, which holds the funds: opened to sign one registration, by a command that a person runs, and by nothing else.
// No module of the miner's process may import this file; a test walks the imports.
import { join } from 'node:path';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import { type OpenedKey, openKeyfile, publicAddressOf, walletFolder } from './keyfile.js';
import type { Stretch } from './vault.js';

export const defaultColdkeyPath = (env: Environment): string => join(walletFolder(env), 'coldkey');

/** The address of the wallet's coldkey, from its public half; nothing secret is read. */
export const coldkeyAddress = (env: Environment): string | null =>
  publicAddressOf(join(walletFolder(env), 'coldkeypub.txt'));

/** `ask`: for the password, when the environment has none. SWARM_E_WALLET, SWARM_E_WALLET_PASSWORD, SWARM_E_FILE_MODE. */
export const loadColdkey = (
  file: string,
  env: Environment,
  ask?: (path: string) => Promise<string>,
  stretch?: Stretch,
): Promise<OpenedKey> =>
  openKeyfile(file, { kind: 'coldkey', env, stretch, ...(ask === undefined ? {} : { ask }) });
