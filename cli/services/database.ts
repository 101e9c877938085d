// The database that a command works on: a service of the user's own, or a home's embedded one, running or not.
// Promises: a home that is not running is locked and its server started for the command's duration alone.
// Leaves to others: what is done with it.
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { ownDatabase } from '../admin.js';
import { type Home, openExistingHome } from './home.js';
import { lockHolder, lockHome } from './lock.js';
import { assertPortFree, portsFrom } from './ports.js';
import { homeServer } from './postgres.js';
import { postgresBinaries, serverUser } from './postgres-binaries.js';
import { ensureCluster } from './postgres-cluster.js';
import { launchPostgres, postgresReady, postgresUrl, stopPostgresOn } from './postgres-server.js';

const START_MS = 180_000;

/**
 * Calls `work` with an administrator's URL of SWARM_DATABASE_URL, or else of the home's database; `open` says whether a home
 * that is not there is made.
 */
export async function withDatabase<T>(
  path: string | undefined,
  work: (adminUrl: string) => Promise<T>,
  open: (path: string | undefined) => Home = openExistingHome,
): Promise<T> {
  const external = process.env['SWARM_DATABASE_URL'];
  if (external !== undefined) return work(external);
  const home = open(path);
  const { postgres } = portsFrom(home.settings.ports.base);
  const spec = homeServer(home, postgres);
  if (lockHolder(home) !== null) return work(await ownDatabase(postgresUrl(spec)));
  const lock = lockHome(home);
  try {
    const user = serverUser();
    const binaries = postgresBinaries(user);
    await stopPostgresOn(home.pgdata);
    await assertPortFree(postgres, 'Postgres');
    await ensureCluster(spec, binaries, user);
    const log = openSync(join(home.logs, 'postgres.log'), 'a', 0o600);
    const server = await launchPostgres(spec, binaries, user, log);
    const ended = once(server, 'exit');
    try {
      await Promise.race([
        postgresReady(spec, AbortSignal.timeout(START_MS)),
        ended.then(([code]) => {
          throw new SwarmError(
            'SWARM_E_SERVICE_START',
            `Postgres ended with status ${code} before it was ready`,
            `The reason is at the end of ${join(home.logs, 'postgres.log')}.`,
          );
        }),
      ]);
      return await work(await ownDatabase(postgresUrl(spec)));
    } finally {
      server.kill('SIGINT');
      await ended;
      closeSync(log);
    }
  } finally {
    lock.release();
  }
}
