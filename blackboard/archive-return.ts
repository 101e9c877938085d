// Puts archived months back where they were.
// Promises: nothing is written before every object was read and found whole; all rows in one transaction, with the note of their return.
// Leaves to others: what an archive is (archive-manifest.ts).
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { type ArchiveManifest, getManifest, getPiece } from './archive-manifest.js';
import type { ArtifactStore } from './artifacts.js';
import { stateOf } from './db.js';
import { SwarmError } from './errors.js';
import { partitionsOf } from './partitions.js';

const FOREIGN_KEY = '23503';

/** Archives whose rows are not in the tables, oldest first. */
export async function archived(
  admin: pg.ClientBase,
): Promise<{ id: string; month: string; manifest: string; rows: number }[]> {
  const { rows } = await admin.query(
    `select a.id, to_char(a.month, 'YYYY-MM') as month, a.manifest, a.rows::float8 as rows from board.archive a
     where not exists (select from board.archive_return r where r.archive_id = a.id) order by a.month, a.at`,
  );
  return rows;
}

/** Puts the archives with these manifests back; returns how many rows came. */
export async function returnArchives(
  admin: pg.Client,
  store: ArtifactStore,
  keys: readonly string[],
): Promise<number> {
  const out = await archived(admin);
  const wanted = [...new Set(keys)].map((key) => {
    const known = out.filter((a) => a.manifest === key);
    if (known.length > 0) return { key, ids: known.map((a) => a.id) };
    throw new SwarmError(
      'SWARM_E_USAGE',
      `no archive ${JSON.stringify(key.slice(0, 80))} is missing from this blackboard`,
      '`select * from board.archive` lists them; what has a row in board.archive_return is there already.',
    );
  });
  const spool = await mkdtemp(join(tmpdir(), 'swarm-archive-'));
  try {
    const files: { table: string; columns: string[]; path: string }[] = [];
    const months = new Set<string>();
    for (const { key } of wanted) {
      const manifest: ArchiveManifest = await getManifest(store, key);
      months.add(manifest.month);
      for (const { table, columns, pieces } of manifest.tables)
        for (const piece of pieces) {
          const path = join(spool, String(files.length));
          await writeFile(path, await getPiece(store, piece), { mode: 0o600 });
          files.push({ table, columns, path });
        }
    }
    return await putBack(
      admin,
      files,
      months,
      wanted.flatMap((w) => w.ids),
    );
  } finally {
    await rm(spool, { recursive: true, force: true });
  }
}

/** What refers comes after what is referred to, whichever archive it is in. */
const ORDER = ['briefing', 'decision', 'experiment', 'attempt', 'reward', 'alert'];

async function putBack(
  admin: pg.Client,
  files: readonly { table: string; columns: string[]; path: string }[],
  months: ReadonlySet<string>,
  ids: readonly string[],
): Promise<number> {
  let rows = 0;
  await admin.query('begin');
  try {
    await admin.query(`set local lock_timeout = '10s'`);
    for (const month of months) await admin.query('select board.make_month($1)', [`${month}-01T00:00:00Z`]);
    for (const table of ORDER) {
      const mine = files.filter((f) => f.table === table);
      if (mine.length === 0) continue;
      const guarded = [`board.${table}`, ...(await partitionsOf(admin, table))];
      // Triggers judge what happens now, and have counted these rows already.
      for (const one of guarded) await admin.query(`alter table ${one} disable trigger user`);
      for (const { columns, path } of mine) {
        const fields = columns.map((c) => pg.escapeIdentifier(c)).join(', ');
        const into = admin.query(copy.from(`copy board.${table} (${fields}) from stdin`));
        await pipeline(createReadStream(path), into);
        rows += into.rowCount ?? 0;
      }
      for (const one of guarded) await admin.query(`alter table ${one} enable trigger user`);
    }
    await admin.query('insert into board.archive_return (archive_id) select unnest($1::uuid[])', [ids]);
    await admin.query('commit');
    return rows;
  } catch (error) {
    await admin.query('rollback');
    if (stateOf(error) !== FOREIGN_KEY) throw error;
    throw new SwarmError(
      'SWARM_E_ARCHIVE_ORDER',
      'some of these records rest on records of another archive',
      'Nothing was changed. Name that archive in the same command: it is of the same month or an earlier one.',
      { cause: error },
    );
  }
}
