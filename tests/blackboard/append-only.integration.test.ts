// Nothing that happened is altered: not by agents, not by the tables' own owner.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Board, type Enrolled, one, openBoard } from './board.js';
import { claim, digest, founded, verdict } from './records.js';

let board: Board;
let explorer: Enrolled;
const appendOnly = (): Promise<string[]> =>
  one<string[]>(
    board.admin,
    `select array_agg(c.relnamespace::regnamespace || '.' || c.relname order by 1) from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgname = 'append_only'`,
  );
const plainColumn = (table: string): Promise<string> =>
  one<string>(
    board.admin,
    `select attname from pg_attribute where attrelid = '${table}'::regclass and attnum > 0 and attidentity = '' and attgenerated = '' order by attnum limit 1`,
  );

beforeAll(async () => {
  board = await openBoard('append only');
  explorer = await board.enrol('explorer', 'e1');
  const publisher = await board.enrol('publisher', 'p1');
  const checker = await board.enrol('checker', 'c1');
  await founded(publisher, digest(5));
  const { id } = await claim(explorer, 1);
  await verdict(checker, id, digest(5));
});
afterAll(() => board.close());

describe('the history', () => {
  it('is every table of the two schemas except those that are named as mutable', async () => {
    const all = await one<string[]>(
      board.admin,
      `select array_agg(schemaname || '.' || tablename order by 1) from pg_tables where schemaname in ('board', 'market')`,
    );
    const mutable = [
      'beacon',
      'budget',
      'budget_turn',
      'constant',
      'inbox',
      'lease',
      'outbox',
      'presence',
      'reservation',
      'spend',
    ].map((t) => `board.${t}`);
    const kept = new Set(await appendOnly());
    expect(all.filter((table) => !kept.has(table)).sort()).toEqual([...mutable, 'market.series'].sort());
  });

  it.each([
    ['update', (t: string, column: string) => `update ${t} set ${column} = ${column}`],
    ['delete', (t: string) => `delete from ${t}`],
    ['truncate', (t: string) => `truncate ${t} cascade`],
  ])('refuses %s even to the owner of the tables', async (_, statement) => {
    for (const table of await appendOnly())
      await expect(
        board.admin.query(statement(table, await plainColumn(table))),
        table,
      ).rejects.toMatchObject({ code: 'SW002' });
    expect(await one<string>(board.admin, 'select count(*) from board.claim')).toBe('1');
  });

  it('refuses the update that hides in an insert', async () => {
    await expect(
      board.admin.query(
        `insert into board.agent select * from board.agent on conflict (id) do update set owner = 'thief'`,
      ),
    ).rejects.toMatchObject({ code: 'SW002' });
  });

  it('is one stream over every record kind', async () => {
    const kinds = await one<string[]>(
      board.admin,
      'select array_agg(distinct kind order by kind) from board.trace',
    );
    expect(kinds).toEqual([
      'agent',
      'briefing',
      'claim',
      'decision',
      'enrolment',
      'experiment',
      'holding',
      'owner',
      'promotion',
      'verdict',
    ]);
    // The archive's own books are the administrator's, not an agent's records.
    const tables = (await appendOnly())
      .filter((t) => t.startsWith('board.') && !t.startsWith('board.archive'))
      .map((t) => t.slice(6));
    const unioned = await one<string>(board.admin, `select pg_get_viewdef('board.trace'::regclass)`);
    for (const table of tables) expect(unioned).toContain(`'${table}'::text`);
  });

  it("gives agents neither update nor delete nor truncate on anything but the relay's mark", async () => {
    const { rows } = await board.admin.query(
      `select grantee, table_schema || '.' || table_name as table_name, privilege_type from information_schema.table_privileges
       where grantee like 'swarm_%' and privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES')
       union select grantee, table_schema || '.' || table_name || '.' || column_name, privilege_type from information_schema.column_privileges
       where grantee like 'swarm_%' and privilege_type in ('UPDATE', 'REFERENCES')`,
    );
    expect(rows).toEqual([
      { grantee: 'swarm_relay', table_name: 'board.outbox.published_at', privilege_type: 'UPDATE' },
    ]);
    for (const statement of [
      'update board.claim set claimed_gain = 0.9',
      'delete from board.claim',
      'truncate board.claim',
    ])
      await expect(explorer.client.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});
