// `swarm db`: migrations, size, backup, restore and archive of a blackboard.
// Promises: every command works on SWARM_DATABASE_URL, or on a home's database whether the swarm runs or not.
// Leaves to others: what a backup is (blackboard/backup.ts).
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { backup } from '../blackboard/backup.js';
import { migrate, pending } from '../blackboard/migrate.js';
import { restore, verifyBackup } from '../blackboard/restore.js';
import { allMigrations } from '../trust/migrations.js';
import { connectAdmin } from './admin.js';
import { archiveCommand, month } from './archive.js';
import { home } from './options.js';
import { withDatabase } from './services/database.js';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const table = (name: string, rows: number): void => {
  process.stderr.write(`${name}: ${rows} rows\n`);
};

export function addDbCommands(program: Command): void {
  const db = program.command('db').description('the database: migrations, size, backup, restore and archive');
  db.command('migrate')
    .description('bring the schema up to date')
    .addOption(home())
    .action((o) =>
      withDatabase(o.home, async (url) => {
        const done = await migrate(url, allMigrations);
        const admin = await connectAdmin(url, 'swarm db migrate');
        try {
          const { rows } = await admin.query<{ made: string }>(
            'select unnest(board.make_partitions()) as made',
          );
          done.push(...rows.map((r) => `partition ${r.made}`));
        } finally {
          await admin.end();
        }
        say(done.length === 0 ? 'nothing to apply' : done.join('\n'));
      }),
    );
  db.command('status')
    .description('server, migrations, and what takes how much room')
    .addOption(home())
    .option('--json', 'as JSON')
    .action((o) =>
      withDatabase(o.home, async (url) => {
        const status = await databaseStatus(url);
        say(o.json ? JSON.stringify(status) : render(status));
      }),
    );
  db.command('backup')
    .description('a consistent copy of a database in use, into a new directory')
    .addOption(home())
    .requiredOption('--out <dir>', 'directory that does not exist yet')
    .action((o) =>
      withDatabase(o.home, async (url) => {
        const admin = await connectAdmin(url, 'swarm db backup');
        try {
          const { tables } = await backup(admin, resolve(o.out), table);
          say(
            `${tables.reduce((n, t) => n + t.rows, 0)} rows of ${tables.length} tables in ${resolve(o.out)}`,
          );
        } finally {
          await admin.end();
        }
      }),
    );
  db.command('restore')
    .description('a backup into an empty database; agents need new credentials where their logins are gone')
    .argument('<dir>', 'directory of a backup')
    .addOption(home())
    .option('--check', 'read the backup and check every file of it, and restore nothing')
    .action(async (dir, o) => {
      if (o.check) {
        const { tables, made_at } = await verifyBackup(resolve(dir));
        say(
          `whole: ${tables.reduce((n, t) => n + t.rows, 0)} rows of ${tables.length} tables, made ${made_at}`,
        );
        return;
      }
      await withDatabase(o.home, async (url) => {
        const admin = await connectAdmin(url, 'swarm db restore');
        try {
          const { manifest, migrated, logins } = await restore(
            admin,
            url,
            resolve(dir),
            allMigrations,
            table,
          );
          say(`restored what ${resolve(dir)} held at ${manifest.made_at}`);
          if (migrated.length > 0) say(`migrated since: ${migrated.join(', ')}`);
          if (logins > 0)
            say(`${logins} agents have no password on this server: rotate them before they work`);
        } finally {
          await admin.end();
        }
      });
    });
  db.command('archive')
    .description('whole months of finished records into the artifact store, and back')
    .addOption(home())
    .option('--artifacts <dir>', "the artifact store (default: the home's own, or SWARM_S3_*)")
    .option('--before <month>', 'archive every month before this one, such as 2026-01', month)
    .option('--dry-run', 'say what would leave, and leave it')
    .option('--restore <key...>', 'put archives back, by the digests of their manifests')
    .option('--list', 'archives whose rows are not in the tables')
    .action(archiveCommand);
}

interface DatabaseStatus {
  readonly server: string;
  readonly bytes: number;
  readonly pending: readonly string[];
  readonly connections: number;
  readonly max_connections: number;
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
}

async function databaseStatus(url: string): Promise<DatabaseStatus> {
  const admin = await connectAdmin(url, 'swarm db status');
  try {
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
  } finally {
    await admin.end();
  }
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
