// A Postgres server on a data directory: clearing what was left there, starting, and knowing when it answers.
// Promises: two servers never meet on one directory; an orphan (its keeper was killed) is shut down in order
// first; listens on 127.0.0.1 only, passwords only, no socket file. Leaves to postgres-cluster.ts: making the directory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { SwarmError } from '../../blackboard/errors.js';
import type { PostgresBinaries, ServerUser } from './postgres-binaries.js';
import { type ClusterSpec, serverEnvironment } from './postgres-cluster.js';
import { gone, isAlive, processesIn, processesWith, stopProcesses } from './processes.js';

export interface ServerSpec extends ClusterSpec {
  readonly port: number;
}

/** Stops whatever still runs on the data directory. Returns how many processes that was. */
export async function stopPostgresOn(dataDirectory: string): Promise<number> {
  const what = `the Postgres left on ${dataDirectory}`;
  const servers = processesWith('postgres', dataDirectory);
  // Fast shutdown (ends sessions, checkpoints), then immediate (recovers at the next start).
  await stopProcesses(what, servers, [
    ['SIGINT', 30_000],
    ['SIGQUIT', 10_000],
    ['SIGKILL', 5_000],
  ]);
  if (!existsSync(dataDirectory)) return servers.length;
  // A postmaster that was killed leaves its workers; they end when they notice, and no new one may start before.
  const workers = processesIn(realpathSync(dataDirectory));
  if (!(await gone(workers, 10_000))) {
    await stopProcesses(what, workers, [
      ['SIGQUIT', 5_000],
      ['SIGKILL', 5_000],
    ]);
  }
  removeRecycledPidFile(dataDirectory);
  return servers.length + workers.length;
}

export async function launchPostgres(
  spec: ServerSpec,
  binaries: PostgresBinaries,
  user: ServerUser,
  output: 'inherit' | number = 'inherit',
): Promise<ChildProcess> {
  const settings = Object.entries(configuration(spec)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', spec.dataDirectory, ...settings], {
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', output, output],
    ...(user ?? {}),
  });
  await once(child, 'spawn');
  return child;
}

/** Resolves when a login works. After a crash the server recovers first, which takes as long as it takes. */
export async function postgresReady(spec: ServerSpec, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const client = new pg.Client({ connectionString: postgresUrl(spec), connectionTimeoutMillis: 5_000 });
    // A server that goes away in the middle of this; the connect below reports it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === '28P01') throw wrongPassword(spec, error);
      await delay(50, undefined, { signal });
    }
  }
}

/** The superuser's URL. Its password is hex, so nothing needs escaping. */
export function postgresUrl(
  spec: Pick<ServerSpec, 'user' | 'password' | 'port'>,
  database = 'postgres',
): string {
  return `postgres://${spec.user}:${spec.password}@127.0.0.1:${spec.port}/${database}`;
}

/** Sized for a small machine that does other things too. Given as arguments: no file to drift from the code. */
function configuration(spec: ServerSpec): Record<string, string | number> {
  return {
    port: spec.port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    max_connections: 200,
    shared_buffers: spec.durable ? '256MB' : '128MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    effective_cache_size: '1GB',
    max_wal_size: '2GB',
    wal_compression: 'on',
    random_page_cost: 1.1,
    // Our queries are short: compiling them costs more than it gives.
    jit: 'off',
    fsync: spec.durable ? 'on' : 'off',
    synchronous_commit: spec.durable ? 'on' : 'off',
    full_page_writes: spec.durable ? 'on' : 'off',
    // Containers give /dev/shm 64 MB, where a parallel query dies with "could not resize shared memory segment".
    dynamic_shared_memory_type: smallSharedMemory() ? 'mmap' : 'posix',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d ',
    // The default prints a failing statement whole, and CREATE ROLE ... PASSWORD is a statement too.
    log_min_error_statement: 'panic',
  };
}

function smallSharedMemory(): boolean {
  if (!existsSync('/dev/shm')) return false;
  const { blocks, bsize } = statfsSync('/dev/shm');
  return blocks * bsize < 256 * 1024 * 1024;
}

/**
 * Postgres refuses to start while the pid in postmaster.pid is alive, even when it is another program's by now.
 * Only then is the file removed: otherwise it is what tells Postgres of workers that still hold shared memory.
 */
function removeRecycledPidFile(dataDirectory: string): void {
  const path = join(dataDirectory, 'postmaster.pid');
  if (process.platform !== 'linux' || !existsSync(path)) return;
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  if (Number.isInteger(pid) && pid > 0 && isAlive(pid)) rmSync(path);
}

function wrongPassword(spec: ServerSpec, cause: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_DB_AUTH',
    `the Postgres on ${spec.dataDirectory} does not accept the password in settings.json`,
    'Restore the settings.json that belongs to this data. If it is lost, set a new password in single-user mode ' +
      `(\`postgres --single -D ${spec.dataDirectory} postgres\`, then ALTER ROLE ${spec.user} PASSWORD '...') ` +
      'and write the same into settings.json.',
    { cause },
  );
}
