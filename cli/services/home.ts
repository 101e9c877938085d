// The home directory: everything that one local swarm keeps on disk, under one path, readable by its owner only.
// Postgres refuses to run as root and its own user cannot enter a root-owned 0700 home. So when root runs the
// swarm, and only then, the cluster lies in /var/lib/synth-swarm/<hash of the home path>-<random>/pg, owned by that user.
// The choice is made when the home is created and recorded in settings.json; no directory that existed before
// has its mode widened. Leaves to lock.ts: that only one `up` runs. To keepers: creating pgdata.
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { openSettings, type Settings, writeSettings } from './settings.js';

/** Where a swarm lives unless told otherwise. */
export const defaultRoot = (): string => join(homedir(), '.synth-swarm');

export interface Home {
  readonly root: string;
  /** The Postgres data directory. Not always under `root`: see the head of this file. */
  readonly pgdata: string;
  readonly nats: string;
  readonly artifacts: string;
  readonly logs: string;
  readonly agents: string;
  /** Keys of owners that this home made. */
  readonly owners: string;
  readonly state: string;
  readonly settings: Settings;
}

/** Where root keeps what Postgres's own user must reach. */
export const ROOT_STORE = '/var/lib/synth-swarm';

/**
 * Opens a home and creates what is missing. Refuses a directory that holds other people's things.
 * @example const home = openHome(); home.logs // "/home/me/.synth-swarm/logs"
 */
export function openHome(path: string = defaultRoot()): Home {
  const root = resolve(path);
  claimDirectory(root);
  const settings = openSettings(settingsPath(root), dataDirectoryFor(root));
  const under = (name: string): string => {
    const directory = join(root, name);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  };
  return Object.freeze({
    root,
    pgdata: settings.postgres.dataDirectory,
    nats: under('nats'),
    artifacts: under('artifacts'),
    logs: under('logs'),
    agents: under('agents'),
    owners: under('owners'),
    state: under('state'),
    settings,
  });
}

/** Opens a home that a swarm was started in; looking creates nothing. SWARM_E_DB_UNREACHABLE where there is none. */
export function openExistingHome(path: string = defaultRoot()): Home {
  if (!existsSync(settingsPath(path)))
    throw new SwarmError(
      'SWARM_E_DB_UNREACHABLE',
      `there is no swarm in ${path}`,
      'Start one with `swarm up`, name its home with --home, or set SWARM_DATABASE_URL.',
    );
  return openHome(path);
}

/** Writes changed settings and returns the home as it is then; the one given keeps its old values. */
export function changeSettings(home: Home, change: Partial<Settings>): Home {
  writeSettings(settingsPath(home.root), { ...home.settings, ...change });
  return openHome(home.root);
}

function settingsPath(root: string): string {
  return join(root, 'settings.json');
}

function dataDirectoryFor(root: string): string {
  if (process.geteuid?.() !== 0) return join(root, 'pg');
  // A part drawn at random: a home that was deleted and made anew at the same place starts with an empty database.
  return join(
    ROOT_STORE,
    `${createHash('sha256').update(root).digest('hex').slice(0, 12)}-${randomBytes(4).toString('hex')}`,
    'pg',
  );
}

function claimDirectory(root: string): void {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const found = statSync(root);
  const me = process.geteuid?.() ?? found.uid;
  if (found.uid !== me) {
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${root} belongs to user ${found.uid}, and this process runs as user ${me}`,
      'Run as the owner of the home, or name another one with --home.',
    );
  }
  if (existsSync(settingsPath(root))) return;
  // Narrowing the mode of, say, somebody's whole home directory would break more than it protects.
  const strangers = readdirSync(root).filter((name) => !ours.has(name) && !name.startsWith('settings.json.'));
  if (strangers.length > 0) {
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${root} is neither empty nor the home of a swarm (it holds ${strangers.slice(0, 3).join(', ')})`,
      'Name a new or empty directory with --home.',
    );
  }
  chmodSync(root, 0o700);
}

/** `lost+found`: a fresh volume mounted as the home. The rest: a first start that was cut short. */
const ours = new Set([
  'lost+found',
  'nats',
  'artifacts',
  'logs',
  'agents',
  'owners',
  'state',
  'bin',
  'up.pid',
]);
