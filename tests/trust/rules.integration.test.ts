// The tables accept what the views say and nothing else: a check by whoever has the turn, the share of alpha that is due, and a
// promotion that the gate has passed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { signRecord } from '../../blackboard/signed.js';
import { type Board, type Enrolled, insert, one, openBoard } from '../blackboard/board.js';
import { claim, digest, founded, leased, SLOT, verdict } from '../blackboard/records.js';
import { setRules } from '../blackboard/rules.js';

let board: Board;
let publisher: Enrolled;
let judges: Enrolled[];
let claimed: string;
const champion = digest(9);

beforeAll(async () => {
  board = await openBoard('rules');
  publisher = await board.enrol('publisher', 'p1', 'paula');
  const explorer = await board.enrol('explorer', 'e1', 'alice');
  judges = [await board.enrol('checker', 'c1', 'judge-1'), await board.enrol('checker', 'c2', 'judge-2')];
  await founded(publisher, champion);
  claimed = (await claim(explorer, 1)).id;
  for (const judge of judges) await judge.client.query(`select board.beat(1, 'h', 'ready', null)`);
  await setRules(board.admin, 'enable');
});
afterAll(() => board.close());

const work = (judge: Enrolled): string => `check:${claimed}:0:${judge.who.name}`;

async function inTurn(): Promise<[Enrolled, Enrolled]> {
  const id = await one<string>(board.admin, 'select checker_id from trust.check_turn where claim_id = $1', [
    claimed,
  ]);
  return judges[0]!.who.id === id ? [judges[0]!, judges[1]!] : [judges[1]!, judges[0]!];
}

describe('a check', () => {
  it('is leased to the checker whose turn it is and to no volunteer', async () => {
    const [asked, volunteer] = await inTurn();
    const take = (judge: Enrolled): Promise<string | null> =>
      one(judge.client, 'select board.lease_take($1, 60)', [work(judge)]);
    expect(await take(volunteer)).toBeNull();
    expect(Number(await take(asked))).toBeGreaterThan(0);
    await asked.client.query(
      'select board.lease_give_back($1, (select token from board.lease where work_id = $1))',
      [work(asked)],
    );
  });

  it('is not given under the lease on other work', async () => {
    const [, volunteer] = await inTurn();
    const other = await leased(volunteer, 'anything');
    await expect(verdictBy(volunteer, other)).rejects.toMatchObject({ code: 'SW012' });
  });

  it('counts under its own lease', async () => {
    const [asked] = await inTurn();
    await verdictBy(asked, await leased(asked, work(asked)));
    expect(await one(board.admin, 'select count(*)::int from board.verdict')).toBe(1);
  });
});

const verdictBy = (judge: Enrolled, held: { work_id: string; fence: number }): Promise<unknown> =>
  verdict(judge, claimed, champion, held);

describe('the gate', () => {
  it('refuses a share of alpha that is not due, and a promotion that it did not pass', async () => {
    const held = await leased(publisher, `gate:${SLOT}`);
    const own = { agent_id: publisher.who.id, slot: SLOT, ...held };
    const challenger = {
      ...own,
      id: uuid7(),
      kind: 'challenge',
      reign: 0,
      k: 1,
      claim_id: claimed,
      artifact: digest(1001),
      trials: 1,
      screen_t: 3,
      screen_threshold: 1,
      scale: 1,
      sd: 0.02,
    };
    await expect(
      insert(publisher.client, 'board.challenger', { ...challenger, alpha: 0.9 }),
    ).rejects.toMatchObject({
      code: 'SW013',
    });
    await insert(publisher.client, 'board.challenger', { ...challenger, alpha: 0.3 / Math.PI ** 2 });
    const promotion = {
      ...own,
      id: uuid7(),
      kind: 'promote',
      reign: 1,
      artifact: digest(1001),
      family: 'garch',
      previous: champion,
      challenger_id: challenger.id,
      e_value: 1e6,
      threshold: Math.PI ** 2 / 0.3,
      windows: 60,
    };
    await expect(
      insert(publisher.client, 'board.promotion', {
        ...promotion,
        signature: signRecord('promotion', promotion, publisher.who.privateKey),
      }),
    ).rejects.toMatchObject({ code: 'SW013' });
  });
});
