// Making a Postgres data directory, once.
// Promises: a cluster is complete or absent (it is made beside its place and moved there); the password passes
// through a 0600 file in a 0700 directory and is never an argument; text sorts the same on every system.
// A directory of another major version, or one that is no cluster, is refused and not touched.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SwarmError } from '../../blackboard/errors.js';
import type { PostgresBinaries, ServerUser } from './postgres-binaries.js';

export interface ClusterSpec {
  readonly dataDirectory: string;
  readonly user: string;
  readonly password: string;
  /** False only in tests: skips the syncs. */
  readonly durable: boolean;
}

const run = promisify(execFile);

/** Makes the cluster when there is none; otherwise checks that these binaries can open it. */
export async function ensureCluster(
  spec: ClusterSpec,
  binaries: PostgresBinaries,
  user: ServerUser,
): Promise<void> {
  const { dataDirectory } = spec;
  if (existsSync(join(dataDirectory, 'PG_VERSION'))) {
    assertMajor(dataDirectory, binaries.major);
    assertOwner(dataDirectory, user);
    return;
  }
  if (existsSync(dataDirectory) && readdirSync(dataDirectory).length > 0) {
    throw new SwarmError(
      'SWARM_E_SERVICE_START',
      `${dataDirectory} is not empty and holds no Postgres cluster`,
      'Move its contents away, or correct postgres.dataDirectory in settings.json.',
    );
  }
  const parent = dirname(dataDirectory);
  if (!existsSync(parent)) makeOwned(parent, user);
  const mark = `.${basename(dataDirectory)}.new-`;
  for (const name of readdirSync(parent)) {
    // Left by a first start that was killed: nothing ever ran on it.
    if (name.startsWith(mark)) rmSync(join(parent, name), { recursive: true });
  }
  const draft = join(parent, `${mark}${randomBytes(6).toString('hex')}`);
  makeOwned(draft, user);
  try {
    await initialise(spec, join(draft, 'pg'), draft, binaries, user);
    renameSync(join(draft, 'pg'), dataDirectory);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function initialise(
  spec: ClusterSpec,
  target: string,
  draft: string,
  binaries: PostgresBinaries,
  user: ServerUser,
): Promise<void> {
  const passwordFile = join(draft, 'password');
  writeFileSync(passwordFile, `${spec.password}\n`, { mode: 0o600 });
  if (user !== null) chownSync(passwordFile, user.uid, user.gid);
  const args = [
    `--pgdata=${target}`,
    `--username=${spec.user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    // Postgres's own C.UTF-8: an upgrade of libc or ICU cannot change the order under an index.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(spec.durable ? [] : ['--no-sync']),
  ];
  try {
    await run(binaries.initdb, args, { cwd: '/', env: serverEnvironment(), ...(user ?? {}) });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const full = said.includes('No space left on device');
    throw new SwarmError(
      full ? 'SWARM_E_DISK_FULL' : 'SWARM_E_SERVICE_START',
      `Postgres could not make its data directory ${spec.dataDirectory}: ${said.trim()}`,
      full
        ? `Free some space on the disk of ${dirname(spec.dataDirectory)} and start again; nothing was left behind.`
        : 'If it names a missing library, run `npm rebuild`; or set SWARM_DATABASE_URL to a Postgres of your own.',
      { cause: error },
    );
  }
}

/** What the server's processes see: nothing of the caller's secrets, and messages in one language. */
export function serverEnvironment(): Record<string, string> {
  const { PATH = '/usr/bin:/bin' } = process.env;
  return { PATH, LC_ALL: 'C', TZ: 'UTC' };
}

function assertMajor(dataDirectory: string, major: number): void {
  const found = readFileSync(join(dataDirectory, 'PG_VERSION'), 'utf8').trim();
  if (found === String(major)) return;
  throw new SwarmError(
    'SWARM_E_DB_NEWER',
    `${dataDirectory} was written by Postgres ${found}, and this version of the swarm brings Postgres ${major}`,
    `Run the version of the swarm that brings Postgres ${found}, dump with pg_dumpall, and load the dump into a new ` +
      `--home; or start Postgres ${found} on the directory yourself and set SWARM_DATABASE_URL to it.`,
  );
}

function assertOwner(dataDirectory: string, user: ServerUser): void {
  const { uid } = statSync(dataDirectory);
  const wanted = user?.uid ?? process.geteuid?.() ?? uid;
  if (uid === wanted) return;
  throw new SwarmError(
    'SWARM_E_SERVICE_START',
    `${dataDirectory} belongs to user ${uid}, and Postgres would run as user ${wanted}`,
    `Run as the user who made it, or hand it over with \`chown -R ${wanted} ${dataDirectory}\`.`,
  );
}

/** Only what is made here is closed to others and handed over: existing parents keep mode and owner. */
function makeOwned(directory: string, user: ServerUser): void {
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 });
  mkdirSync(directory, { mode: 0o700 });
  if (user !== null) chownSync(directory, user.uid, user.gid);
}
