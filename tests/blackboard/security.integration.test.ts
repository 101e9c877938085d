// An attacker with one agent's own credentials and any program it likes: what it tries is refused with a stable code, what smells
// of an attack is told to people, and nothing else is disturbed. Statements and bodies: security-statements.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { signRecord } from '../../blackboard/signed.js';
import { type Board, type Enrolled, insert, one, openBoard, type Row } from './board.js';
import { claim, claimOf, decided, digest, experiment, founded, leased, SLOT, verdict } from './records.js';
import { DENIED, refusal } from './refusal.js';

let board: Board;
let attacker: Enrolled;
let victim: Enrolled;
let checker: Enrolled;
let publisher: Enrolled;
let claimed: Row & { id: string };
let judged: Row;
let next = 100;

beforeAll(async () => {
  board = await openBoard('security');
  attacker = await board.enrol('explorer', 'attacker', 'mallory');
  victim = await board.enrol('explorer', 'victim', 'alice');
  checker = await board.enrol('checker', 'judge', 'carol');
  publisher = await board.enrol('publisher', 'p1');
  await founded(publisher, digest(5));
  claimed = await claim(victim, 1);
  judged = await verdict(checker, claimed.id, digest(5));
  await told();
});
afterAll(() => board.close());

/** What people are told of refused writes since the last time. */
async function told(): Promise<string[]> {
  const before = await one<number>(board.admin, 'select count(*)::int from board.alert');
  await publisher.client.query('select board.report_refusals()');
  const { rows } = await board.admin.query<{ message: string }>(
    `select message from board.alert where code = 'SWARM_W_WRITES_REFUSED' order by at, id offset $1`,
    [before],
  );
  return rows.map((row) => row.message);
}
const count = (table: string): Promise<number> =>
  one(board.admin, `select count(*)::int from board.${table}`);
const alert = (by: Enrolled, some: Row = {}): Row => ({
  id: uuid7(),
  agent_id: by.who.id,
  severity: 'info',
  code: 'X',
  message: 'x',
  ...some,
});

describe('records under a name that is not its own', () => {
  it("are refused in every kind of record, and the owner's people hear of it once", async () => {
    const tables = [
      'briefing',
      'decision',
      'experiment',
      'claim',
      'pattern',
      'attempt',
      'alert',
      'llm_call',
      'compute_job',
    ];
    const before = await Promise.all(tables.map(count));
    for (const table of tables) {
      const row = { id: uuid7(), agent_id: victim.who.id };
      const { code, known } = await refusal(insert(attacker.client, `board.${table}`, row));
      expect(code, table).toBe(DENIED);
      expect(known, table).toBe('SWARM_E_RECORD_REFUSED');
    }
    expect(await Promise.all(tables.map(count))).toEqual(before);
    const [message, ...more] = await told();
    expect(message).toContain('attacker of mallory: 9 refused writes');
    expect(more).toEqual([]);
    expect(await told()).toEqual([]);
  });

  it('is told of once when two publishers look at once', async () => {
    await refusal(insert(attacker.client, 'board.alert', alert(victim)));
    const second = await board.enrol('publisher', 'p2');
    const found = await Promise.all(
      [publisher, second].map(({ client }) => one<number>(client, 'select board.report_refusals()')),
    );
    expect(found.reduce((a, b) => a + b, 0)).toBe(1);
  });

  it('hide in no transaction: what was rolled back is told all the same', async () => {
    await attacker.client.query('begin');
    await refusal(insert(attacker.client, 'board.alert', alert(victim)));
    await attacker.client.query('rollback');
    expect(await told()).toHaveLength(1);
  });
});

