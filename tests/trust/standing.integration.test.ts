// The tables that triggers keep say what the records say, however the records came: side by side, in transactions of any kind, some
// of which were given up. What they should say is made anew from the records by trust.rebuild(), which shares no sum with them.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History, NOW, SLOT } from './history.js';
import { inventHistory } from './invent.js';
import { seeded } from './seeded.js';

const NOTED = ['experiment', 'attempt', 'claim', 'verdict', 'decision', 'answer', 'outcome', 'pattern'];
const DERIVED: Readonly<Record<string, string>> = {
  standing: 'select to_jsonb(s) as row from trust.standing s',
  reign_standing: 'select to_jsonb(s) as row from trust.reign_standing s',
  trial: 'select to_jsonb(s) as row from trust.trial s',
  slot: 'select to_jsonb(s) as row from trust.slot s',
  served: 'select to_jsonb(s) as row from trust.served s',
  // Sums that came to nothing may have a row, or none.
  count: 'select to_jsonb(s) as row from trust.count s where n <> 0',
  owner_tally: 'select to_jsonb(s) as row from trust.owner_tally s where events <> 0',
  served_block: 'select to_jsonb(s) as row from trust.served_block s where n <> 0',
  pattern: 'select to_jsonb(predicate) as row from trust.pattern_standing',
};

/** Rounded: floating sums over months depend on their order. */
const OWNERS = `select owner, kind, events, dishonest, round(alpha::numeric, 9), round(beta::numeric, 9), round(shrink::numeric, 9)
  from trust.owner order by owner, kind`;

let ground: Ground;
const writers: pg.Client[] = [];

beforeAll(async () => {
  ground = await openGround('standing');
  for (let i = 0; i < 6; i++) {
    const client = new pg.Client({ connectionString: ground.url });
    await client.connect();
    writers.push(client);
  }
  // The rules for agents are judged elsewhere; a history breaks most of them.
  for (const { table } of await ground.rows<{ table: string }>(
    `select relname::text as table from pg_class where relnamespace = 'board'::regnamespace and relkind in ('r', 'p')`,
  ))
    await ground.admin.query(`alter table board.${table} disable trigger all`);
  await ground.admin.query('alter table board.constant enable trigger rebuilt');
  for (const table of NOTED) await ground.admin.query(`alter table board.${table} enable trigger note`);
});
afterAll(async () => {
  for (const writer of writers) await writer.end();
  await ground.close();
});
beforeEach(() => forget(ground.admin));

async function derived(): Promise<Record<string, unknown[]>> {
  const out: Record<string, unknown[]> = {};
  for (const [name, query] of Object.entries(DERIVED))
    out[name] = (await ground.rows<{ row: unknown }>(`select row from (${query}) r order by row`)).map(
      (r) => r.row,
    );
  return out;
}

async function expectSameAsRebuilt(): Promise<void> {
  const owners = await ground.rows(OWNERS);
  await ground.admin.query('select trust.fold()');
  expect(await ground.rows(OWNERS)).toEqual(owners);
  expect(
    await ground.rows('select from trust.owner_change union all select from trust.count_change'),
  ).toEqual([]);
  const kept = await derived();
  await ground.admin.query('select trust.rebuild()');
  expect(kept).toEqual(await derived());
}

const put = (client: pg.Client, table: string, row: object): Promise<unknown> =>
  client.query(
    `insert into board.${table} select * from jsonb_populate_recordset(null::board.${table}, $1::jsonb)`,
    [JSON.stringify([row])],
  );

/** All rows of a table side by side before those of the next; a conflict of snapshots is tried again, as a writer would. */
async function writeSideBySide(
  rows: readonly { table: string; row: object }[],
  u: () => number,
): Promise<void> {
  for (const table of new Set(rows.map((r) => r.table))) {
    const left = rows.filter((r) => r.table === table).sort(() => u() - 0.5);
    const dealt = writers.map((_, i) => left.filter((_row, k) => k % writers.length === i));
    const kinds = dealt.map((mine) => mine.map(() => u()));
    await Promise.all(
      writers.map(async (client, i) => {
        for (const [k, { row }] of dealt[i]!.entries()) await writeOne(client, table, row, kinds[i]![k]!);
      }),
    );
  }
}

async function writeOne(client: pg.Client, table: string, row: object, kind: number): Promise<void> {
  if (kind < 0.2) {
    await client.query('begin');
    await put(client, table, row);
    await client.query('rollback');
  }
  const level = kind < 0.5 ? 'repeatable read' : 'read committed';
  for (;;) {
    await client.query(`begin isolation level ${level}`);
    try {
      await put(client, table, row);
      await client.query(kind > 0.9 ? 'select trust.fold(); commit' : 'commit');
      return;
    } catch (error) {
      await client.query('rollback');
      if ((error as { code?: string }).code !== '40001') throw error;
    }
  }
}

