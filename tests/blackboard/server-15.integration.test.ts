// The oldest Postgres that is supported: every migration, and what triggers keep against what the records say.
// Runs where a server of that age is installed (Debian's postgresql-15, or SWARM_TEST_PG_BIN); elsewhere it says that it did not.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../blackboard/migrate.js';
import { serverUser } from '../../cli/services/postgres-binaries.js';
import { allMigrations } from '../../trust/migrations.js';
import { freePorts } from '../ports.js';
import { NOW } from '../trust/history.js';
import { inventHistory } from '../trust/invent.js';
import { DIGEST, until } from './board.js';

const bin = process.env['SWARM_TEST_PG_BIN'] ?? '/usr/lib/postgresql/15/bin';

describe.skipIf(!existsSync(join(bin, 'initdb')))(`the server of ${bin}`, () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'swarm-old-server-')));
  const user = serverUser();
  let server: ChildProcess;
  let admin: pg.Client;
  let url: string;

  beforeAll(async () => {
    const [port] = await freePorts(1);
    if (user !== null) chownSync(root, user.uid, user.gid);
    const data = join(root, 'pg');
    const as = { cwd: '/', ...(user ?? {}) };
    execFileSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
      as,
    );
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      `port=${port}`,
      'fsync=off',
      'timezone=UTC',
    ];
    server = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((s) => ['-c', s])], {
      stdio: 'ignore',
      ...as,
    });
    url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    await until(async () => {
      admin = new pg.Client({ connectionString: url });
      admin.on('error', () => undefined);
      return admin.connect().then(
        () => true,
        () => false,
      );
    });
  });
  afterAll(async () => {
    await admin.end();
    const ended = once(server, 'exit');
    server.kill('SIGINT');
    await ended;
    rmSync(root, { recursive: true, force: true });
  });

  it('takes every migration, and its views say what the records say', async () => {
    await migrate(url, allMigrations);
    await admin.query(
      `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
       values ('replay', $1, 'seed', 'profile', '{crypto_1h/BTC}', $2, '2024-01-01', 0)`,
      [DIGEST, NOW],
    );
    await inventHistory(3).write(admin);
    const { rows: differing } = await admin.query(
      `select s.claim_id from trust.standing s full join trust.claim_result r using (claim_id)
       where s.honest is distinct from r.honest or s.verified_gain is distinct from r.verified_gain or s.checks is distinct from r.checks`,
    );
    expect(differing).toEqual([]);
    for (const view of [
      'trust.owner',
      'trust.check_turn',
      'trust.screen',
      'trust.pattern_weight',
      'fleet.counts',
      'fleet.slots',
    ])
      expect((await admin.query(`select * from ${view}`)).rowCount, view).toBeGreaterThanOrEqual(0);
    expect((await admin.query('select from trust.standing')).rowCount).toBe(40);
  });
});
