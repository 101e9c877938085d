// A backup of a blackboard as a directory: one gzipped COPY file per table and a manifest with the sha256 of each.
// Promises: one snapshot of a database in use; whole under its name or not there.
// Leaves to others: reading it (restore.ts), artifacts (they lie in their own store), passwords of logins (the server's, not the database's).
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { z } from 'zod';
import { stateOf } from './db.js';
import { SwarmError } from './errors.js';
import { applied } from './migrate.js';

const FORMAT = 1;
export const MANIFEST = 'manifest.json';
/** Whose tables are kept; views and functions come from migrations, and what they derive is made anew. */
export const SCHEMAS = ['board', 'market'];

const name = z.string().regex(/^[a-z_][a-z0-9_]*$/);
export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  made_at: z.iso.datetime(),
  server: z.string(),
  migrations: z.array(
    z.strictObject({ set: z.string(), number: z.int(), name: z.string(), checksum: z.string() }),
  ),
  tables: z.array(
    z.strictObject({
      schema: name,
      table: name,
      columns: z.array(name).min(1),
      rows: z.int().nonnegative(),
      /** Of the uncompressed COPY text. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  sequences: z.array(z.strictObject({ schema: name, sequence: name, last: z.int(), called: z.boolean() })),
});
export type BackupManifest = z.infer<typeof manifestSchema>;
type Table = BackupManifest['tables'][number];

export const fileOf = (t: Pick<Table, 'schema' | 'table'>): string => `${t.schema}.${t.table}.copy.gz`;
export const quoted = (schema: string, table: string): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;

/** Writes a backup of the whole blackboard to `directory`, which must not exist. */
export async function backup(
  admin: pg.Client,
  directory: string,
  progress: (table: string, rows: number) => void = () => undefined,
): Promise<BackupManifest> {
  if (await stat(directory).catch(() => null))
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${directory} exists`,
      'Name a new directory: a backup never overwrites.',
    );
  const draft = join(dirname(directory), `.${basename(directory)}.${randomUUID()}.part`);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await admin.query('begin isolation level repeatable read read only');
    const { rows: server } = await admin.query<{ server_version: string }>('show server_version');
    const tables: Table[] = [];
    for (const one of await tablesOf(admin)) {
      const table = await dump(admin, draft, one);
      tables.push(table);
      progress(`${table.schema}.${table.table}`, table.rows);
    }
    const manifest: BackupManifest = {
      format: FORMAT,
      made_at: new Date().toISOString(),
      server: server[0].server_version,
      migrations: (await applied(admin)).map(({ set, number, name, checksum }) => ({
        set,
        number,
        name,
        checksum,
      })),
      tables,
      sequences: await sequencesOf(admin),
    };
    await admin.query('commit');
    await writeFile(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    await synced(join(draft, MANIFEST));
    await synced(draft);
    await rename(draft, directory);
    await synced(dirname(directory));
    return manifest;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    await admin.query('rollback').catch(() => undefined);
    if (stateOf(error) !== 'ENOSPC' && stateOf(error) !== 'EDQUOT') throw error;
    throw new SwarmError(
      'SWARM_E_DISK_FULL',
      `no space left for a backup in ${dirname(directory)}`,
      'Free space or name another disk; nothing half-written was left behind.',
      { cause: error },
    );
  }
}

/** Tables in an order in which every reference points backwards, with their columns. */
async function tablesOf(admin: pg.Client): Promise<{ schema: string; table: string; columns: string[] }[]> {
  const { rows } = await admin.query<{ schema: string; table: string; columns: string[]; needs: string[] }>(
    `select n.nspname::text as schema, c.relname::text as "table",
       (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select coalesce(array_agg(distinct f.confrelid::regclass::text), '{}') from pg_constraint f
         where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid and f.conparentid = 0) as needs
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition order by 1, 2`,
    [SCHEMAS],
  );
  const sorted: typeof rows = [];
  const done = new Set<string>();
  for (let left = rows; left.length > 0; ) {
    const next = left.filter((t) => t.needs.every((need) => done.has(need)));
    if (next.length === 0)
      throw new Error(`tables refer to each other in a circle: ${left.map((t) => t.table)}`);
    for (const t of next) done.add(`${t.schema}.${t.table}`);
    sorted.push(...next);
    left = left.filter((t) => !next.includes(t));
  }
  return sorted.map(({ schema, table, columns }) => ({ schema, table, columns }));
}

async function sequencesOf(admin: pg.Client): Promise<BackupManifest['sequences']> {
  const { rows } = await admin.query<{ schema: string; sequence: string }>(
    `select schemaname::text as schema, sequencename::text as sequence from pg_sequences where schemaname = any($1) order by 1, 2`,
    [SCHEMAS],
  );
  const out: BackupManifest['sequences'] = [];
  for (const { schema, sequence } of rows) {
    const at = await admin.query<{ last_value: string; is_called: boolean }>(
      `select last_value, is_called from ${quoted(schema, sequence)}`,
    );
    out.push({ schema, sequence, last: Number(at.rows[0].last_value), called: at.rows[0].is_called });
  }
  return out;
}

/** Passes bytes on, hashing them and counting lines: COPY's text format has one row to a line. */
export function meter(): { through: Transform; sha256: () => string; rows: () => number } {
  const hash = createHash('sha256');
  let rows = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows++;
      done(null, chunk);
    },
  });
  return { through, sha256: () => hash.digest('hex'), rows: () => rows };
}

async function dump(
  admin: pg.Client,
  directory: string,
  { schema, table, columns }: { schema: string; table: string; columns: string[] },
): Promise<Table> {
  const path = join(directory, fileOf({ schema, table }));
  const fields = columns.map((c) => pg.escapeIdentifier(c)).join(', ');
  const count = meter();
  await pipeline(
    admin.query(copy.to(`copy (select ${fields} from ${quoted(schema, table)}) to stdout`)),
    count.through,
    createGzip({ level: 6 }),
    createWriteStream(path, { mode: 0o600, flags: 'wx' }),
  );
  await synced(path);
  return { schema, table, columns, rows: count.rows(), sha256: count.sha256() };
}

async function synced(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
