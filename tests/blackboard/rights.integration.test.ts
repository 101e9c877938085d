// What a login cannot do, tried through that login itself rather than read from the catalogue.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { type Board, type Enrolled, insert, one, openBoard } from './board.js';
import { claim, digest, founded, leased, SLOT, verdict } from './records.js';

const DENIED = { code: '42501' };
let board: Board;
let explorer: Enrolled;
let rival: Enrolled;
let checker: Enrolled;
let claimed: { id: string };
const everyone: Enrolled[] = [];

beforeAll(async () => {
  board = await openBoard('rights');
  explorer = await board.enrol('explorer', 'e1');
  rival = await board.enrol('explorer', 'e2');
  checker = await board.enrol('checker', 'c1');
  const publisher = await board.enrol('publisher', 'p1');
  everyone.push(explorer, checker, publisher);
  for (const role of ['optimizer', 'miner', 'validator', 'feed', 'relay'] as const)
    everyone.push(await board.enrol(role, `${role}-1`));
  await founded(publisher, digest(5));
  claimed = await claim(explorer, 1);
  await verdict(checker, claimed.id, digest(5));
});
afterAll(() => board.close());

describe('an agent', () => {
  it("writes no record in another's name", async () => {
    const alert = { severity: 'info', code: 'X', message: 'x' };
    await expect(
      insert(rival.client, 'board.alert', { ...alert, id: uuid7(), agent_id: explorer.who.id }),
    ).rejects.toMatchObject(DENIED);
    await insert(rival.client, 'board.alert', { ...alert, id: uuid7(), agent_id: rival.who.id });
    const { rows } = await board.admin.query(
      `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'agent_id'
       where c.relnamespace = 'board'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity and c.relname <> 'presence'`,
    );
    expect(rows, 'tables with an author but without row security').toEqual([]);
  });

  it("marks no event as seen for another's consumer", async () => {
    await expect(insert(rival.client, 'board.inbox', { consumer: 'e1', event_id: 1 })).rejects.toMatchObject(
      DENIED,
    );
    await insert(rival.client, 'board.inbox', { consumer: 'e2', event_id: 1 });
  });

  it('sets neither the wall time nor the market time of a record', async () => {
    const row = { id: uuid7(), agent_id: rival.who.id, severity: 'info', code: 'X', message: 'x' };
    await expect(
      insert(rival.client, 'board.alert', { ...row, market_at: new Date(0) }),
    ).rejects.toMatchObject(DENIED);
    await expect(insert(rival.client, 'board.alert', { ...row, at: new Date(0) })).rejects.toMatchObject(
      DENIED,
    );
    const { rows } = await board.admin.query(
      `select grantee, table_name, column_name from information_schema.column_privileges
       where grantee like 'swarm_%' and table_schema = 'board' and privilege_type = 'INSERT' and column_name in ('at', 'market_at', 'salt')`,
    );
    expect(rows).toEqual([]);
  });

  it('reads neither stored bars nor the beacon, and writes neither events nor leases nor the clock', async () => {
    const forbidden = [
      'select * from board.beacon',
      `insert into board.outbox (kind, ref) values ('claim', gen_random_uuid())`,
      `insert into board.lease values ('w', gen_random_uuid(), 1, now())`,
      `update board.lease set expires_at = 'infinity'`,
      `update board.presence set beat_at = 'infinity'`,
      `update board.constant set value = 0`,
      'insert into market.clock default values',
      `select nextval('board.fence_token')`,
      'select * from migration.applied',
      'select * from pg_authid',
    ];
    for (const agent of everyone)
      for (const statement of forbidden)
        await expect(agent.client.query(statement), `${agent.who.role}: ${statement}`).rejects.toMatchObject(
          DENIED,
        );
    for (const agent of everyone.filter(({ who }) => who.role !== 'feed'))
      await expect(agent.client.query('select close from market.bar'), agent.who.role).rejects.toMatchObject(
        DENIED,
      );
  });

  it('makes no table, function, schema or role, not even a temporary one', async () => {
    for (const agent of everyone)
      for (const statement of [
        'create table public.t (a int)',
        'create table board.t (a int)',
        'create schema mine',
        'create temporary table t (a int)',
        'create function pg_temp.f() returns int language sql as $$ select 1 $$',
        'create role minion',
        'alter table board.claim disable trigger all',
        'set session_replication_role = replica',
        `set session authorization 'postgres'`,
        'set role postgres',
      ])
        await expect(agent.client.query(statement), `${agent.who.role}: ${statement}`).rejects.toMatchObject(
          DENIED,
        );
  });

  it('inserts the kinds of record of its role and no others', async () => {
    const may = await one<Record<string, string[]>>(
      board.admin,
      `select json_object_agg(role, tables) from (
         select substr(r.rolname, 7) as role, array_agg(distinct c.relname order by c.relname) as tables
         from pg_roles r join pg_class c on c.relnamespace = 'board'::regnamespace and c.relkind in ('r', 'p')
         where r.rolname ~ '^swarm_[a-z]+$' and has_any_column_privilege(r.oid, c.oid, 'insert') group by 1) m`,
    );
    const always = ['alert', 'attempt', 'inbox'];
    const hearing = ['dead_letter'];
    const searching = ['briefing', 'claim', 'compute_job', 'decision', 'experiment', 'llm_call', 'pattern'];
    const own = {
      explorer: [...searching, ...hearing],
      optimizer: [...searching, ...hearing],
      checker: ['verdict', ...hearing],
      publisher: ['challenger', 'gate_step', 'promotion', ...hearing],
      miner: ['answer', 'outcome', 'prompt', 'field_score', ...hearing],
      validator: ['outcome', 'prompt', 'reward'],
      feed: [],
      relay: [],
    };
    expect(may).toEqual(
      Object.fromEntries(Object.entries(own).map(([role, tables]) => [role, [...always, ...tables].sort()])),
    );
    const forged = {
      id: uuid7(),
      agent_id: explorer.who.id,
      claim_id: claimed.id,
      finding: 'refused',
      reason: 'x',
    };
    await expect(insert(explorer.client, 'board.verdict', forged)).rejects.toMatchObject(DENIED);
  });
});

