// What a checker can find out, with its own credentials, about other checks of a claim before it has given its own: nothing. Afterwards
// it may see all of them, and can change none.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { type Board, type Enrolled, insert, one, openBoard } from '../blackboard/board.js';
import { claim, digest, founded, leased, verdict } from '../blackboard/records.js';

const DENIED = { code: '42501' };
let board: Board;
let explorer: Enrolled;
let judges: Enrolled[];
let claimed: string;
const champion = digest(9);

beforeAll(async () => {
  board = await openBoard('secrecy');
  await founded(await board.enrol('publisher', 'p1', 'paula'), champion);
  explorer = await board.enrol('explorer', 'e1', 'alice');
  judges = [
    await board.enrol('checker', 'c1', 'judge-1'),
    await board.enrol('checker', 'c2', 'judge-2'),
    // The second owner's other agents know no more than it does.
    await board.enrol('checker', 'c2b', 'judge-2'),
    await board.enrol('explorer', 'e2', 'judge-2'),
  ];
  claimed = (await claim(explorer, 1)).id;
});
afterAll(() => board.close());

const work = (judge: Enrolled): string => `check:${claimed}:0:${judge.who.name}`;
const rows = async (of: Enrolled, query: string): Promise<number> =>
  Number(await one(of.client, `select count(*) from ${query}`));

describe('before its own verdict', () => {
  it('a checker sees no verdict of others, no lease on a check, and nothing that follows from them', async () => {
    await verdict(judges[0]!, claimed, champion, await leased(judges[0]!, work(judges[0]!)));
    for (const other of judges.slice(1)) {
      expect(await rows(other, 'board.verdict'), other.who.name).toBe(0);
      expect(await rows(other, `board.lease where work_id like 'check:%'`), other.who.name).toBe(0);
    }
    const { rows: views } = await board.admin.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'trust'::regnamespace and relkind in ('r', 'p', 'v', 'm') order by 1`,
    );
    expect(views.length).toBeGreaterThan(20);
    // All but two, whichever there come to be.
    for (const { name } of views.filter(({ name }) => name !== 'my_turn' && name !== 'champion'))
      await expect(judges[1]!.client.query(`select * from trust.${name}`), name).rejects.toMatchObject(
        DENIED,
      );
  });

  it('its turn says the same of a claim that nobody has judged and of one that somebody has', async () => {
    const fresh = (await claim(explorer, 2)).id;
    for (const judge of judges.slice(1, 3))
      await judge.client.query(`select board.beat(1, 'h', 'ready', null)`);
    const turns = await board.admin.query(
      'select claim_id, checker_id, have from trust.check_turn order by have',
    );
    expect(turns.rows.map((t) => [t.claim_id, Number(t.have)])).toEqual([
      [fresh, 0],
      [claimed, 1],
    ]);
    const asked = judges.find((j) => j.who.id === turns.rows[1].checker_id)!;
    const shown = await asked.client.query('select * from trust.my_turn where claim_id = $1', [claimed]);
    expect(Object.keys(shown.rows[0]).sort()).toEqual(
      ['champion', 'claim_id', 'place', 'reign', 'reign_at', 'retrace', 'slot'].sort(),
    );
    expect(await rows(judges[0]!, 'trust.my_turn')).toBe(0);
  });

  it("a checker reads neither others' complaints nor their failures", async () => {
    await insert(judges[0]!.client, 'board.alert', {
      id: uuid7(),
      agent_id: judges[0]!.who.id,
      severity: 'warning',
      code: 'SWARM_E_CLAIM_UNTRUE',
      message: `claim ${claimed} refused`,
    });
    expect(await rows(judges[0]!, 'board.alert')).toBe(1);
    expect(await rows(judges[1]!, 'board.alert')).toBe(0);
  });
});

describe('after its own verdict', () => {
  it('it sees the others, and has committed itself: no second number counts and none is changed', async () => {
    const [, second, twin] = judges as [Enrolled, Enrolled, Enrolled, Enrolled];
    await verdict(second, claimed, champion, await leased(second, work(second)));
    expect(await rows(second, 'board.verdict')).toBe(2);
    await expect(second.client.query('update board.verdict set verified_gain = 0.5')).rejects.toMatchObject(
      DENIED,
    );
    // The owner's other checker sees them too, and what it adds counts for nothing.
    expect(await rows(twin, 'board.verdict')).toBe(2);
    await verdict(twin, claimed, champion, await leased(twin, work(twin)));
    expect(
      Number(await one(board.admin, 'select checks from trust.standing where claim_id = $1', [claimed])),
    ).toBe(2);
  });

  it('the author of a claim sees that it was judged, and a stranger does not', async () => {
    expect(Number(await one(explorer.client, 'select count(id) from board.verdict'))).toBe(3);
    const stranger = await board.enrol('explorer', 'e3', 'carl');
    expect(Number(await one(stranger.client, 'select count(id) from board.verdict'))).toBe(0);
  });
});
