// Finished months leave the tables only when they are safe in the store, come back whole, and are counted wherever they are.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ArchivedMonth, archive } from '../../blackboard/archive.js';
import { getManifest, piecesOf } from '../../blackboard/archive-manifest.js';
import { archived, returnArchives } from '../../blackboard/archive-return.js';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import { type ArtifactStore, placeOf } from '../../blackboard/artifacts.js';
import { backup } from '../../blackboard/backup.js';
import { restore } from '../../blackboard/restore.js';
import { connectAdmin } from '../../cli/admin.js';
import { auditDatabase } from '../../trust/audit/audit.js';
import { allMigrations } from '../../trust/migrations.js';
import { freshDatabase } from '../postgres.js';
import { type Board, DIGEST, type Enrolled, one, openBoard } from './board.js';
import { SLOT } from './records.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const KINDS = ['alert', 'attempt', 'briefing', 'decision', 'experiment', 'reward'];

let board: Board;
let explorer: Enrolled;
let store: ArtifactStore;
let root: string;

/** First day of the month `n` from this one. */
const month = (n: number): string => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n, 1)).toISOString();
};
const name = (n: number): string => month(n).slice(0, 7);

/**
 * A month of history: twenty chains of briefing, decision and experiment, of which every fourth was claimed and every fifth came to an attempt
 * a month later; alerts; and shares of two miners, one of which was never paid again.
 */
const HISTORY = `
  with n as (select i, overlay(board.new_id()::text placing left(board.first_id($2::timestamptz + i * interval '1 hour')::text, 13) from 1 for 13)::uuid as id,
      $2::timestamptz + i * interval '1 hour' as at, lpad(to_hex(i % 7 + 1), 64, '0') as d from generate_series(1, 20) i
  ), b as (insert into board.briefing (id, agent_id, at, slot, seed, items) select id, $1, at, '${SLOT}', 's', '[{"a": "tab\\tand newline\\n"}]' from n
  ), d as (insert into board.decision (id, agent_id, at, briefing_id, slot, strategist, move, parent_digests, spec, spec_digest, seed, reason)
    select id, $1, at, id, '${SLOT}', 's', 'm', array[d], '{}', d, 's', 'r' from n
  ), e as (insert into board.experiment (id, agent_id, at, decision_id, slot, family, spec, spec_digest, as_of, data_cutoff, dataset_digest,
      windows_digest, n_windows, seed, code_version, artifact, mean_crps, yardstick_crps, gain, se, cost_ms, work_id, fence)
    select id, $1, at, id, '${SLOT}', 'garch', '{}', d, '2025-01-02', '2025-01-01', d, d, 60, 's', 'v', d, 1, 1, 0, 0, 1, 'w', 1 from n where i % 5 > 0
  ), c as (insert into board.claim (id, agent_id, at, experiment_id, slot, artifact, family, spec, spec_digest, as_of, data_cutoff, dataset_digest,
      windows_digest, n_windows, seed, code_version, mean_crps, claimed_gain, claimed_se, signature, work_id, fence)
    select id, $1, at, id, '${SLOT}', d, 'garch', '{}', d, '2025-01-02', '2025-01-01', d, d, 60, 's', 'v', 1, 0, 0, 'x', 'w', 1 from n where i % 4 = 0 and i % 5 > 0
  ), a as (insert into board.attempt (id, agent_id, at, decision_id, stage, code, reason, cost_ms)
    select overlay(id::text placing left(board.first_id(at + interval '1 month')::text, 13) from 1 for 13)::uuid, $1, at + interval '1 month', id, 'fit', 'c', 'r', 1 from n where i % 5 = 0
  ), r as (insert into board.reward (id, agent_id, at, competition, asset, miner, prompts, smoothed, share)
    select id, $1, at, 'all', null, case i when 1 then 'gone ' || left(id::text, 13) else 'swarm' end, 1, 1, 0.5 from n)
  insert into board.alert (id, agent_id, at, severity, code, message) select id, $1, at, 'info', 'c', 'm' from n`;

async function write(n: number): Promise<void> {
  await board.admin.query('set session_replication_role = replica');
  await board.admin.query(HISTORY, [explorer.who.id, month(n)]);
  await board.admin.query('set session_replication_role = origin');
}

