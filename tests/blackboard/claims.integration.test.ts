// What a claim and a verdict must be before the tables take them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertSigned } from '../../blackboard/signed.js';
import { type Board, type Enrolled, insert, one, openBoard } from './board.js';
import { claim, claimOf, decided, digest, experiment, founded, leased, SLOT, verdict } from './records.js';

let board: Board;
let explorer: Enrolled;
let checker: Enrolled;
let publisher: Enrolled;
let next = 1;

beforeAll(async () => {
  board = await openBoard('claims');
  explorer = await board.enrol('explorer', 'e1', 'alice');
  checker = await board.enrol('checker', 'c1', 'carol');
  publisher = await board.enrol('publisher', 'p1');
  await founded(publisher, digest(5));
});
afterAll(() => board.close());

describe('a claim', () => {
  it.each([
    ['of yesterday', '2025-03-09T00:00:00Z', true],
    ['of exactly three days ago', '2025-03-07T12:00:00Z', true],
    ['older than three days', '2025-03-07T11:59:59Z', false],
    ['of the future', '2025-03-10T12:00:01Z', false],
  ])('%s is %s: taken %s', async (_, as_of, taken) => {
    const run = await experiment(explorer, next, { as_of: new Date(as_of) });
    const written = insert(
      explorer.client,
      'board.claim',
      claimOf(explorer, next++, run, { as_of: new Date(as_of) }),
    );
    if (taken) await written;
    else await expect(written).rejects.toMatchObject({ code: 'SW003' });
  });

  it("cannot stretch three days by the session's time zone", async () => {
    const as_of = new Date('2025-03-07T00:00:00Z');
    const run = await experiment(explorer, next, { as_of });
    for (const zone of [
      'AAA+24BBB-24,J1,J68',
      'AAA-24BBB+24,J1,J68',
      'AAA+24BBB-24,J67,J300',
      'AAA-24BBB+24,J67,J300',
    ]) {
      await explorer.client.query(`set timezone = '${zone}'`);
      const written = insert(explorer.client, 'board.claim', claimOf(explorer, next, run, { as_of }));
      await expect(written, zone).rejects.toMatchObject({ code: 'SW003' });
    }
    await explorer.client.query('reset timezone');
    next += 1;
  });

  it('carries a salt that depends on the beacon and not on the claimant', async () => {
    const salt = '00000000-0000-7000-8000-000000000000';
    const run = await experiment(explorer, next);
    const row = claimOf(explorer, next++, run);
    await expect(insert(explorer.client, 'board.claim', { ...row, salt })).rejects.toMatchObject({
      code: '42501',
    });
    await board.admin.query('begin');
    // Even the administrator's insert gets the drawn one.
    await insert(board.admin, 'board.claim', { ...row, salt });
    expect(await one<string>(board.admin, 'select salt from board.claim where id = $1', [row.id])).not.toBe(
      salt,
    );
    await board.admin.query('rollback');
  });

  it('draws the same salt however often it is tried, and another for another author', async () => {
    const drawn = async (n: number, agent: Enrolled): Promise<string> => {
      await board.admin.query('begin');
      const run = await experiment(agent, n);
      await insert(board.admin, 'board.claim', claimOf(agent, n, run));
      const salt = await one<string>(board.admin, 'select salt from board.claim where experiment_id = $1', [
        run.id,
      ]);
      await board.admin.query('rollback');
      return salt;
    };
    const other = await board.enrol('explorer', 'e2');
    const first = await drawn(600, explorer);
    await board.admin.query('delete from board.lease');
    expect(await drawn(600, explorer)).toBe(first);
    expect(await drawn(600, other)).not.toBe(first);
  });

  it.each([
    ['no dataset digest', { dataset_digest: null }, '23502'],
    ['a dataset digest that is none', { dataset_digest: 'recorded bars' }, '23514'],
    ['no window set', { windows_digest: null }, '23502'],
    ['a single window', { n_windows: 1 }, '23514'],
    ['no seed', { seed: null }, '23502'],
    ['no code version', { code_version: null }, '23502'],
    ['a gain that is not a number', { claimed_gain: 'NaN' }, '23514'],
    ['a gain of all there is', { claimed_gain: 1 }, '23514'],
    ['a gain whose square overflows', { claimed_gain: -1e200 }, '23514'],
    ['a gain whose square underflows', { claimed_gain: 1e-200 }, '23514'],
    ['a negative standard error', { claimed_se: -0.01 }, '23514'],
    ['a standard error whose square overflows', { claimed_se: 1e200 }, '23514'],
    ['a standard error whose square underflows', { claimed_se: 1e-200 }, '23514'],
    ['data cut off after its own day', { data_cutoff: new Date('2025-03-11') }, '23514'],
    ['a slot that is none', { slot: 'BTC' }, '23514'],
  ])('with %s is refused', async (_, spoilt, code) => {
    const run = await experiment(explorer, next);
    const row = { ...claimOf(explorer, next++, run), ...spoilt };
    await expect(insert(explorer.client, 'board.claim', row)).rejects.toMatchObject({
      code: expect.stringMatching(new RegExp(`${code}|SW005`)),
    });
  });

  it("is about its author's own experiment and repeats what that found", async () => {
    const other = await board.enrol('explorer', 'copier');
    const run = await experiment(explorer, next);
    const copy = { ...claimOf(other, next, run), ...(await leased(other, 'copying')) };
    await expect(insert(other.client, 'board.claim', copy)).rejects.toMatchObject({ code: 'SW005' });
    for (const spoilt of [{ artifact: digest(9) }, { slot: 'crypto_1h/ETH' }, { spec_digest: digest(9) }])
      await expect(
        insert(explorer.client, 'board.claim', claimOf(explorer, next, run, spoilt)),
        JSON.stringify(spoilt),
      ).rejects.toMatchObject({ code: 'SW005' });
    next += 1;
  });

  it('reads back as what its author signed, and altered it does not', async () => {
    const { id } = await claim(explorer, next++, { claimed_gain: 0.1 + 0.2, claimed_se: 1 / 3 });
    const row = await checker.db
      .selectFrom('board.claim')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    assertSigned('claim', row, explorer.who.publicKey);
    const altered = { ...row, claimed_gain: row.claimed_gain + 2 ** -53 };
    expect(() => assertSigned('claim', altered, explorer.who.publicKey)).toThrowError(
      expect.objectContaining({ code: 'SWARM_E_SIGNATURE' }),
    );
  });
});