describe('an explorer', () => {
  it('learns that a claim was judged and how it ended, but no number of a verdict', async () => {
    const { rows } = await explorer.client.query(
      'select finding, reason, reign, champion from board.verdict',
    );
    expect(rows).toHaveLength(1);
    for (const column of [
      '*',
      'verified_gain',
      'verified_se',
      'champion_t',
      'differences',
      'window_starts',
      'hidden_to',
    ])
      await expect(
        explorer.client.query(`select ${column} from board.verdict`),
        column,
      ).rejects.toMatchObject(DENIED);
    for (const view of [
      'claim_result',
      'first_verdict',
      'reign_result',
      'screen',
      'check_turn',
      'check_need',
      'event',
      'explanation',
    ])
      await expect(explorer.client.query(`select * from trust.${view}`), view).rejects.toMatchObject(DENIED);
    await expect(explorer.client.query('select screen_t from board.challenger')).rejects.toMatchObject(
      DENIED,
    );
  });

  it("sees no claim's salt, so that it cannot draw its checkers again inside a transaction", async () => {
    await explorer.client.query('select id, claimed_gain from board.claim');
    await expect(explorer.client.query('select salt from board.claim')).rejects.toMatchObject(DENIED);
  });

  it('cannot work an exact verified gain out of what it may read', async () => {
    const exact = 0.0312345;
    const small = await claim(rival, 2, { claimed_gain: 0.0400001 });
    // On windows of its own: on the same ones, doing the same, it would be a copy.
    await verdict(checker, small.id, digest(5), { verified_gain: exact, windows_digest: digest(77) });
    const shrink = await one<number>(
      explorer.client,
      `select shrink from trust.owner where owner = $1 and kind = 'claims'`,
      [rival.who.owner],
    );
    expect(shrink * 0.0400001).toBeCloseTo(0.031, 12);
    const told = await one<number>(
      explorer.client,
      'select verified_gain from trust.known_spec where claim_id = $1',
      [small.id],
    );
    expect(told).toBeCloseTo(0.031, 12);
  });
});

describe("a function with its definer's rights", () => {
  it('puts pg_temp last, so that no temporary type runs code as the administrator', async () => {
    const { rows } = await board.admin.query(
      `select oid::regprocedure::text as name, proconfig from pg_proc where prosecdef and pronamespace::regnamespace::text in ('board', 'market', 'trust', 'fleet')`,
    );
    expect(rows.length).toBeGreaterThan(8);
    for (const { name, proconfig } of rows)
      expect(proconfig, name).toContain('search_path=pg_catalog, pg_temp');
    // Were the right to temporary objects ever granted again, the trap must still not spring.
    await board.admin.query(
      `grant temporary on database ${await one<string>(board.admin, 'select current_database()')} to swarm_explorer`,
    );
    const notices: string[] = [];
    rival.client.on('notice', (n) => notices.push(n.message ?? ''));
    await rival.client.query(`
      create function pg_temp.trap(timestamptz) returns boolean language plpgsql as $$ begin raise notice 'ran as %', current_user; return true; end $$;
      create domain pg_temp.timestamptz as pg_catalog.timestamptz check (pg_temp.trap(value));
      create function pg_temp.text_trap(text) returns boolean language plpgsql as $$ begin raise notice 'ran as %', current_user; return true; end $$;
      create domain pg_temp.text as pg_catalog.text check (pg_temp.text_trap(value));`);
    await rival.client.query(
      `select market.now(), market.visible_until(), market.bars('BTC', 60, 0, 10), board.lease_take('trap', 1)`,
    );
    expect(notices).toEqual([]);
  });
});

describe('a lease of another agent', () => {
  it('is no licence: a result needs its author to be the holder', async () => {
    const { work_id, fence } = await leased(explorer, 'somebody else’s work');
    await expect(
      insert(checker.client, 'board.verdict', {
        id: uuid7(),
        agent_id: checker.who.id,
        claim_id: claimed.id,
        finding: 'refused',
        reason: SLOT,
        reign: 0,
        champion: digest(5),
        hidden_from: new Date(),
        hidden_to: new Date(),
        dataset_digest: digest(1),
        seed: 's',
        code_version: 'v',
        signature: 's',
        work_id,
        fence,
      }),
    ).rejects.toMatchObject({ code: 'SW001' });
  });
});
