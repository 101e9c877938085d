// Moves months of finished records out of the blackboard into the artifact store.
// Promises: rows leave in one transaction per month, after every byte of them was stored and read back; killed anywhere before that,
// nothing is lost and the next call makes the same objects; what is not finished stays.
// Leaves to others: the objects (archive-manifest.ts), putting rows back (archive-return.ts).
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import copy from 'pg-copy-streams';
import {
  type ArchiveManifest,
  type ArchiveTable,
  piecesOf,
  putManifest,
  putPiece,
} from './archive-manifest.js';
import type { ArtifactStore } from './artifacts.js';
import { debugPoint } from './debug-point.js';
import { SwarmError } from './errors.js';
import { applied } from './migrate.js';

/**
 * What may leave, in an order in which nothing is left behind that refers to it; `leaving.X` is a list of ids made before. A record
 * is finished when its month is over and nothing that stays refers to it: what a claim rests on stays with the claim, and claims,
 * verdicts, patterns, prompts and everything of the gate never leave.
 */
const FINISHED: readonly (readonly [table: string, rule: string])[] = [
  ['alert', 'true'],
  // The latest share of each miner is what stands.
  [
    'reward',
    `exists (select from board.reward n where n.competition = r.competition and n.asset is not distinct from r.asset and n.miner = r.miner and n.id > r.id)`,
  ],
  ['attempt', 'true'],
  // As long as a claim about its instant could still be made, the same spec is not tried again.
  [
    'experiment',
    `not exists (select from board.claim c where c.experiment_id = r.id) and r.as_of < market.now() - interval '72 hours'`,
  ],
  [
    'decision',
    `not exists (select from board.experiment e where e.decision_id = r.id and e.id not in (select id from leaving_experiment))
     and not exists (select from board.attempt a where a.decision_id = r.id and a.id not in (select id from leaving_attempt))
     and not exists (select from board.llm_call l where l.decision_id = r.id) and not exists (select from board.compute_job j where j.decision_id = r.id)`,
  ],
  [
    'briefing',
    'not exists (select from board.decision d where d.briefing_id = r.id and d.id not in (select id from leaving_decision))',
  ],
];