describe('signatures', () => {
  beforeEach(async () => {
    await told();
  });

  it("of another's record are no good under an id of one's own", async () => {
    const run = await experiment(attacker, next++);
    const stolen = { ...claimOf(attacker, next - 1, run), signature: claimed['signature'] };
    const before = await count('claim');
    expect(await refusal(insert(attacker.client, 'board.claim', stolen))).toEqual({
      code: 'SW009',
      known: 'SWARM_E_SIGNATURE',
    });
    expect(await count('claim')).toBe(before);
    expect(await told()).toHaveLength(1);
  });

  it("of one's own record serve no second one", async () => {
    const mine = await claim(attacker, next++);
    const run = await experiment(attacker, next++);
    const again = { ...claimOf(attacker, next - 1, run), signature: mine['signature'] };
    expect((await refusal(insert(attacker.client, 'board.claim', again))).code).toBe('SW009');
    expect(await told()).toHaveLength(1);
  });

  it('of verdicts and promotions are used once too', async () => {
    const other = await claim(victim, next++);
    const { work_id, fence } = await leased(checker, `check:${other.id}`);
    const replayed = { ...judged, id: uuid7(), claim_id: other.id, work_id, fence };
    expect((await refusal(insert(checker.client, 'board.verdict', replayed))).code).toBe('SW009');
    const row = { id: uuid7(), agent_id: publisher.who.id, kind: 'found', slot: 'crypto_1h/ETH', reign: 0 };
    const promotion = { ...row, artifact: digest(6), family: 'reference' };
    const held = await leased(publisher, 'gate:crypto_1h/ETH');
    const used = await one<string>(board.admin, 'select signature from board.promotion limit 1');
    const refused = insert(publisher.client, 'board.promotion', { ...promotion, ...held, signature: used });
    expect((await refusal(refused)).code).toBe('SW009');
    expect(await told()).toHaveLength(2);
  });

  it.each(['', 'not a signature', 'A'.repeat(86), `${'A'.repeat(85)}===`])(
    'that are none ("%s") are refused',
    async (signature) => {
      const run = await experiment(attacker, next++);
      const row = { ...claimOf(attacker, next - 1, run), signature };
      expect((await refusal(insert(attacker.client, 'board.claim', row))).code).toBe('SW009');
      expect(await told()).toHaveLength(1);
    },
  );

  it('by another key are for readers to find: see the tests of checkers, publishers and the miner', async () => {
    const run = await experiment(attacker, next++);
    const row = claimOf(attacker, next - 1, run);
    const forged = { ...row, signature: signRecord('claim', row, victim.who.privateKey) };
    await insert(attacker.client, 'board.claim', forged);
    expect(await told()).toEqual([]);
  });
});

describe('fencing', () => {
  it("refuses a token that is stale, guessed or another's, and tells of each", async () => {
    await told();
    const decision_id = await decided(attacker);
    const own = await leased(attacker, 'own work');
    await one(attacker.client, 'select board.lease_give_back($1, $2)', [own.work_id, own.fence]);
    const others = await leased(victim, 'work of the victim');
    const before = await count('experiment');
    for (const held of [
      own,
      others,
      { work_id: 'own work', fence: own.fence + 1 },
      { work_id: 'never', fence: 0 },
    ]) {
      const refused = experiment(attacker, next++, { decision_id, ...held });
      expect(await refusal(refused), held.work_id).toEqual({ code: 'SW001', known: 'SWARM_E_STALE_LEASE' });
    }
    expect(await count('experiment')).toBe(before);
    expect((await told())[0]).toContain('4 refused writes');
    expect(
      await one(board.admin, 'select holder from board.lease where work_id = $1', [others.work_id]),
    ).toBe(victim.who.id);
  });

  it('holds up neither gates nor checks, which are not its work', async () => {
    for (const work of [`gate:${SLOT}`, `check:${claimed.id}:0:judge`])
      expect(
        (await refusal(attacker.client.query('select board.lease_take($1, 60)', [work]))).code,
        work,
      ).toBe(DENIED);
    await leased(checker, `check:${claimed.id}:0:judge`);
  });

  it("renews, gives back and takes no lease of another's", async () => {
    const { work_id, fence } = await leased(victim, 'held by the victim');
    expect(await one(attacker.client, 'select board.lease_renew($1, $2, 60)', [work_id, fence])).toBe(false);
    expect(await one(attacker.client, 'select board.lease_give_back($1, $2)', [work_id, fence])).toBe(false);
    expect(await one(attacker.client, 'select board.lease_take($1, 60)', [work_id])).toBeNull();
  });
});
