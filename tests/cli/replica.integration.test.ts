// A streaming replica of the embedded Postgres: `swarm status` reads from it, also when the blackboard is away, and says how old its word is.
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateAll } from '../../cli/admin.js';
import { postgresBinaries, serverUser } from '../../cli/services/postgres-binaries.js';
import { ensureCluster } from '../../cli/services/postgres-cluster.js';
import {
  launchPostgres,
  postgresReady,
  postgresUrl,
  type ServerSpec,
} from '../../cli/services/postgres-server.js';
import { DIGEST, NOON, one, until } from '../blackboard/board.js';
import { freePorts } from '../ports.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const user = serverUser();
const root = realpathSync(mkdtempSync(join(tmpdir(), 'swarm-replica-')));
const log = openSync(join(root, 'log'), 'a');
const running = new Map<ServerSpec, ChildProcess>();
let primary: ServerSpec;
let replica: ServerSpec;

async function start(spec: ServerSpec): Promise<void> {
  running.set(spec, await launchPostgres(spec, postgresBinaries(user), user, log));
  await postgresReady(spec, AbortSignal.timeout(60_000));
}

async function stop(spec: ServerSpec): Promise<void> {
  const child = running.get(spec);
  if (child === undefined) return;
  running.delete(spec);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}

async function asked<T>(spec: ServerSpec, text: string, values: unknown[] = []): Promise<T> {
  const client = new pg.Client({ connectionString: postgresUrl(spec) });
  await client.connect();
  try {
    return await one<T>(client, text, values);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  if (user !== null) chownSync(root, user.uid, user.gid);
  const [here, there] = (await freePorts(2)) as [number, number];
  const common = { user: 'postgres', password: 'test', durable: false };
  primary = { ...common, dataDirectory: join(root, 'primary'), port: here };
  replica = { ...common, dataDirectory: join(root, 'replica'), port: there };
  await ensureCluster(primary, postgresBinaries(user), user);
  await start(primary);
  await migrateAll(postgresUrl(primary));
  await asked(
    primary,
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
     values ('replay', $1, 'seed', 'profile', '{crypto_1h/BTC}', $2, '2024-01-01', 1)`,
    [DIGEST, NOON],
  );
  // A copy of a server at rest, which then follows it.
  await stop(primary);
  execFileSync('cp', ['-a', primary.dataDirectory, replica.dataDirectory]);
  const signal = join(replica.dataDirectory, 'standby.signal');
  writeFileSync(signal, '');
  if (user !== null) chownSync(signal, user.uid, user.gid);
  appendFileSync(
    join(replica.dataDirectory, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${here} user=postgres password=test'\n`,
  );
  await start(primary);
  await start(replica);
});
afterAll(async () => {
  await stop(replica);
  await stop(primary);
  closeSync(log);
  rmSync(root, { recursive: true, force: true });
});

interface Told {
  readonly warnings: readonly string[];
  readonly replica_age_s: number | null;
  readonly counts: { readonly promotions: number };
  readonly agents: readonly { readonly name: string }[];
}

/** What `swarm status` says of the replica, while SWARM_DATABASE_URL names the primary. */
const status = (
  env: Record<string, string> = { SWARM_DATABASE_READ_URL: postgresUrl(replica) },
): Promise<{ code: number; told: Told }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, 'status', '--json'],
      { env: { PATH: process.env['PATH'], SWARM_DATABASE_URL: postgresUrl(primary), ...env } },
      (error, stdout) => resolve({ code: Number(error?.code ?? 0), told: JSON.parse(stdout) }),
    );
  });

const enrol = (name: string): Promise<unknown> =>
  asked(
    primary,
    `insert into board.agent (id, owner, role, name, login, public_key) values (gen_random_uuid(), 'alice', 'explorer', $1::text, $1::text, 'key')`,
    [name],
  );
const follows = (): Promise<void> =>
  until(async () => {
    const written = await asked<string>(primary, 'select pg_current_wal_lsn()');
    return asked<boolean>(replica, 'select pg_last_wal_replay_lsn() >= $1::pg_lsn', [written]);
  });

describe('swarm status from a replica', () => {
  it('tells what the blackboard has, and that it is a replica', async () => {
    await enrol('e1');
    await follows();
    const { told } = await status();
    expect(told.agents.map((a) => a.name)).toEqual(['e1']);
    expect(told.replica_age_s).toBeGreaterThanOrEqual(0);
    expect(told.warnings.filter((w) => w.includes('replica'))).toEqual([]);
    expect((await status({})).told.replica_age_s).toBeNull();
  });

  it('reads every view of the fleet there, and writes nothing', async () => {
    const views = await asked<string[]>(
      replica,
      `select array_agg(c.oid::regclass::text) from pg_class c where relnamespace = 'fleet'::regnamespace and relkind = 'v'`,
    );
    expect(views.length).toBeGreaterThan(8);
    for (const view of views) await asked(replica, `select count(*) from ${view}`);
    await expect(asked(replica, 'create table t ()')).rejects.toMatchObject({ code: '25006' });
  });

  it('goes on when it is behind, and when the blackboard is away, and says how old it is', async () => {
    await asked(replica, 'select pg_wal_replay_pause()');
    await enrol('e2');
    const behind = await status();
    expect(behind.told.agents.map((a) => a.name)).toEqual(['e1']);
    await asked(replica, 'select pg_wal_replay_resume()');
    await follows();
    await stop(primary);
    expect((await status({})).code).toBe(4);
    const alone = await status();
    expect(alone.code).toBe(3);
    expect(alone.told.agents.map((a) => a.name)).toEqual(['e1', 'e2']);
    expect(alone.told.replica_age_s).toBeGreaterThan(0);
    await until(
      async () =>
        (await status()).told.warnings.some((w) =>
          w.startsWith('read from a replica whose newest change is'),
        ),
      50_000,
    );
  });
});
