// What `swarm db` does: migrations, size, backup and restore of a blackboard.
// Promises: every command works on SWARM_DATABASE_URL, or on a home's database whether the swarm runs or not.
// Leaves to others: what a backup is (blackboard/backup.ts).
import { resolve } from 'node:path';
import type pg from 'pg';
import { backup } from '../../blackboard/backup.js';
import { migrate, pending } from '../../blackboard/migrate.js';
import { restore, verifyBackup } from '../../blackboard/restore.js';
import { allMigrations } from '../../trust/migrations.js';
import { connectAdmin } from '../admin.js';
import { withDatabase } from '../services/database.js';
import { type Home, openHome } from '../services/home.js';

interface Where {
  readonly home?: string;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const table = (name: string, rows: number): void => {
  process.stderr.write(`${name}: ${rows} rows\n`);
};
const total = (tables: readonly { readonly rows: number }[]): string =>
  `${tables.reduce((n, t) => n + t.rows, 0)} rows of ${tables.length} tables`;

const withAdministrator = (
  o: Where,
  name: string,
  act: (admin: pg.Client, url: string) => Promise<void>,
  open?: (path: string | undefined) => Home,
): Promise<void> =>
  withDatabase(
    o.home,
    async (url) => {
      const admin = await connectAdmin(url, name);
      try {
        await act(admin, url);
      } finally {
        await admin.end();
      }
    },
    open,
  );

export const migrateCommand = (o: Where): Promise<void> =>
  withAdministrator(
    o,
    'swarm db migrate',
    async (admin, url) => {
      const done = await migrate(url, allMigrations);
      const { rows } = await admin.query<{ made: string }>('select unnest(board.make_partitions()) as made');
      done.push(...rows.map((r) => `partition ${r.made}`));
      say(done.length === 0 ? 'nothing to apply' : done.join('\n'));
    },
    openHome,
  );

export const statusCommand = (o: Where & { json?: boolean }): Promise<void> =>
  withAdministrator(o, 'swarm db status', async (admin) => {
    const status = await databaseStatus(admin);
    say(o.json ? JSON.stringify(status) : render(status));
  });

export const backupCommand = (o: Where & { out: string }): Promise<void> =>
  withAdministrator(o, 'swarm db backup', async (admin) => {
    const { tables } = await backup(admin, resolve(o.out), table);
    say(`${total(tables)} in ${resolve(o.out)}`);
  });

export async function restoreCommand(dir: string, o: Where & { check?: boolean }): Promise<void> {
  if (o.check) {
    const { tables, made_at } = await verifyBackup(resolve(dir));
    say(`whole: ${total(tables)}, made ${made_at}`);
    return;
  }
  await withAdministrator(
    o,
    'swarm db restore',
    async (admin, url) => {
      const { manifest, migrated, logins } = await restore(admin, url, resolve(dir), allMigrations, table);
      say(`restored what ${resolve(dir)} held at ${manifest.made_at}`);
      if (migrated.length > 0) say(`migrated since: ${migrated.join(', ')}`);
      if (logins > 0) say(`${logins} agents have no password on this server: rotate them before they work`);
    },
    openHome,
  );
}

interface DatabaseStatus {
  readonly server: string;
  readonly bytes: number;
  readonly pending: readonly string[];
  readonly connections: number;
  readonly max_connections: number;
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
}

async function databaseStatus(admin: pg.Client): Promise<DatabaseStatus> {
  const { rows: server } = await admin.query(
    `select current_setting('server_version') as server, pg_database_size(current_database())::float8 as bytes,
       (select count(*)::int from pg_stat_activity where datname = current_database()) as connections,
       current_setting('max_connections')::int as max_connections`,
  );
  // Row counts are the planner's: exact ones would read every table.
  const { rows: tables } = await admin.query(
    `select t.oid::regclass::text as name, sum(greatest(c.reltuples, 0))::float8 as rows, sum(pg_total_relation_size(c.oid))::float8 as bytes
     from pg_class c join pg_class t on t.oid = coalesce(pg_partition_root(c.oid), c.oid) join pg_namespace n on n.oid = t.relnamespace
     where n.nspname in ('board', 'market') and c.relkind = 'r' group by t.oid order by 3 desc`,
  );
  return { ...server[0], pending: await pending(admin, allMigrations), tables };
}

const MIB = 1024 * 1024;

function render(s: DatabaseStatus): string {
  const lines = s.tables.map(
    (t) =>
      `${t.name.padEnd(22)} ${t.rows.toFixed(0).padStart(12)} ${(t.bytes / MIB).toFixed(1).padStart(10)} MiB`,
  );
  return [
    `Postgres ${s.server}, ${(s.bytes / MIB).toFixed(1)} MiB, ${s.connections} of ${s.max_connections} connections`,
    s.pending.length === 0 ? 'schema up to date' : `to apply (swarm db migrate): ${s.pending.join(', ')}`,
    `${'table'.padEnd(22)} ${'rows, about'.padStart(12)} ${'size'.padStart(14)}`,
    ...lines,
  ].join('\n');
}