beforeEach(async () => {
  board = await openBoard('archive', { market_at: '2025-06-01T00:00:00Z', speed: 0 });
  explorer = await board.enrol('explorer', 'e1', 'alice');
  root = join(board.directory, 'artifacts');
  store = directoryStore(root);
  // As a blackboard looks that has had partitions for months: the first one ends long ago.
  const end = await one(board.admin, 'select board.first_id($1)', [month(-3)]);
  for (const kind of KINDS) {
    await board.admin.query(`alter table board.${kind} detach partition part.${kind}_before`);
    await board.admin.query(
      `alter table board.${kind} attach partition part.${kind}_before for values from (minvalue) to ('${end}')`,
    );
  }
  for (const n of [-3, -2, -1, 0]) await board.admin.query('select board.make_month($1)', [month(n)]);
  for (const n of [-4, -3]) await write(n);
  await board.admin.query('select trust.rebuild()');
  return () => board.close();
});

/** Every row of what may be archived, as text. */
async function contents(client = board.admin): Promise<string[]> {
  const parts = KINDS.map((kind) => `select '${kind} ' || r::text as row from board.${kind} r`);
  return (await client.query(`${parts.join(' union all ')} order by 1`)).rows.map((r) => r.row);
}

const counts = async (client = board.admin) => ({
  fleet: (await client.query('select * from fleet.counts')).rows[0],
  children: (await client.query(`select key, n from trust.counted where name = 'child' order by 1`)).rows,
});

async function move(before = name(-1), to: ArtifactStore | null = store): Promise<ArchivedMonth[]> {
  const done: ArchivedMonth[] = [];
  await archive(board.admin, to, before, (m) => done.push(m));
  return done;
}

const partitions = async () =>
  (
    await board.admin.query(
      `select relname::text as name from pg_class where relnamespace = 'part'::regnamespace and relkind = 'r'`,
    )
  ).rows.map((r) => r.name as string);

describe('an archived month', () => {
  it('takes what is finished, leaves what a claim rests on, and comes back whole', async () => {
    const [all, told] = [await contents(), await counts()];
    // Of twenty chains four were claimed, and four have an attempt in the month after, which leaves with that one.
    const chains = { experiment: 12, decision: 12, briefing: 12 };
    const expected = [
      { month: name(-4), tables: { alert: 20, reward: 19, ...chains } },
      { month: name(-3), tables: { alert: 20, reward: 18, attempt: 4, ...chains } },
      { month: name(-2), tables: { attempt: 4 } },
    ];
    const shape = (m: ArchivedMonth) => ({
      month: m.month,
      tables: Object.fromEntries(m.tables.map((t) => [t.table, t.rows])),
    });
    const dry = await move(name(-1), null);
    expect(dry.map(shape)).toEqual(expected);
    expect(await contents()).toEqual(all);
    const done = await move();
    expect(done.map(shape)).toEqual(expected);
    expect(await contents()).toHaveLength(all.length - done.reduce((n, m) => n + m.rows, 0));
    // What no row was left in is gone as a whole.
    expect(await partitions()).not.toContain(`alert_${name(-3).replace('-', '_')}`);
    expect(await partitions()).toContain(`briefing_${name(-3).replace('-', '_')}`);
    await expect(board.admin.query('delete from part.briefing_before')).rejects.toMatchObject({
      code: 'SW002',
    });
    expect(
      await one(
        board.admin,
        'select count(*)::int from board.claim c join board.experiment e on e.id = c.experiment_id join board.decision d on d.id = e.decision_id',
      ),
    ).toBe(8);
    // Counts go on over both, whether they are kept or made anew.
    expect(await counts()).toEqual(told);
    await board.admin.query('select trust.rebuild()');
    expect(await counts()).toEqual(told);
    // The attempts have left: what they stood on follows.
    const more = await move();
    expect(more.map(shape)).toEqual(
      [-4, -3].map((n) => ({ month: name(n), tables: { decision: 4, briefing: 4 } })),
    );
    expect(await move()).toEqual([]);

    const keys = (await archived(board.admin)).map((a) => a.manifest);
    expect(keys).toHaveLength(5);
    // Attempts rest on decisions that left later.
    await expect(returnArchives(board.admin, store, [keys[4]!])).rejects.toMatchObject({
      code: 'SWARM_E_ARCHIVE_ORDER',
    });
    const rows = [...done, ...more].reduce((n, m) => n + m.rows, 0);
    expect(await returnArchives(board.admin, store, keys)).toBe(rows);
    expect(await contents()).toEqual(all);
    expect(await partitions()).toContain(`alert_${name(-3).replace('-', '_')}`);
    await board.admin.query('select trust.rebuild()');
    expect(await counts()).toEqual(told);
    await expect(returnArchives(board.admin, store, keys)).rejects.toMatchObject({ code: 'SWARM_E_USAGE' });
    // The same rows make the same objects.
    await move();
    await move();
    expect((await archived(board.admin)).filter((a) => keys.includes(a.manifest))).toHaveLength(5);
  });

  it('is told of in a backup', async () => {
    const told = await counts();
    await move();
    const path = join(board.directory, 'backup');
    await backup(board.admin, path);
    const { url, drop } = await freshDatabase('archive_restored');
    const admin = await connectAdmin(url);
    try {
      await restore(admin, url, path, allMigrations);
      expect(await contents(admin)).toEqual(await contents());
      expect(await counts(admin)).toEqual(told);
      expect(await archived(admin)).toHaveLength(3);
    } finally {
      await admin.end();
      await drop();
    }
  });

  it('is what its manifest says, or the audit says otherwise and nothing comes back', async () => {
    await move();
    const audited = async () => {
      const found: string[] = [];
      const { checked } = await auditDatabase(board.admin, store, (f) => {
        if (f.kind === 'archive') found.push(f.reason);
      });
      expect(checked['archive']).toBe(3);
      return found;
    };
    expect(await audited()).toEqual([]);
    const [first] = await archived(board.admin);
    const { tables } = await getManifest(store, first!.manifest);
    expect(tables.map((t) => t.table)).toEqual(['briefing', 'decision', 'experiment', 'reward', 'alert']);
    const piece = join(root, placeOf(tables[0]!.pieces[0]!.key));
    rmSync(piece);
    expect(await audited()).toEqual([expect.stringContaining('SWARM_E_ARTIFACT_MISSING')]);
    writeFileSync(piece, 'something else');
    expect(await audited()).toEqual([expect.stringContaining('SWARM_E_ARTIFACT_DIGEST')]);
    const all = await contents();
    await expect(returnArchives(board.admin, store, [first!.manifest])).rejects.toMatchObject({
      code: 'SWARM_E_ARCHIVE_BROKEN',
    });
    expect(await contents()).toEqual(all);
  });

  it('cannot be one that is not over for a month, or none at all', async () => {
    for (const before of [name(0), name(1), '2026-13', 'now', ''])
      await expect(move(before), before).rejects.toMatchObject({ code: 'SWARM_E_USAGE' });
    expect(
      await refused(
        `insert into board.archive (month, manifest, rows) values ('2026-01-01', '${DIGEST}', 1)`,
      ),
    ).toBe('42501');
    expect(await refused('select * from board.archive')).toBe('42501');
    expect((await explorer.client.query('select * from board.archived')).rows).toEqual([]);
    await move();
    for (const table of ['archive', 'archive_total', 'archive_return'])
      await expect(board.admin.query(`delete from board.${table}`)).rejects.toMatchObject({ code: 'SW002' });
  });
});

