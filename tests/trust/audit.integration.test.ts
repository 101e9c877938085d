// The audit of a database: silent about an honest history, and exact about one that somebody with every right has altered.
// Each alteration happens in a transaction that is rolled back: the copy that is tampered with is the transaction's.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { newKeyPair } from '../../blackboard/keys.js';
import { auditDatabase, auditSnapshot } from '../../trust/audit/audit.js';
import type { Finding } from '../../trust/audit/finding.js';
import { type Board, type Enrolled, one } from '../blackboard/board.js';
import { type Audited, openAudited } from './audited.js';
import { type Ground, openGround } from './ground.js';
import { writeGrownFleet } from './grown.js';

let board: Board;
let store: ArtifactStore;
let claims: Audited['claims'];
let verdicts: Audited['verdicts'];
let promotion: Audited['promotion'];
let explorer: Enrolled;

beforeAll(async () => {
  ({ board, store, claims, verdicts, promotion, explorer } = await openAudited());
});
afterAll(() => board.close());

/** What the audit finds after a superuser's statements, none of which is kept. */
async function alteredBy(statement: string, values: readonly unknown[] = []): Promise<Finding[]> {
  const { admin } = board;
  const found: Finding[] = [];
  await admin.query('begin');
  try {
    await admin.query('set local session_replication_role = replica');
    await admin.query(statement, [...values]);
    await auditSnapshot(admin, store, (finding) => found.push(finding));
  } finally {
    await admin.query('rollback');
  }
  return found;
}

describe('an honest history', () => {
  it('has nothing that does not match, and the audit says how much it looked at', async () => {
    const found: Finding[] = [];
    const result = await auditDatabase(board.admin, store, (finding) => found.push(finding));
    expect(found).toEqual([]);
    expect(result).toMatchObject({
      findings: 0,
      checked: {
        enrolment: 7,
        revocation: 1,
        claim: 3,
        verdict: 9,
        promotion: 2,
        gate: 1,
        credit: 1,
        artifact: 4,
      },
    });
    expect(result.checked['trust']).toBeGreaterThanOrEqual(5);
    expect(result.checked['holding']).toBeGreaterThanOrEqual(13);
  });

  it('has a challenger with a loss on its account that it did not state and has not shown', async () => {
    expect(await one<number>(board.admin, 'select unseen from board.challenger')).toBeCloseTo(5 / 3, 12);
  });

  it('may be audited by a login that can only read', async () => {
    await board.admin.query('begin; set local role swarm_reader');
    const found: Finding[] = [];
    await auditSnapshot(board.admin, null, (finding) => found.push(finding)).finally(() =>
      board.admin.query('rollback'),
    );
    expect(found).toEqual([]);
  });

  it('of a running clock matches too', async () => {
    await board.setClock({ market_at: '2025-03-20T00:00:00Z', speed: 100_000 });
    const found: Finding[] = [];
    await auditDatabase(board.admin, store, (finding) => found.push(finding));
    expect(found).toEqual([]);
  });
});

