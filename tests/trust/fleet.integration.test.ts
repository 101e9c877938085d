// The read API is documented where it is, and listed where people look.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Board, openBoard } from '../blackboard/board.js';

let board: Board;
beforeAll(async () => {
  board = await openBoard('fleet');
});
afterAll(() => board.close());

it('every view of the fleet and every column of it says what it is', async () => {
  const { rows: silent } = await board.admin.query(
    `select c.relname || coalesce('.' || a.attname, '') as name from pg_class c
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'fleet'::regnamespace and c.relkind = 'v'
       and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)`,
  );
  expect(silent).toEqual([]);
});

it('every view of the fleet is in docs/blackboard.md', async () => {
  const docs = readFileSync(new URL('../../docs/blackboard.md', import.meta.url), 'utf8');
  const { rows } = await board.admin.query<{ name: string }>(
    `select 'fleet.' || relname as name from pg_class where relnamespace = 'fleet'::regnamespace`,
  );
  for (const { name } of rows) expect(docs).toContain(`\`${name}\``);
});
