// Migrators that meet each other or die: the schema is applied once, migration by migration, and never half.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { migrate, pending } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { type FreshDatabase, freshDatabase } from '../postgres.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let database: FreshDatabase;
afterEach(() => database.drop());

const migrator = (env: Record<string, string> = {}): ChildProcess =>
  fork(MAIN, ['db', 'migrate'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'], SWARM_DATABASE_URL: database.url, ...env },
  });

describe('a migrator', () => {
  it('killed in the middle of a migration leaves none of it, and the next one applies all', async () => {
    database = await freshDatabase('migrator killed');
    const first = migrator({ SWARM_DEBUG_POINT: 'migration.before-commit' });
    const [message] = await once(first, 'message');
    expect(message).toEqual({ reached: 'migration.before-commit' });
    // One that comes while it is at work waits for it, and is let on by its death.
    const second = migrator();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const waits = async (): Promise<boolean> =>
      (
        await client.query(
          `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
        )
      ).rows.length > 0;
    await expect.poll(waits, { timeout: 400_000 }).toBe(true);
    first.kill('SIGKILL');
    const [code] = await once(second, 'exit');
    expect(code).toBe(0);
    expect(await pending(client, allMigrations)).toEqual([]);
    const { rows } = await client.query('select set, number from migration.applied');
    expect(new Set(rows.map((row) => `${row.set} ${row.number}`)).size).toBe(rows.length);
    await client.end();
    expect(await migrate(database.url, allMigrations)).toEqual([]);
  });

  it('has company: three at once apply each migration once', async () => {
    database = await freshDatabase('migrators');
    const codes = await Promise.all([migrator(), migrator(), migrator()].map((one) => once(one, 'exit')));
    expect(codes.map(([code]) => code)).toEqual([0, 0, 0]);
    expect(await migrate(database.url, allMigrations)).toEqual([]);
  });
});
