// Forward-only migrations: numbered plain SQL files, each in a transaction that inserts its own row first, under an
// advisory lock, so two migrators cannot race. A database with migrations that this program does not know is refused.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { explain } from './db.js';
import { debugPoint } from './debug-point.js';
import { SwarmError } from './errors.js';
import { postgresAddress } from './tls.js';

export interface MigrationSet {
  /** The room that owns the files. */
  readonly name: string;
  /** Directory of `0001_name.sql` files. */
  readonly directory: URL;
  /** Statement that makes anew what the set derives from records, after they were put there past the triggers. */
  readonly rebuild?: string;
}

export const blackboardMigrations: MigrationSet = {
  name: 'blackboard',
  directory: new URL('./migrations/', import.meta.url),
};

interface Migration {
  readonly set: string;
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

const LOCK = 7_735_001;

function load(set: MigrationSet): Migration[] {
  return readdirSync(fileURLToPath(set.directory))
    .filter((file) => /^\d{4}_[a-z_]+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, set.directory), 'utf8');
      return {
        set: set.name,
        number: Number(file.slice(0, 4)),
        name: file,
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
      };
    });
}

/** Migrations that a database has, in order; none where it has never been migrated. */
export async function applied(client: pg.Client): Promise<Applied[]> {
  const { rows: there } = await client.query(`select 1 from pg_namespace where nspname = 'migration'`);
  if (there.length === 0) return [];
  return (await client.query<Applied>('select * from migration.applied order by at, set, number')).rows;
}

/** What a database lacks of these sets, by name. Throws like migrate() for a database of another version. */
export async function pending(client: pg.Client, sets: readonly MigrationSet[]): Promise<string[]> {
  const known = sets.flatMap(load);
  const rows = await applied(client);
  for (const row of rows) assertKnown(row, known);
  return known.filter((m) => !rows.some((row) => sameNumber(row, m))).map((m) => `${m.set}/${m.name}`);
}

/** Applies what is missing, in order, or of that only what `upTo` lists; returns the names applied now. */
export async function migrate(
  adminUrl: string,
  sets: readonly MigrationSet[],
  upTo?: readonly Applied[],
): Promise<string[]> {
  const client = new pg.Client({
    ...postgresAddress(adminUrl),
    application_name: 'swarm migrate',
    connectionTimeoutMillis: 10_000,
  });
  // Met again at the next query; without a listener Node would exit.
  client.on('error', () => undefined);
  const done: string[] = [];
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(`create schema if not exists migration;
      create table if not exists migration.applied (
        set text, number int, name text not null, checksum text not null, at timestamptz not null default clock_timestamp(),
        primary key (set, number))`);
    const { rows } = await client.query<Applied>('select * from migration.applied');
    const known = sets.flatMap(load);
    for (const row of [...rows, ...(upTo ?? [])]) assertKnown(row, known);
    for (const migration of known) {
      if (rows.some((row) => sameNumber(row, migration))) continue;
      if (upTo && !upTo.some((row) => sameNumber(row, migration))) continue;
      await apply(client, migration);
      done.push(`${migration.set}/${migration.name}`);
    }
    return done;
  } catch (error) {
    throw explain(error);
  } finally {
    await client.end();
  }
}

/** A migration as the database remembers it. */
export type Applied = Omit<Migration, 'sql'>;

const sameNumber = (a: Applied, b: Applied): boolean => a.set === b.set && a.number === b.number;

function assertKnown(row: Applied, known: readonly Migration[]): void {
  const mine = known.find((migration) => sameNumber(row, migration));
  if (mine === undefined)
    throw new SwarmError(
      'SWARM_E_DB_NEWER',
      `the database has migration ${row.set}/${row.name}, which this program does not know`,
      'It was used by a newer version: install that version, or name another database.',
    );
  if (mine.checksum !== row.checksum)
    throw new SwarmError(
      'SWARM_E_DB_MIGRATION',
      `migration ${row.set}/${row.name} differs from the one that was applied`,
      'Migrations never change once applied: restore the file, or start from an empty database.',
    );
}

async function apply(client: pg.Client, m: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(
      'insert into migration.applied (set, number, name, checksum) values ($1, $2, $3, $4)',
      [m.set, m.number, m.name, m.checksum],
    );
    await client.query(m.sql);
    await debugPoint('migration.before-commit');
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    const text = error instanceof Error ? error.message : String(error);
    throw new SwarmError(
      'SWARM_E_DB_MIGRATION',
      `migration ${m.set}/${m.name} failed and was undone: ${text}`,
      'The database is as it was before; see the message above.',
      { cause: error },
    );
  }
}
