// Leases: one holder at a time, and no result from a holder that lost its lease.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain } from '../../blackboard/db.js';
import { type Lease, takeLease } from '../../blackboard/lease.js';
import { type Board, type Enrolled, insert, one, openBoard } from './board.js';
import { claimOf, experiment, leased } from './records.js';

let board: Board;
const takers: Enrolled[] = [];

beforeAll(async () => {
  board = await openBoard('leases');
  for (let i = 0; i < 20; i++) takers.push(await board.enrol('explorer', `e${i}`));
});
afterAll(() => board.close());

const aborted = (lease: Lease): Promise<unknown> =>
  new Promise((resolve) => {
    if (lease.signal.aborted) resolve(lease.signal.reason);
    lease.signal.addEventListener('abort', () => resolve(lease.signal.reason), { once: true });
  });
const expire = (work: string): Promise<unknown> =>
  board.admin.query(`update board.lease set expires_at = clock_timestamp() where work_id = $1`, [work]);

describe('taking a lease', () => {
  it('has one winner among twenty that try at once', async () => {
    for (let round = 0; round < 5; round++) {
      const taken = await Promise.all(takers.map(({ db }) => takeLease(db, `race ${round}`)));
      const winners = taken.filter((lease) => lease !== null);
      expect(winners).toHaveLength(1);
      await winners[0]!.giveBack();
    }
  });

  it('has one winner among twenty that try to take over at once', async () => {
    await leased(takers[0]!, 'takeover race');
    await expire('takeover race');
    const taken = await Promise.all(takers.map(({ db }) => takeLease(db, 'takeover race')));
    expect(taken.filter((lease) => lease !== null)).toHaveLength(1);
    for (const lease of taken) await lease?.giveBack();
  });

  it('is refused while it is held, also to its holder', async () => {
    const lease = (await takeLease(takers[0]!.db, 'held'))!;
    expect(await takeLease(takers[1]!.db, 'held')).toBeNull();
    expect(await takeLease(takers[0]!.db, 'held')).toBeNull();
    await lease.giveBack();
  });

  it('hands out a larger token every time', async () => {
    const tokens: number[] = [];
    for (const taker of takers.slice(0, 5)) {
      const lease = (await takeLease(taker.db, 'tokens'))!;
      tokens.push(lease.fence);
      await lease.giveBack();
    }
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(5);
  });

  it('lasts no longer than five minutes, whatever is asked for', async () => {
    await leased(takers[0]!, 'for ever', 1e9);
    const left = await one<number>(
      board.admin,
      `select extract(epoch from expires_at - clock_timestamp())::float8 from board.lease where work_id = 'for ever'`,
    );
    expect(left).toBeLessThanOrEqual(300);
  });

  it('is not given back by a stranger, nor by its holder with an old token', async () => {
    const { work_id, fence } = await leased(takers[0]!, 'mine');
    const back = (agent: Enrolled, token: number): Promise<boolean> =>
      one(agent.client, 'select board.lease_give_back($1, $2)', [work_id, token]);
    expect(await back(takers[1]!, fence)).toBe(false);
    expect(await back(takers[0]!, fence - 1)).toBe(false);
    expect(await back(takers[0]!, fence)).toBe(true);
    expect(await back(takers[0]!, fence)).toBe(false);
  });
});