describe('an experiment', () => {
  it.each(['dataset_digest', 'windows_digest', 'n_windows', 'seed', 'code_version', 'mean_crps'])(
    'without %s is refused',
    async (field) => {
      await expect(experiment(explorer, next++, { [field]: null })).rejects.toMatchObject({ code: '23502' });
    },
  );

  it('needs a decision that exists', async () => {
    await decided(explorer);
    const decision_id = '00000000-0000-7000-8000-000000000000';
    await expect(experiment(explorer, next++, { decision_id })).rejects.toMatchObject({ code: '23503' });
  });
});

describe('a verdict', () => {
  it("on a claim of the checker's own owner is refused, whichever of its agents claimed", async () => {
    const { id } = await claim(explorer, next++);
    const sibling = await board.enrol('checker', 'c-alice', 'alice');
    await expect(verdict(sibling, id, digest(5))).rejects.toMatchObject({ code: 'SW004' });
    const written = await verdict(checker, id, digest(5));
    const row = await checker.db
      .selectFrom('board.verdict')
      .selectAll()
      .where('claim_id', '=', id)
      .executeTakeFirstOrThrow();
    assertSigned('verdict', row, checker.who.publicKey);
    expect(row.differences).toEqual(written['differences']);
  });

  it.each([
    ['no dataset digest', { dataset_digest: null }, '23502'],
    ['no windows', { windows_digest: null }, '23514'],
    ['no gain', { verified_gain: null }, '23514'],
    ['fewer differences than windows', { differences: [0.1] }, '23514'],
    ['a refusal without a reason', { finding: 'refused' }, '23514'],
    ['a t that is not a number', { champion_t: 'NaN' }, '23514'],
  ])('with %s is refused', async (_, spoilt, code) => {
    const { id } = await claim(explorer, next++);
    await expect(verdict(checker, id, digest(5), spoilt)).rejects.toMatchObject({ code });
  });

  it('is about a reign that the slot has had, and its champion', async () => {
    const { id } = await claim(explorer, next++);
    await expect(verdict(checker, id, digest(5), { reign: 7 })).rejects.toMatchObject({ code: 'SW006' });
    await expect(verdict(checker, id, digest(6))).rejects.toMatchObject({ code: 'SW006' });
  });

  it('is given once per checker and reign', async () => {
    const { id } = await claim(explorer, next++);
    await verdict(checker, id, digest(5));
    await expect(verdict(checker, id, digest(5))).rejects.toMatchObject({ code: '23505' });
  });

  it('cannot go back to an earlier reign to become the first', async () => {
    const colluder = await board.enrol('checker', 'colluder');
    const judged = await claim(explorer, next++);
    const unjudged = await claim(explorer, next++);
    await board.admin.query('set session_replication_role = replica');
    await board.admin.query(
      `insert into board.promotion (id, agent_id, kind, slot, reign, artifact, previous, challenger_id, e_value, threshold, windows, family, signature, work_id, fence)
       values (gen_random_uuid(), $1, 'promote', $2, 1, $3, $4, gen_random_uuid(), 40, 33, 60, 'f', 's', 'w', 0)`,
      [publisher.who.id, SLOT, digest(6), digest(5)],
    );
    await board.admin.query('reset session_replication_role');
    const newer = await claim(explorer, next++);
    await verdict(checker, judged.id, digest(6), { reign: 1 });
    await expect(verdict(colluder, judged.id, digest(5))).rejects.toMatchObject({ code: 'SW006' });
    await expect(verdict(colluder, newer.id, digest(5))).rejects.toMatchObject({ code: 'SW006' });
    // A check that was under way when the reign ended still counts.
    await verdict(colluder, unjudged.id, digest(5));
  });
});
