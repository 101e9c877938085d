// A Postgres of one test file's own, durable as in a home, which the test may kill, restart, fill up, and which is started again when it
// ends by itself, as its keeper would.
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresBinaries, serverUser } from '../../cli/services/postgres-binaries.js';
import { ensureCluster } from '../../cli/services/postgres-cluster.js';
import {
  launchPostgres,
  postgresReady,
  postgresUrl,
  stopPostgresOn,
} from '../../cli/services/postgres-server.js';
import { freePorts } from '../ports.js';

export interface OwnPostgres {
  readonly url: string;
  /** Ends the server by a signal and starts it again; resolves when it answers. */
  restart(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again if it has ended by itself; resolves when it answers. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** `root` is an empty directory of its own, such as a small file system; default: a temporary one. */
export async function ownPostgres(
  root = realpathSync(mkdtempSync(join(tmpdir(), 'swarm-postgres-'))),
): Promise<OwnPostgres> {
  const user = serverUser();
  if (user !== null) chownSync(root, user.uid, user.gid);
  const logRoot = mkdtempSync(join(tmpdir(), 'swarm-postgres-log-'));
  const log = openSync(join(logRoot, 'log'), 'a');
  const [port] = (await freePorts(1)) as [number];
  const binaries = postgresBinaries(user);
  const spec = { dataDirectory: join(root, 'pg'), user: 'postgres', password: 'test', durable: true, port };
  await ensureCluster(spec, binaries, user);
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    for (const until = Date.now() + 120_000; ; ) {
      child = await launchPostgres(spec, binaries, user, log);
      const ended = new AbortController();
      child.once('exit', () => ended.abort());
      try {
        return await postgresReady(spec, AbortSignal.any([ended.signal, AbortSignal.timeout(60_000)]));
      } catch (error) {
        if (Date.now() > until) throw error;
        await stopPostgresOn(spec.dataDirectory);
      }
    }
  };
  const isUp = (): boolean => child.exitCode === null && child.signalCode === null;
  await start();
  return {
    url: postgresUrl(spec),
    async restart(signal) {
      const exited = isUp() ? once(child, 'exit') : null;
      child.kill(signal);
      await exited;
      // Workers of a postmaster that was killed end when they notice.
      await stopPostgresOn(spec.dataDirectory);
      await start();
    },
    async revive() {
      if (isUp()) return;
      await stopPostgresOn(spec.dataDirectory);
      await start();
    },
    async close() {
      const exited = isUp() ? once(child, 'exit') : null;
      child.kill('SIGQUIT');
      await exited;
      await stopPostgresOn(spec.dataDirectory);
      closeSync(log);
      rmSync(join(root, 'pg'), { recursive: true, force: true });
      rmSync(logRoot, { recursive: true, force: true });
    },
  };
}

/** Mounts a file system in memory of so many MiB, or returns null where that is not allowed. */
export function mountSmall(
  mebibytes: number,
): { directory: string; remount(how: 'ro' | 'rw'): void; unmount(): void } | null {
  const directory = mkdtempSync(join(tmpdir(), 'swarm-small-'));
  const mount = (...args: string[]): void =>
    void execFileSync('mount', args, { stdio: 'ignore', env: { PATH: process.env['PATH'] } });
  try {
    mount('-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory);
  } catch {
    rmSync(directory, { recursive: true });
    return null;
  }
  return {
    directory,
    remount: (how) => mount('-o', `remount,${how}`, directory),
    unmount() {
      execFileSync('umount', ['-l', directory]);
      rmSync(directory, { recursive: true });
    },
  };
}