describe('a result', () => {
  it('is refused after a takeover, and again after the usurper is done', async () => {
    const [slow, quick] = takers as [Enrolled, Enrolled];
    const run = await experiment(slow, 1);
    const late = claimOf(slow, 1, run);
    await expire(String(run['work_id']));
    await expect(insert(slow.client, 'board.claim', late), 'expired').rejects.toMatchObject({
      code: 'SW001',
    });
    await leased(quick, String(run['work_id']));
    await expect(insert(slow.client, 'board.claim', late), 'taken over').rejects.toMatchObject({
      code: 'SW001',
    });
    await board.admin.query('delete from board.lease where work_id = $1', [run['work_id']]);
    const error = await insert(slow.client, 'board.claim', late).catch((e: unknown) => explain(e));
    expect(error).toMatchObject({ code: 'SWARM_E_STALE_LEASE' });
    expect(await one(board.admin, 'select count(*)::int from board.claim')).toBe(0);
  });

  it('keeps its lease from being taken over until its transaction ends', async () => {
    const [holder, rival] = takers as [Enrolled, Enrolled];
    const run = await experiment(holder, 2);
    await holder.client.query('begin');
    await insert(holder.client, 'board.claim', claimOf(holder, 2, run));
    await rival.client.query(`set lock_timeout = '100ms'`);
    const work = String(run['work_id']);
    // The row lock of the result holds even an expiry by hand back.
    await board.admin.query(`set lock_timeout = '100ms'`);
    await expect(expire(work)).rejects.toMatchObject({ code: '55P03' });
    await board.admin.query('reset lock_timeout');
    await holder.client.query('commit');
    await rival.client.query('reset lock_timeout');
  });
});

describe('a held lease', () => {
  it('outlives its term by renewing', async () => {
    const lease = (await takeLease(takers[0]!.db, 'renewed', 0.6))!;
    const ends = (): Promise<number> =>
      one(
        board.admin,
        `select extract(epoch from expires_at)::float8 from board.lease where work_id = 'renewed'`,
      );
    const first = await ends();
    while ((await ends()) < first + 1.2) await new Promise((resolve) => setTimeout(resolve, 30));
    expect(lease.signal.aborted).toBe(false);
    expect(await takeLease(takers[1]!.db, 'renewed')).toBeNull();
    await lease.giveBack();
    await lease.giveBack();
    expect(await one(board.admin, `select count(*)::int from board.lease where work_id = 'renewed'`)).toBe(0);
    expect(lease.signal.aborted).toBe(false);
  });

  it('aborts its work when the row is gone', async () => {
    const lease = (await takeLease(takers[0]!.db, 'dropped', 0.6))!;
    await board.admin.query(`delete from board.lease where work_id = 'dropped'`);
    expect(await aborted(lease)).toMatchObject({ code: 'SWARM_E_STALE_LEASE' });
    await lease.giveBack();
  });

  it('aborts its work when another took it over', async () => {
    const lease = (await takeLease(takers[0]!.db, 'usurped', 0.6))!;
    await board.admin.query(
      `update board.lease set holder = $1, token = token + 1 where work_id = 'usurped'`,
      [takers[1]!.who.id],
    );
    await aborted(lease);
    await lease.giveBack();
    expect(await one(board.admin, `select count(*)::int from board.lease where work_id = 'usurped'`)).toBe(1);
  });

  it('survives a connection that is cut between two renewals', async () => {
    const lease = (await takeLease(takers[2]!.db, 'cut', 1.5))!;
    const first = await one<Date>(board.admin, `select expires_at from board.lease where work_id = 'cut'`);
    await board.admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and application_name = $2',
      [takers[2]!.who.login, takers[2]!.who.name],
    );
    while (
      (await one<Date>(board.admin, `select expires_at from board.lease where work_id = 'cut'`)) <= first
    )
      await new Promise((resolve) => setTimeout(resolve, 30));
    expect(lease.signal.aborted).toBe(false);
    await lease.giveBack();
  });

  it.each([
    ['refuses logins', 'nologin'],
    ['does not answer', 'lock'],
  ])('aborts its work before the term ends when the database %s', async (_, way) => {
    const term_s = 1.5;
    const victim = takers[3]!;
    const work = `lost by ${way}`;
    const lease = (await takeLease(victim.db, work, term_s))!;
    const ends = await one<Date>(board.admin, 'select expires_at from board.lease where work_id = $1', [
      work,
    ]);
    if (way === 'lock') await board.admin.query('begin; lock table board.lease in access exclusive mode');
    else {
      await board.admin.query(`alter role ${victim.who.login} nologin`);
      await board.admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
        victim.who.login,
      ]);
    }
    await aborted(lease);
    expect(Date.now()).toBeLessThan(ends.getTime());
    if (way === 'lock') await board.admin.query('rollback');
    else await board.admin.query(`alter role ${victim.who.login} login`);
    await lease.giveBack();
  });
});