describe('what triggers keep', () => {
  it.each([1, 2, 3, 4, 5, 6])('is what the records say, written side by side: history %i', async (seed) => {
    await writeSideBySide(inventHistory(seed).rows(), seeded(seed));
    await expectSameAsRebuilt();
  });

  it('counts every verdict on one claim that six checkers judge at once', async () => {
    const h = new History();
    h.promotion(h.agent('p', 'publisher'));
    const claim = h.claim(h.agent('alice', 'explorer'));
    for (let i = 0; i < 6; i++)
      h.verdict(h.agent(`check-${i}`, 'checker'), claim, { verified_gain: 0.04 + i / 1e4 });
    await writeSideBySide(h.rows(), seeded(7));
    expect(await ground.rows('select checks from trust.standing')).toEqual([{ checks: 6 }]);
    await expectSameAsRebuilt();
  });

  it('holds every scored answer once, however its outcomes arrive', async () => {
    const h = new History();
    const publisher = h.agent('p', 'publisher');
    h.promotion(publisher);
    h.promotion(publisher, { kind: 'promote', reign: 1, artifact: digest('one') });
    await h.write(ground.admin);
    const rows: { table: string; row: object }[] = [];
    const common = { agent_id: publisher.id, at: NOW, market_at: NOW };
    for (let i = 0; i < 40; i++) {
      const prompt_id = uuid7();
      rows.push({
        table: 'prompt',
        row: {
          ...common,
          id: prompt_id,
          validator: 'v',
          slot: SLOT,
          competition: 'c',
          asset: `A${i}`,
          start_at: daysAgo(i / 10),
          length_s: 3600,
          increment_s: 60,
          num_simulations: 10,
        },
      });
      const artifact = i % 5 === 0 ? digest('champion') : digest('one');
      const answer = {
        ...common,
        id: uuid7(),
        prompt_id,
        status: 'answered',
        rank: 'champion',
        artifact,
        seed: 's',
        data_until: NOW,
        anchor: 1,
        paths_digest: digest('p'),
        latency_ms: 1,
        reason: '',
        sampling: 'full',
      };
      rows.push({ table: 'answer', row: answer });
      for (const miner of i % 3 === 0 ? ['swarm', 'reference', 'oracle'] : ['swarm', 'reference'])
        rows.push({
          table: 'outcome',
          row: {
            ...common,
            id: uuid7(),
            prompt_id,
            miner,
            validation: 'CORRECT',
            crps: i % 7 === 0 ? -1 : 1 + i / 3,
            prompt_score: 0,
            dataset_digest: digest('d'),
          },
        });
    }
    await writeSideBySide(rows, seeded(8));
    const [slot] = await ground.rows<{ n: number; promoted: boolean; mean_crps: number; diff: number }>(
      'select * from fleet.served',
    );
    const [plain] = await ground.rows<{ n: string; mean_crps: number; diff: number }>(
      'select count(*) as n, avg(crps) as mean_crps, avg(reference_crps - crps) as diff from fleet.served_prompt where promoted',
    );
    expect({ ...slot, n: Number(slot!.n) }).toMatchObject({ n: Number(plain!.n), promoted: true });
    expect(slot!.mean_crps).toBeCloseTo(plain!.mean_crps, 9);
    expect(slot!.diff).toBeCloseTo(plain!.diff, 9);
    await expectSameAsRebuilt();
  });

  it('is made anew when a constant changes', async () => {
    await inventHistory(9).write(ground.admin);
    const honest = async (): Promise<unknown[]> =>
      ground.rows('select claim_id from trust.standing where honest order by 1');
    const before = await honest();
    await ground.admin.query(`update board.constant set value = 1e9 where name = 'honest_z'`);
    try {
      expect((await honest()).length).toBeGreaterThan(before.length);
    } finally {
      await ground.admin.query(`update board.constant set value = 2 where name = 'honest_z'`);
    }
    expect(await honest()).toEqual(before);
  });

  it('counts what lies ahead of a clock that was set back as of now', async () => {
    const h = new History();
    h.promotion(h.agent('p', 'publisher'));
    const claim = h.claim(h.agent('alice', 'explorer'), { market_at: daysAgo(-20) });
    h.verdict(h.agent('carol', 'checker'), claim, { market_at: daysAgo(-20) });
    await h.write(ground.admin);
    const [alice] = await ground.rows<{ alpha: number }>(
      `select alpha from trust.owner where owner = 'alice'`,
    );
    expect(alice!.alpha).toBeCloseTo(2, 9);
  });

  it('cannot be written by any login of an agent', async () => {
    for (const role of ['explorer', 'checker', 'publisher', 'miner', 'relay'] as const) {
      const agent = await ground.enrol(role, `thief-${role}`);
      for (const attack of [
        `insert into trust.owner_change values ('owner-of-thief-${role}', 'claims', now(), 9, 0, 9, 9, 0, 9, 9)`,
        `update trust.owner_tally set honest_weight = 99`,
        `update trust.standing set honest = true`,
        `delete from trust.count_change`,
        'select trust.fold()',
        'select trust.rebuild()',
        `select trust.settle(gen_random_uuid())`,
        `select trust.serve('{}')`,
      ])
        await expect(agent.client.query(attack), attack).rejects.toMatchObject({ code: '42501' });
    }
  });
});
