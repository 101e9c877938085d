// Records that grow without end lie in partitions by month, and nobody notices: rights, rules, references and events are the table's.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { applied, migrate } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { freshDatabase } from '../postgres.js';
import { NOW } from '../trust/history.js';
import { inventHistory } from '../trust/invent.js';
import { type Board, DIGEST, type Enrolled, insert, one, openBoard } from './board.js';
import { claim } from './records.js';
import { refusal as refused } from './refusal.js';

let board: Board;
let explorer: Enrolled;

beforeAll(async () => {
  board = await openBoard('partitions');
  explorer = await board.enrol('explorer', 'e1', 'alice');
});
afterAll(() => board.close());

const refusal = async (attempt: Promise<unknown>) => (await refused(attempt)).code;
const PARTITIONED = ['alert', 'attempt', 'briefing', 'decision', 'experiment', 'reward'];
const DAY_MS = 86_400_000;

const alertAt = (client: pg.Client, agent: Enrolled, ms: number, id = uuid7(ms)) =>
  insert(client, 'board.alert', {
    id,
    agent_id: agent.who.id,
    severity: 'info',
    code: 'SWARM_I_TEST',
    message: id,
  }).then(() => id);

const partOf = (id: string, table = 'alert') =>
  one<string>(board.admin, `select tableoid::regclass::text from board.${table} where id = $1`, [id]);

/** Month `n` from this one, as its partitions are named. */
const month = (n: number) => {
  const now = new Date();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n, 1));
  return { ms: first.getTime(), name: first.toISOString().slice(0, 7).replace('-', '_') };
};

describe('a fresh blackboard', () => {
  it('has partitions for this month and the next two', async () => {
    const { rows } = await board.admin.query<{ parent: string; part: string }>(
      `select p.relname::text as parent, c.relname::text as part from pg_inherits i join pg_class c on c.oid = i.inhrelid
       join pg_class p on p.oid = i.inhparent where p.relkind = 'p' order by 1, 2`,
    );
    expect([...new Set(rows.map((r) => r.parent))]).toEqual(PARTITIONED);
    for (const kind of PARTITIONED)
      expect(rows.filter((r) => r.parent === kind).map((r) => r.part)).toEqual([
        `${kind}_${month(1).name}`,
        `${kind}_${month(2).name}`,
        `${kind}_before`,
        `${kind}_other`,
      ]);
  });

  it('gives its agents no right on a partition, and each partition its own guard', async () => {
    expect(
      await one(
        board.admin,
        `select count(*)::int from pg_class c cross join pg_roles r where c.relnamespace = 'part'::regnamespace and r.rolname like 'swarm\\_%'
           and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger') and c.relkind = 'r'`,
      ),
    ).toBe(0);
    for (const statement of [
      'select * from part.alert_before',
      'insert into part.alert_other select * from board.alert',
    ])
      expect(await refusal(explorer.client.query(statement))).toBe('42501');
    for (const statement of [
      'delete from part.alert_before',
      'truncate part.alert_before',
      'update part.attempt_other set code = $$x$$',
    ])
      expect(await refusal(board.admin.query(statement))).toBe('SW002');
    expect(
      await one(
        board.admin,
        `select count(*)::int from pg_class c where c.relnamespace = 'part'::regnamespace and c.relkind = 'r'
           and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'append_only')`,
      ),
    ).toBe(0);
  });

  it('keeps the rules of its tables', async () => {
    expect(await refusal(board.admin.query('delete from board.alert'))).toBe('SW002');
    expect(await refusal(explorer.client.query(`update board.alert set code = 'x'`))).toBe('42501');
    expect(await refusal(alertAt(explorer.client, { who: { id: uuid7() } } as Enrolled, Date.now()))).toBe(
      '42501',
    );
    const id = await alertAt(explorer.client, explorer, Date.now());
    expect(await refusal(alertAt(explorer.client, explorer, 0, id))).toBe('23505');
    // Fences, references and events of a chain of records hold across partitions.
    const made = await claim(explorer, 1);
    expect(
      await one(board.admin, `select count(*)::int from board.outbox where kind = 'claim' and ref = $1`, [
        made.id,
      ]),
    ).toBe(1);
    expect(await one(board.admin, `select claims::int from fleet.counts`)).toBe(1);
    expect(await one(board.admin, `select experiments::int from fleet.counts`)).toBe(1);
  });
});

