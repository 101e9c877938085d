// The checks that every scenario ends with are worth what they find: each is made to fail here, by breaking in the database what it
// looks at, in a transaction that is undone.
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import { takeLease } from '../../blackboard/lease.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { foundSlots } from '../miner/reign.js';
import { NOW_S, openWorld, type World } from '../miner/world.js';
import {
  breaches,
  committed,
  everyClaimByEveryChecker,
  INVARIANTS,
  nothingLost,
  sound,
  sweep,
  termsOver,
  waiting,
} from './sound.js';

const SLOT = '1h/BTC';
let world: World;
let claimed: { id: string; artifact: string };

beforeAll(async () => {
  world = await openWorld('sound', { past: 95, slots: [SLOT] });
  await everyClaimByEveryChecker(world);
  await foundSlots(await world.agent('publisher'));
  await world.agent('checker');
  claimed = await claim(await world.agent('explorer'), SLOT, NOW_S, cheapSpec(0.8));
  await sweep(world, 'checker');
});
afterAll(() => world.close());

/** What `look` says while the database is broken by these statements, which no login of ours could say. */
async function broken<T>(statements: string, look: () => Promise<T>): Promise<T> {
  await world.admin.query('begin');
  try {
    await world.admin.query(`set local session_replication_role = replica; ${statements}`);
    return await look();
  } finally {
    await world.admin.query('rollback');
  }
}
const breachesOf = (statements: string): Promise<string[]> =>
  broken(statements, () => breaches(world.admin, null));

const VALUES: Readonly<Record<string, string>> = {
  uuid: 'gen_random_uuid()',
  slot: `'${SLOT}'`,
  sha256: `repeat('a', 64)`,
  short_text: `'x'`,
  text: `'x'`,
  int4: '1',
  int8: '1',
  timestamptz: 'now()',
};

/** Puts a table without any constraint in the place of a kind, with `times` equal rows that have just these columns. */
async function standIn(kind: string, columns: readonly string[], times: number): Promise<string> {
  const { rows } = await world.admin.query<{ name: string; type: string }>(
    `select column_name as name, coalesce(domain_name, udt_name) as type from information_schema.columns
     where table_schema = 'board' and table_name = $1`,
    [kind],
  );
  const values = columns.map((column) => VALUES[rows.find(({ name }) => name === column)!.type]!);
  return `alter table board.${kind} rename to was; create table board.${kind} (like board.was);
    do $$ declare name text; begin
      for name in select attname from pg_attribute where attrelid = 'board.${kind}'::regclass and attnum > 0 loop
        execute format('alter table board.${kind} alter column %I drop not null', name);
      end loop; end $$;
    insert into board.${kind} (${columns}) select o.* from (select ${values}) o, generate_series(1, ${times})`;
}

/** Statements that break a rule, found by how it is worded. */
async function breaking(rule: string): Promise<string> {
  const [, once, columns] = /^one (\w+) for each (.*)$/.exec(rule) ?? [];
  if (once !== undefined) return standIn(once, columns!.split(', '), 2);
  const [, kind, on] = /^every (\w+) stands on its (\w+)$/.exec(rule) ?? [];
  if (kind !== undefined) return standIn(kind, ['id', `${on}_id`], 1);
  const [, ringing] = /^every (\w+) has its event$/.exec(rule) ?? [];
  if (ringing !== undefined) return standIn(ringing, ['id'], 1);
  const [, rung] = /^every event of kind (\w+) has its record$/.exec(rule) ?? [];
  if (rung !== undefined) return `insert into board.outbox (kind, ref) values ('${rung}', gen_random_uuid())`;
  const others: Record<string, () => Promise<string>> = {
    'every prompt with outcomes has an event': () => standIn('outcome', ['id', 'prompt_id'], 1),
    'a promotion and the challenger that may undo it are one transaction': async () =>
      `${await standIn('promotion', ['id', 'slot', 'reign'], 1)}; update board.promotion set kind = 'promote'`,
    'no lease is longer than its term': async () =>
      `insert into board.lease select 'a test', id, 0, clock_timestamp() + interval '31 seconds' from board.agent limit 1`,
    'a lease is its last taker’s': async () =>
      `insert into board.lease select 'a test', id, 0, clock_timestamp() from board.agent limit 1`,
  };
  return others[rule]!();
}

describe('the checks', () => {
  it('find nothing where nothing is wrong', async () => {
    await sound(world);
    expect(await waiting(world)).toEqual([]);
    await nothingLost(world, await committed(world));
  });

  it.each(INVARIANTS.map(([rule]) => rule))('find what breaks "%s"', async (rule) => {
    const found = await breachesOf(await breaking(rule));
    expect(found.filter((breach) => breach.startsWith(`${rule}: `))).not.toEqual([]);
  });

  it.each([
    ['a claim that is not what was signed', 'update board.claim set claimed_gain = 0.5', 'audit: claim'],
    ['a token that nobody took', 'update board.verdict set fence = 999999', 'audit: verdict'],
    ['a trust number that the history does not make', 'delete from board.verdict', 'audit: trust'],
    ['an agent that nobody signed for', 'delete from board.enrolment', 'audit: agent'],
  ])('hear the audit: %s', async (_, statements, said) => {
    const found = await breachesOf(statements);
    expect(found.filter((breach) => breach.startsWith(said))).not.toEqual([]);
  });

  it('miss a record that is gone or different', async () => {
    const before = await committed(world);
    for (const lost of ['delete from board.claim', `update board.decision set reason = 'another'`])
      await expect(broken(lost, () => nothingLost(world, before))).rejects.toThrow();
  });

  it('see a lease that would not end by itself', async () => {
    const long = await breaking('no lease is longer than its term');
    await expect(broken(long, () => termsOver(world))).rejects.toThrow('end by themselves');
  });

  it('see what nobody took up', async () => {
    expect(await broken('delete from board.promotion', () => waiting(world))).toEqual([
      `founding of ${SLOT}`,
    ]);
    // Its author's next claim, while the checker was just there.
    const author = await world.agent('optimizer');
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(0.9));
    await world.admin.query('update board.presence set beat_at = clock_timestamp()');
    expect(await waiting(world)).toEqual([expect.stringMatching(`^check of ${id} by `)]);
    await sweep(world, 'checker');
    const lease = (await takeLease(author.db, 'a test'))!;
    expect(await waiting(world)).toEqual(['lease on a test']);
    await lease.giveBack();
    expect(await waiting(world)).toEqual([]);
  });

  it('read the bytes of artifacts', async () => {
    const directory = join(world.directory, 'artifacts');
    truncateSync(join(directory, claimed.artifact.slice(0, 2), claimed.artifact), 100);
    const found = await broken('', () => breaches(world.admin, directoryStore(directory)));
    expect(found).toEqual([expect.stringContaining('SWARM_E_ARTIFACT_DIGEST')]);
    await expect(sound(world)).rejects.toThrow();
  });
});
