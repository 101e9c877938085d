// The embedded database of a home, as the rest of the program sees it: start it, get its URL.
// Promises: on return a login works; while the supervisor lives, a server that dies is started again on its data.
// Leaves to the blackboard: databases, roles and tables.
import type { Home } from './home.js';
import { assertPortFree } from './ports.js';
import { postgresUrl, type ServerSpec, stopPostgresOn } from './postgres-server.js';
import { whenReady } from './readiness.js';
import type { Supervisor } from './supervisor.js';

export const POSTGRES_KEEPER = 'cli/services/postgres-keeper.js';

/** Recovery after a power cut may replay max_wal_size (2 GB) from a slow disk. */
const START_MS = 180_000;

/**
 * Makes the data directory at the first start, then starts Postgres and waits until it answers.
 * Fails with SWARM_E_PORT_IN_USE, SWARM_E_DB_NEWER, SWARM_E_DB_AUTH, SWARM_E_DISK_FULL or SWARM_E_SERVICE_START.
 * @example const { adminUrl } = await startPostgres(supervisor, home, portsFrom(base).postgres);
 */
export async function startPostgres(
  supervisor: Supervisor,
  home: Home,
  port: number,
): Promise<{ readonly adminUrl: string }> {
  // An orphan of this home may hold the port; it is ours to stop, and not "another program".
  await stopPostgresOn(home.pgdata);
  await assertPortFree(port, 'Postgres');
  supervisor.spawn({
    name: 'postgres',
    entry: POSTGRES_KEEPER,
    args: [home.root, String(port)],
    role: 'service',
    graceMs: 60_000,
  });
  await whenReady(supervisor, home, 'postgres', START_MS);
  return { adminUrl: postgresUrl(homeServer(home, port)) };
}

export function homeServer(home: Home, port: number): ServerSpec {
  const { dataDirectory, user, password } = home.settings.postgres;
  return { dataDirectory, user, password, port, durable: true };
}