export interface ArchivedMonth {
  readonly month: string;
  readonly rows: number;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Digest of the manifest; null on a dry run. */
  readonly manifest: string | null;
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/** Archives every month before `before` (YYYY-MM) that has finished records; with no store it only counts them. */
export async function archive(
  admin: pg.Client,
  store: ArtifactStore | null,
  before: string,
  done: (month: ArchivedMonth) => void = () => undefined,
): Promise<void> {
  for (const month of await monthsBefore(admin, before)) {
    const counts = await gather(admin, month);
    try {
      const tables = counts.filter((t) => t.rows > 0);
      const rows = tables.reduce((n, t) => n + t.rows, 0);
      if (rows === 0) continue;
      const manifest = store === null ? null : await moveOut(admin, store, month, tables);
      done({ month, rows, tables, manifest });
    } finally {
      for (const [table] of FINISHED) await admin.query(`drop table if exists leaving_${table}`);
    }
  }
}

async function monthsBefore(admin: pg.Client, before: string): Promise<string[]> {
  if (!MONTH.test(before)) throw usage(`"${before}" is no month`, 'Name one as 2026-01.');
  const { rows: limit } = await admin.query<{ over: boolean }>(
    `select to_date($1, 'YYYY-MM') <= date_trunc('month', clock_timestamp(), 'UTC') at time zone 'UTC' - interval '1 month' as over`,
    [before],
  );
  if (!limit[0]!.over)
    throw usage(
      `months before ${before} include one that is not over for a month`,
      'Leave this month and the last one where they are.',
    );
  const { rows } = await admin.query<{ month: string }>(
    `${FINISHED.map(
      ([table]) => `select distinct ${MONTH_OF} as month from board.${table} r where ${BEFORE}`,
    ).join(' union ')} order by 1`,
    [before],
  );
  return rows.map((r) => r.month);
}

const usage = (what: string, todo: string): SwarmError => new SwarmError('SWARM_E_USAGE', what, todo);

/** The instant of an id in ms, as its first 48 bits say. */
const MONTH_OF = `to_char(to_timestamp(('x' || substr(replace(r.id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) at time zone 'UTC', 'YYYY-MM')`;
const BEFORE = `r.id < board.first_id(to_date($1, 'YYYY-MM')::timestamp at time zone 'UTC')`;

/** Lists what leaves, as of one instant. Both the id and the database's own word must lie in the month or before its end. */
async function gather(admin: pg.Client, month: string): Promise<{ table: string; rows: number }[]> {
  const counts: { table: string; rows: number }[] = [];
  await admin.query('begin isolation level repeatable read');
  try {
    for (const [table, rule] of FINISHED) {
      await admin.query(`create temp table leaving_${table} (id uuid primary key)`);
      const { rowCount } = await admin.query(
        `insert into leaving_${table} select r.id from board.${table} r
         where r.id >= board.first_id($1::timestamptz) and r.id < board.first_id($1::timestamptz + interval '1 month')
           and r.at < $1::timestamptz + interval '1 month' and ${rule}`,
        [`${month}-01T00:00:00Z`],
      );
      await admin.query(`analyze leaving_${table}`);
      counts.push({ table, rows: rowCount ?? 0 });
    }
    await admin.query('commit');
    return counts;
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
}

async function moveOut(
  admin: pg.Client,
  store: ArtifactStore,
  month: string,
  leaving: readonly { table: string; rows: number }[],
): Promise<string> {
  const tables: ArchiveTable[] = [];
  for (const { table, rows } of leaving.toReversed()) tables.push(await stored(admin, store, table, rows));
  const migrations = (await applied(admin)).map(({ set, number, name, checksum }) => ({
    set,
    number,
    name,
    checksum,
  }));
  const manifest: ArchiveManifest = { format: 1, kind: 'archive', month, migrations, tables };
  const key = await putManifest(store, manifest);
  await debugPoint('archive.stored');
  await admin.query('begin');
  try {
    await admin.query(`set local lock_timeout = '10s'`);
    await noteTotals(admin, month, key, tables);
    for (const { table, rows } of leaving) await remove(admin, table, rows);
    await debugPoint('archive.before-commit');
    await admin.query('commit');
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
  return key;
}

/** Spooled to disk first: a statement does not stay open over calls to a store. */
async function stored(
  admin: pg.Client,
  store: ArtifactStore,
  table: string,
  rows: number,
): Promise<ArchiveTable> {
  const { rows: fields } = await admin.query<{ name: string }>(
    `select attname::text as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [`board.${table}`],
  );
  const columns = fields.map((f) => f.name);
  const spool = await mkdtemp(join(tmpdir(), 'swarm-archive-'));
  try {
    const text = admin.query(
      copy.to(
        `copy (select ${columns.map((c) => `r.${pg.escapeIdentifier(c)}`).join(', ')} from board.${table} r join leaving_${table} using (id) order by r.id) to stdout`,
      ),
    );
    const files: string[] = [];
    for await (const piece of piecesOf(text)) {
      const path = join(spool, String(files.length));
      await writeFile(path, piece, { mode: 0o600 });
      files.push(path);
    }
    const pieces: ArchiveTable['pieces'] = [];
    for (const path of files) pieces.push(await putPiece(store, await readFile(path)));
    if (pieces.reduce((n, p) => n + p.rows, 0) !== rows) throw changed(table);
    return { table, columns, rows, pieces };
  } finally {
    await rm(spool, { recursive: true, force: true });
  }
}

/** What counts over records, and over those that left: see board.archive_total. */
async function noteTotals(
  admin: pg.Client,
  month: string,
  key: string,
  tables: readonly ArchiveTable[],
): Promise<void> {
  const { rows } = await admin.query<{ id: string }>(
    'insert into board.archive (month, manifest, rows) values ($1, $2, $3) returning id',
    [`${month}-01`, key, tables.reduce((n, t) => n + t.rows, 0)],
  );
  const { id } = rows[0]!;
  for (const t of tables)
    await admin.query('insert into board.archive_total values ($1, $2, $3, $4)', [id, t.table, '', t.rows]);
  await admin.query(
    `insert into board.archive_total
     select $1::uuid, 'decision of', d.agent_id::text, count(*) from board.decision d join leaving_decision using (id) group by d.agent_id
     union all
     select $1::uuid, 'child', d.slot || ' ' || p.digest, count(*) from board.decision d join leaving_decision using (id)
       cross join lateral (select distinct unnest(d.parent_digests) as digest) p group by d.slot, p.digest`,
    [id],
  );
}

/** A partition of which every row leaves goes as a whole; otherwise row by row. A reference that came meanwhile undoes it all. */
async function remove(admin: pg.Client, table: string, rows: number): Promise<void> {
  const { rows: parts } = await admin.query<{ part: string; n: number }>(
    `select r.tableoid::regclass::text as part, count(*)::float8 as n from board.${table} r join leaving_${table} using (id) group by 1`,
  );
  if (parts.reduce((n, p) => n + p.n, 0) !== rows) throw changed(table);
  for (const { part, n } of parts) {
    if (/_\d{4}_\d{2}$/.test(part)) {
      // From here nobody writes there; a row that just came is seen by the count.
      await admin.query(`lock table ${part} in access exclusive mode`);
      const { rows: all } = await admin.query<{ n: number }>(`select count(*)::float8 as n from ${part}`);
      if (all[0]!.n === n) {
        await admin.query(`alter table board.${table} detach partition ${part}`);
        await admin.query(`drop table ${part}`);
        continue;
      }
    }
    await admin.query(`alter table ${part} disable trigger append_only`);
    await admin.query(`delete from ${part} r using leaving_${table} l where r.id = l.id`);
    await admin.query(`alter table ${part} enable trigger append_only`);
  }
}

const changed = (table: string): SwarmError =>
  new SwarmError(
    'SWARM_E_DB_CONFLICT',
    `board.${table} changed while it was archived`,
    'Nothing left it. Run the command again; is another one at work?',
  );