const refused = (text: string) =>
  explorer.client.query(text).then(
    () => 'not refused',
    (e) => e.code,
  );

describe('an archive that fails', () => {
  it('with its store has moved nothing, and the next one does it all', async () => {
    const all = await contents();
    for (let n = 0; n < 7; n++) {
      let puts = 0;
      const failing: ArtifactStore = {
        ...store,
        put: (bytes) => (puts++ === n ? Promise.reject(new Error('no space')) : store.put(bytes)),
      };
      if (n < 6) {
        await expect(move(name(-3), failing), String(n)).rejects.toThrow('no space');
        expect(await contents()).toEqual(all);
      } else expect(await move(name(-3), failing)).toHaveLength(1);
    }
  });

  it('when the store holds something else than it was given has moved nothing', async () => {
    const all = await contents();
    const lying: ArtifactStore = { ...store, get: async () => Buffer.from('x') };
    await expect(move(name(-3), lying)).rejects.toMatchObject({ code: 'SWARM_E_ARCHIVE_BROKEN' });
    expect(await contents()).toEqual(all);
    expect(await archived(board.admin)).toEqual([]);
  });

  it.each(['archive.stored', 'archive.before-commit'])('killed at %s has moved nothing', async (point) => {
    const all = await contents();
    const child: ChildProcess = fork(MAIN, ['db', 'archive', '--before', name(-3), '--artifacts', root], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { PATH: process.env['PATH'], SWARM_DATABASE_URL: board.url, SWARM_DEBUG_POINT: point },
    });
    expect((await once(child, 'message'))[0]).toEqual({ reached: point });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await contents()).toEqual(all);
    expect(await move(name(-3))).toHaveLength(1);
  });
});

describe('pieces', () => {
  it('are of whole rows, however the text comes', async () => {
    const text = Array.from({ length: 50 }, (_, i) => `${'x'.repeat(i)}\n`).join('');
    for (const chunk of [1, 7, 100, 10_000]) {
      const chunks = (async function* () {
        for (let at = 0; at < text.length; at += chunk) yield Buffer.from(text.slice(at, at + chunk));
      })();
      const pieces: string[] = [];
      for await (const piece of piecesOf(chunks, 64)) pieces.push(piece.toString());
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((p) => p.endsWith('\n'))).toBe(true);
    }
  });
});
