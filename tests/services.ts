// Global set-up of the integration suite: one throw-away Postgres and, where it can be had, one nats-server.
// Promises: both are gone afterwards with their directory, also when the test runner is killed with -9.
// Nothing here needs dist/. Not durable (fsync off): never a model for anything but tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureNats } from '../cli/services/nats.js';
import { launchNats, natsReady } from '../cli/services/nats-server.js';
import { postgresBinaries, serverUser } from '../cli/services/postgres-binaries.js';
import { ensureCluster } from '../cli/services/postgres-cluster.js';
import { launchPostgres, postgresReady, postgresUrl } from '../cli/services/postgres-server.js';
import { freePorts } from './ports.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of an empty Postgres. Use freshDatabase() of tests/postgres.ts rather than this database. */
    pgUrl: string;
    /** A nats-server with JetStream and without a login; null where there is none. */
    natsUrl: string | null;
  }
}

export default async function services({ provide }: TestProject): Promise<() => Promise<void>> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'synth-swarm-tests-')));
  const logPath = join(root, 'servers.log');
  const log = openSync(logPath, 'a');
  const started: ChildProcess[] = [];
  const teardown = async (): Promise<void> => {
    for (const child of started) {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
      child.kill('SIGINT');
      await exited;
    }
    closeSync(log);
    rmSync(root, { recursive: true, force: true });
  };
  try {
    const [pgPort, natsPort] = await freePorts(2);
    provide('pgUrl', await startPostgres(root, log, pgPort, started));
    provide('natsUrl', await startNats(root, log, natsPort, started));
  } catch (error) {
    console.error(readFileSync(logPath, 'utf8'));
    await teardown();
    throw error;
  }
  return teardown;
}

async function startPostgres(
  root: string,
  log: number,
  port: number,
  started: ChildProcess[],
): Promise<string> {
  const user = serverUser();
  // The server's user must get into the directory that mkdtemp closed to all but us.
  if (user !== null) chownSync(root, user.uid, user.gid);
  const binaries = postgresBinaries(user);
  const spec = { dataDirectory: join(root, 'pg'), user: 'postgres', password: 'test', durable: false, port };
  await ensureCluster(spec, binaries, user);
  const child = await launchPostgres(spec, binaries, user, log);
  started.push(child);
  endWithUs(child, spec.dataDirectory);
  await readyOrExited(child, 'postgres', (signal) => postgresReady(spec, signal));
  return postgresUrl(spec);
}

async function startNats(
  root: string,
  log: number,
  port: number,
  started: ChildProcess[],
): Promise<string | null> {
  const found = await ensureNats({ root }, { install: true });
  if (found.mode === 'none') {
    console.error(`integration tests run without NATS: ${found.reason}`);
    return null;
  }
  const directory = join(root, 'nats');
  const child = await launchNats({ directory, port, login: null }, found, log);
  started.push(child);
  endWithUs(child, directory);
  await readyOrExited(child, 'nats-server', (signal) => natsReady(port, signal));
  return `nats://127.0.0.1:${port}`;
}

async function readyOrExited(
  child: ChildProcess,
  name: string,
  ready: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const exited = once(child, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`${name} of the test suite ended with status ${code} before it was ready`);
  });
  try {
    await Promise.race([ready(over.signal), exited]);
  } finally {
    exited.catch(() => undefined);
    over.abort();
  }
}

/** A shell that waits on a pipe: the pipe closes with this process, however it ends. */
function endWithUs(child: ChildProcess, directory: string): void {
  const script = [
    'read _',
    'kill -INT "$1" 2>/dev/null',
    'while kill -0 "$1" 2>/dev/null; do sleep 0.1; done',
    'rm -rf "$2"',
    // The last guard removes the common parent: until then it holds more than the log.
    'parent=$(dirname "$2")',
    '[ "$(ls "$parent")" = servers.log ] && rm -r "$parent"',
  ].join('\n');
  const guard = spawn('sh', ['-c', script, 'guard', String(child.pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.once('exit', () => guard.kill('SIGKILL'));
  guard.unref();
}