describe('where a row goes', () => {
  it('is said by its id, and an agent writes about now', async () => {
    expect(await partOf(await alertAt(explorer.client, explorer, Date.now()))).toBe('part.alert_before');
    for (const ms of [Date.now() - 8 * DAY_MS, Date.now() + 8 * DAY_MS, 0])
      expect(await refusal(alertAt(explorer.client, explorer, ms)), String(ms)).toBe('SW011');
    // Ten minutes of a clock that is off are about now.
    await alertAt(explorer.client, explorer, Date.now() - 600_000);
    await alertAt(explorer.client, explorer, Date.now() + 600_000);
    expect(await refusal(alertAt(explorer.client, explorer, 0, '0c5d3f0e-8a37-4d5e-9f64-5f2b8f4d7a11'))).toBe(
      'SW011',
    );
  });

  it('is a month of its own where there is one, and `other` where there is none', async () => {
    const at = async (ms: number) => partOf(await alertAt(board.admin, explorer, ms));
    expect(await at(month(1).ms)).toBe(`part.alert_${month(1).name}`);
    expect(await at(month(2).ms - 1)).toBe(`part.alert_${month(1).name}`);
    expect(await at(month(3).ms)).toBe('part.alert_other');
    expect(await at(0)).toBe('part.alert_before');
    expect(
      await partOf(await alertAt(board.admin, explorer, 0, 'ffffffff-ffff-4fff-bfff-ffffffffffff')),
    ).toBe('part.alert_other');
  });

  it('is made ahead by a publisher, by nobody else, and not where rows already went elsewhere', async () => {
    const publisher = await board.enrol('publisher', 'p1');
    expect(await one(publisher.client, 'select board.make_partitions()')).toEqual([]);
    expect(await refusal(explorer.client.query('select board.make_partitions()'))).toBe('42501');
    expect(await refusal(publisher.client.query('select board.make_month(now())'))).toBe('42501');
    const make = (n: number) =>
      one<string[]>(board.admin, 'select board.make_month($1)', [new Date(month(n).ms)]);
    expect(await make(0)).toEqual([]);
    expect((await make(3)).sort()).toEqual(
      PARTITIONED.filter((k) => k !== 'alert').map((k) => `${k}_${month(3).name}`),
    );
    expect(await make(4)).toHaveLength(6);
    const id = await alertAt(board.admin, explorer, month(4).ms);
    expect(await partOf(id)).toBe(`part.alert_${month(4).name}`);
    expect(await refusal(board.admin.query(`delete from part.alert_${month(4).name}`))).toBe('SW002');
  });
});

/** What claims that were made up rest on. */
const CHAINS = `
  set session_replication_role = replica;
  insert into board.briefing (id, agent_id, market_at, slot, seed, items) select experiment_id, agent_id, market_at, slot, seed, '[]' from board.claim;
  insert into board.decision (id, agent_id, market_at, briefing_id, slot, strategist, move, parent_digests, spec, spec_digest, seed, reason)
    select experiment_id, agent_id, market_at, experiment_id, slot, 's', 'm', array[spec_digest], spec, spec_digest, seed, 'r' from board.claim;
  insert into board.experiment (id, agent_id, market_at, decision_id, slot, family, spec, spec_digest, as_of, data_cutoff, dataset_digest,
      windows_digest, n_windows, seed, code_version, artifact, mean_crps, yardstick_crps, gain, se, cost_ms, work_id, fence)
    select experiment_id, agent_id, market_at, experiment_id, slot, family, spec, spec_digest, as_of, data_cutoff, dataset_digest,
      windows_digest, n_windows, seed, code_version, artifact, mean_crps, 1, 0, 0, 1, work_id, fence from board.claim;
  set session_replication_role = origin`;

describe('a blackboard from before', () => {
  it('becomes partitions as it lies, with its rights, views and numbers', async () => {
    const { url, drop } = await freshDatabase('grown');
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    try {
      const before = (await applied(board.admin)).filter((m) => m.number <= (m.set === 'trust' ? 5 : 7));
      await migrate(url, allMigrations, before);
      await admin.query(
        `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
         values ('replay', $1, 'seed', 'profile', '{crypto_1h/BTC}', $2, '2024-01-01', 0)`,
        [DIGEST, NOW],
      );
      await inventHistory(3).write(admin);
      await admin.query(CHAINS);
      await admin.query('select trust.rebuild()');
      await admin.query(
        `insert into board.alert (id, agent_id, severity, code, message) select i, (select id from board.agent limit 1), 'info', 'c', 'm'
         from unnest(array['01900000-0000-7000-8000-000000000001', 'ffffffff-ffff-4fff-bfff-ffffffffffff']::uuid[]) i`,
      );
      const told = async () => ({
        counts: (await admin.query('select * from fleet.counts')).rows,
        trust: (await admin.query('select * from trust.owner order by 1, 2')).rows,
        trace: (await admin.query('select kind, id from board.trace order by 1, 2')).rows,
        known: (await admin.query('select * from trust.known_spec order by 1')).rows,
        rights: (
          await admin.query(
            `select grantee, table_name, column_name, privilege_type from information_schema.column_privileges
             where table_schema = 'board' and grantee like 'swarm\\_%' order by 1, 2, 3, 4`,
          )
        ).rows,
        rules: (
          await admin.query(
            `select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
             where connamespace = 'board'::regnamespace and conparentid = 0 and contype in ('f', 'c', 'p', 'u') order by 1, 2`,
          )
        ).rows,
        triggers: (
          await admin.query(
            `select pg_get_triggerdef(oid) as t from pg_trigger where not tgisinternal and tgrelid::regclass::text like 'board.%' and tgname <> 'b_id'
             order by 1`,
          )
        ).rows,
      });
      const was = await told();
      const partitions = (await applied(board.admin)).filter((m) => m.number <= (m.set === 'trust' ? 5 : 8));
      await migrate(url, allMigrations, partitions);
      expect(await told()).toEqual(was);
      expect(await one(admin, 'select count(*)::int from part.alert_before')).toBe(1);
      expect(await one(admin, 'select count(*)::int from part.alert_other')).toBe(1);
      expect(
        await one(admin, `select count(*)::int from pg_constraint where contype = 'f' and not convalidated`),
      ).toBe(0);
      await migrate(url, allMigrations);
      await admin.query('select trust.rebuild()');
      expect((await told()).counts).toEqual(was.counts);
    } finally {
      await admin.end();
      await drop();
    }
  });
});
