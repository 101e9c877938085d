// A hotkey from its btwallet file: the only key that a miner needs, and the only one that its process ever reads.
// Promises: a coldkey is refused by name and by place, also behind a link. Leaves to others: what is in the file (keyfile.ts),
// registering it.
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import { faults, type OpenedKey, openKeyfile, walletFolder } from './keyfile.js';
import type { Stretch } from './vault.js';

/** Where btcli keeps a hotkey: BT_WALLET_PATH, BT_WALLET_NAME and BT_WALLET_HOTKEY, or its defaults. */
export const defaultHotkeyPath = (env: Environment): string =>
  join(walletFolder(env), 'hotkeys', env['BT_WALLET_HOTKEY'] ?? 'default');

/** Reads and opens a hotkey file. SWARM_E_WALLET, SWARM_E_WALLET_PASSWORD, SWARM_E_FILE_MODE. */
export const loadHotkey = (
  file: string,
  env: Environment = process.env,
  stretch?: Stretch,
): Promise<OpenedKey> => openKeyfile(file, { kind: 'hotkey', env, guard: refuseColdkey, stretch });

/** The coldkey holds the funds: nothing here may open it, by whatever mistake or link it is named. */
function refuseColdkey(path: string): void {
  for (const one of [realpathSync(path), path])
    if (/^coldkey/i.test(basename(one)) && basename(dirname(one)) !== 'hotkeys')
      throw faults(path, 'hotkey')(
        'it is a coldkey',
        'A miner needs the hotkey alone; keep the coldkey away from the machine that mines.',
      );
}