describe('an altered one', () => {
  const first = (): string => claims[0]!.id;

  it.each([
    ['a claimed gain', 'claim', 'update board.claim set claimed_gain = claimed_gain * 2 where id = $1'],
    ['a claimed artifact', 'claim', `update board.claim set artifact = repeat('a', 64) where id = $1`],
    [
      'the author of a claim',
      'claim',
      `update board.claim set agent_id = (select id from board.agent where name = 'p1') where id = $1`,
    ],
    ['a signature', 'claim', `update board.claim set signature = reverse(signature) where id = $1`],
    [
      'the instant of a claim, to before its author',
      'claim',
      `update board.claim set at = '2020-01-01' where id = $1`,
    ],
    ['the token of a claim', 'claim', 'update board.claim set fence = 999999 where id = $1'],
    [
      "the token of a claim, to another's",
      'claim',
      `update board.claim set fence = (select min(fence) from board.verdict) where id = $1`,
    ],
  ])('is found by its claim: %s', async (_, kind, statement) => {
    const found = await alteredBy(statement, [first()]);
    expect(found).toContainEqual({ kind, id: first(), reason: expect.any(String) });
    expect(found.filter((f) => f.kind === 'claim')).toHaveLength(
      found.filter((f) => f.id === first()).length,
    );
  });

  it('is found by its verdict', async () => {
    const { id } = verdicts[4]! as { id: string };
    for (const change of [
      `verified_gain = 0.2`,
      `differences = '{1,2}'`,
      `finding = 'refused', reason = 'x'`,
    ])
      expect(
        await alteredBy(`update board.verdict set ${change} where id = $1`, [id]),
        change,
      ).toContainEqual({
        kind: 'verdict',
        id,
        reason: expect.stringContaining('is not what c2 signed'),
      });
  });

  it('is found by its promotion, signed or worked out anew', async () => {
    expect(
      await alteredBy('update board.promotion set e_value = e_value * 10 where id = $1', [promotion.id]),
    ).toEqual([
      { kind: 'promotion', id: promotion.id, reason: 'it is not what p1 signed' },
      { kind: 'gate', id: promotion.id, reason: expect.stringContaining('it states E ') },
    ]);
  });

  it.each([
    [
      'update board.gate_step set x = x * 1.1 where start_at = (select min(start_at) from board.gate_step)',
      'window 1 states x',
    ],
    [
      'update board.gate_step set challenger_crps = 90 where start_at = (select max(start_at) from board.gate_step)',
      'window 60 states x',
    ],
    [
      'delete from board.gate_step where start_at = (select max(start_at) from board.gate_step)',
      'and 59 are there',
    ],
    ['update board.gate_step set x = 0.01, challenger_crps = 99.94', 'it states E'],
    ['update board.outcome set crps = 99', 'window 1 states 100 for the champion'],
    ['delete from board.outcome', 'was scored null'],
    ['update board.challenger set alpha = 0.9', 'alpha'],
    ['update board.challenger set unseen = 0', 'it states E'],
    [`update board.challenger set artifact = repeat('b', 64)`, 'not its challenger'],
    ['update board.prompt set length_s = 7200', 'overlaps'],
  ])('is found by its gate: %s', async (statement, said) => {
    expect(await alteredBy(statement)).toContainEqual({
      kind: 'gate',
      id: promotion.id,
      reason: expect.stringContaining(said),
    });
  });

  it('is found by its enrolment: who the agent is, whose it is, and which key it has', async () => {
    const { publicKey } = newKeyPair();
    const id = await one<string>(board.admin, 'select id from board.enrolment where agent_id = $1', [
      explorer.who.id,
    ]);
    for (const [statement, values] of [
      [`update board.agent set owner = 'paula' where name = 'e1'`, []],
      [`update board.agent set role = 'checker' where name = 'e1'`, []],
      [`update board.agent set name = 'e9' where name = 'e1'`, []],
      [`update board.owner set public_key = $1 where name = 'alice'`, [publicKey]],
      [`delete from board.owner where name = 'alice'`, []],
    ] as const)
      expect(await alteredBy(statement, values), statement).toContainEqual(
        expect.objectContaining({ kind: 'enrolment', id }),
      );
    // A key put in the place of the agent's: neither its owner signed for it nor is anything signed with it.
    const found = await alteredBy('update board.enrolment set public_key = $1 where id = $2', [
      publicKey,
      id,
    ]);
    expect(found.map((f) => f.kind)).toEqual(['enrolment', 'enrolment', 'claim', 'claim', 'claim']);
    const missing = await alteredBy('delete from board.enrolment where id = $1', [id]);
    expect(missing[0]).toEqual({ kind: 'agent', id: explorer.who.id, reason: expect.stringContaining('e1') });
  });

  it('is found by a revocation that its owner did not sign so, and by records from after it', async () => {
    const id = await one<string>(board.admin, 'select id from board.revocation');
    expect(await alteredBy(`update board.revocation set reason = 'stole'`)).toEqual([
      { kind: 'revocation', id, reason: 'not signed by judge-2' },
    ]);
    const late = await alteredBy(`update board.revocation set at = '2020-01-01'`);
    expect(late.filter((f) => f.kind === 'verdict')).toHaveLength(3);
    expect(late[0]!.reason).toContain('c2 had no valid key');
  });

  it('is found by the lease that was somebody else’s by then', async () => {
    const { work_id, fence } = claims[1]! as unknown as { work_id: string; fence: number };
    expect(await alteredBy('delete from board.holding where token = $1', [fence])).toHaveLength(2);
    const taken = await alteredBy(
      `insert into board.holding (token, work_id, agent_id, at) values (777777, $1, (select id from board.agent where name = 'p1'), '2000-01-01')`,
      [work_id],
    );
    expect(taken.map((f) => f.reason)).toContainEqual(expect.stringContaining('had been taken over'));
  });

  it('is found by trust: views that say something else than the history', async () => {
    const flattering = `create or replace function trust.score(alpha double precision, beta double precision, bound_z double precision)
      returns double precision language sql immutable as 'select 0.99::double precision'`;
    expect(await alteredBy(flattering)).toContainEqual({
      kind: 'trust',
      id: 'judge-1',
      reason: expect.stringContaining('checks: the views say trust 0.99'),
    });
    const timeless = `create or replace function trust.decay(age interval, half_life_days double precision)
      returns double precision language sql immutable as 'select 2::double precision'`;
    expect((await alteredBy(timeless)).map((f) => f.reason)).toContainEqual(expect.stringContaining('alpha'));
    const forgotten = 'truncate trust.owner_tally, trust.owner_change';
    expect((await alteredBy(forgotten)).map((f) => f.reason)).toContainEqual(
      expect.stringContaining('the views count 0 events'),
    );
  });

  it('is found by credit: views that give it to another, or shares that are not the rule', async () => {
    const generous = `create or replace view trust.worth as
      select id as promotion_id, slot, reign, artifact, (select min(id::text)::uuid from board.claim) as claim_id, market_at, 1.0::double precision as worth
      from board.promotion where kind = 'promote'`;
    expect(await alteredBy(generous)).toContainEqual({
      kind: 'credit',
      id: promotion.id,
      reason: expect.stringContaining('the views give 1 to '),
    });
    expect(await alteredBy('update board.gate_step set challenger_crps = challenger_crps')).toEqual([]);
  });

  it('is found by its artifacts: altered, or gone', async () => {
    const artifact = String(claims[1]!['artifact']);
    const path = join(board.directory, 'artifacts', artifact.slice(0, 2), artifact);
    writeFileSync(path, 'another model');
    expect(await alteredBy('select 1')).toEqual([
      {
        kind: 'artifact',
        id: artifact,
        reason: expect.stringContaining('SWARM_E_ARTIFACT_DIGEST, named by claim'),
      },
    ]);
    rmSync(path);
    expect(await alteredBy('select 1')).toEqual([
      { kind: 'artifact', id: artifact, reason: expect.stringContaining('SWARM_E_ARTIFACT_MISSING') },
    ]);
    await store.put(Buffer.from('model 2'));
    expect(await alteredBy('select 1')).toEqual([]);
  });
});

describe('a grown fleet', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround('audit of a grown fleet');
    await writeGrownFleet(ground.admin);
  }, 300_000);
  afterAll(() => ground.close());

  it('has the trust that the views say, and every record of it is found to be unsigned', async () => {
    const found = new Map<string, number>();
    const result = await auditDatabase(ground.admin, null, ({ kind }) => {
      found.set(kind, (found.get(kind) ?? 0) + 1);
    });
    expect(result.checked).toMatchObject({ claim: 5000, verdict: 15_000 });
    expect(found.get('trust')).toBeUndefined();
    expect(found.get('claim')).toBeGreaterThanOrEqual(5000);
    expect(found.get('verdict')).toBeGreaterThanOrEqual(15_000);
  });
});
