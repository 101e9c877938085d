// A backup read back: checked, then put into an empty database and brought up to this program's schema.
// Promises: nothing is written before every file was read and found whole; all rows in one transaction.
// Leaves to others: what a backup is (backup.ts).
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { type BackupManifest, fileOf, MANIFEST, manifestSchema, meter, quoted, SCHEMAS } from './backup.js';
import { SwarmError } from './errors.js';
import { applied, type MigrationSet, migrate } from './migrate.js';
import { partitionsOf } from './partitions.js';

/** A login's counter of refused writes is no row: made anew, at what was told of it. */
const COUNT_REFUSALS = `
  select board.open_refusals(login) from board.agent;
  select setval(format('refusal.%I', a.login)::regclass, max(r.total)) from board.refusal r join board.agent a on a.id = r.subject group by a.login`;

/** Reads a backup's manifest and checks every file of it. SWARM_E_BACKUP_BROKEN names what is wrong. */
export async function verifyBackup(directory: string): Promise<BackupManifest> {
  const broken = (what: string, cause?: unknown): SwarmError =>
    new SwarmError(
      'SWARM_E_BACKUP_BROKEN',
      `${directory} is no whole backup: ${what}`,
      'Nothing was restored. Take another backup, or fetch this one again.',
      { cause },
    );
  let manifest: BackupManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')));
  } catch (cause) {
    throw broken(`${MANIFEST} cannot be read`, cause);
  }
  for (const table of manifest.tables) {
    const count = meter();
    try {
      await pipeline(
        createReadStream(join(directory, fileOf(table))),
        createGunzip(),
        count.through,
        discard(),
      );
    } catch (cause) {
      throw broken(`${fileOf(table)} is missing or cut short`, cause);
    }
    if (count.sha256() !== table.sha256 || count.rows() !== table.rows)
      throw broken(`${fileOf(table)} is not what was written`);
  }
  return manifest;
}

function discard(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/**
 * Restores a backup into an empty database: the schema as it was then, the rows, and the migrations since. Logins that
 * the server does not know are made without a password: rotate each agent before it works again.
 */
export async function restore(
  admin: pg.Client,
  adminUrl: string,
  directory: string,
  sets: readonly MigrationSet[],
  progress: (table: string, rows: number) => void = () => undefined,
): Promise<{
  readonly manifest: BackupManifest;
  readonly migrated: readonly string[];
  readonly logins: number;
}> {
  const manifest = await verifyBackup(directory);
  const there = await admin.query('select 1 from pg_namespace where nspname = any($1)', [SCHEMAS]);
  if (there.rowCount || (await applied(admin)).length > 0)
    throw new SwarmError(
      'SWARM_E_USAGE',
      'the database to restore into is not empty',
      'Restore into a database that was just created: SWARM_DATABASE_URL or a fresh --home.',
    );
  await migrate(adminUrl, sets, manifest.migrations);
  await admin.query('begin');
  try {
    await load(admin, directory, manifest, progress);
    const logins = await missingLogins(admin);
    await admin.query('commit');
    const migrated = await migrate(adminUrl, sets);
    for (const { rebuild } of sets) if (rebuild !== undefined) await admin.query(rebuild);
    await admin.query(COUNT_REFUSALS);
    await admin.query('analyze');
    return { manifest, migrated, logins };
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
}

async function load(
  admin: pg.Client,
  directory: string,
  { tables, sequences }: BackupManifest,
  progress: (table: string, rows: number) => void,
): Promise<void> {
  const all = tables.map((t) => quoted(t.schema, t.table));
  // Partitions have triggers of their own.
  const guarded = [...all, ...(await partitionsOf(admin))];
  // Triggers judge what happens now; these rows were judged when they were written.
  for (const one of guarded) await admin.query(`alter table ${one} disable trigger user`);
  // What migrations seed is in the backup too.
  await admin.query(`truncate ${all.join(', ')}`);
  for (const t of tables) {
    const fields = t.columns.map((c) => pg.escapeIdentifier(c)).join(', ');
    const into = admin.query(copy.from(`copy ${quoted(t.schema, t.table)} (${fields}) from stdin`));
    await pipeline(createReadStream(join(directory, fileOf(t))), createGunzip(), into);
    if (into.rowCount !== t.rows)
      throw new SwarmError(
        'SWARM_E_BACKUP_BROKEN',
        `${t.schema}.${t.table}: ${into.rowCount} rows arrived of ${t.rows}`,
        'Nothing was restored; the files changed while they were read.',
      );
    progress(`${t.schema}.${t.table}`, t.rows);
  }
  for (const s of sequences)
    await admin.query('select setval($1::regclass, $2, $3)', [
      quoted(s.schema, s.sequence),
      s.last,
      s.called,
    ]);
  for (const one of guarded) await admin.query(`alter table ${one} enable trigger user`);
}

/** Logins belong to the server: those that this one lacks are made, with their role's rights and no password. */
async function missingLogins(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ login: string; role: string }>(
    `select login::text, role from board.agent where login not in (select rolname from pg_roles)`,
  );
  for (const { login, role } of rows) {
    await admin.query(`create role ${pg.escapeIdentifier(login)} nologin`);
    await admin.query(`grant ${pg.escapeIdentifier(`swarm_${role}`)} to ${pg.escapeIdentifier(login)}`);
  }
  return rows.length;
}
