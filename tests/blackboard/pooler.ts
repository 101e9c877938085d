// A PgBouncer in transaction mode in front of a test server: far fewer sessions of the server than clients, and none of them anybody's own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serverUser } from '../../cli/services/postgres-binaries.js';
import { freePorts } from '../ports.js';
import { until } from './board.js';

export interface Pooler {
  /** The same database and login, by way of the pooler. */
  through(url: string): string;
  close(): Promise<void>;
}

/** Where it is, after having it installed if need be; null where it cannot be had. */
export function findPooler(): string | null {
  const found = (): string | undefined =>
    [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/opt/homebrew/bin']
      .map((directory) => join(directory, 'pgbouncer'))
      .find((path) => {
        try {
          accessSync(path, constants.X_OK);
          return true;
        } catch {
          return false;
        }
      });
  if (found() === undefined) {
    try {
      execFileSync('sh', ['deploy/pgbouncer/install.sh'], { stdio: 'ignore', timeout: 300_000 });
    } catch {
      return null;
    }
  }
  return found() ?? null;
}

/** `sessions`: how many the server sees of each login. */
export async function openPooler(program: string, serverUrl: string, sessions: number): Promise<Pooler> {
  const directory = mkdtempSync(join(tmpdir(), 'swarm-pooler-'));
  const user = serverUser();
  const server = new URL(serverUrl);
  const [port] = (await freePorts(1)) as [number];
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (user !== null) chownSync(path, user.uid, user.gid);
    return path;
  };
  if (user !== null) chownSync(directory, user.uid, user.gid);
  // Asked of the server for everybody else: an agent that was just enrolled gets in, and one that was revoked does not.
  const users = write('users.txt', `"${server.username}" "${server.password}"\n`);
  const settings = write(
    'pgbouncer.ini',
    [
      '[databases]',
      `* = host=127.0.0.1 port=${server.port} auth_user=${server.username}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      `default_pool_size = ${sessions}`,
      'max_client_conn = 300',
      // A login that the server refuses is kept waiting for so long, and then told.
      'query_wait_timeout = 5',
      'log_connections = 0',
      'log_disconnections = 0',
    ].join('\n'),
  );
  const child: ChildProcess = spawn(program, [settings], { stdio: 'ignore', cwd: '/', ...(user ?? {}) });
  const through = (url: string): string => {
    const to = new URL(url);
    to.port = String(port);
    return to.href;
  };
  await until(async () => {
    const client = new pg.Client({ connectionString: through(serverUrl) });
    client.on('error', () => undefined);
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return {
    through,
    async close() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
