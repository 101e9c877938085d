// Caps on what thinking costs, on a real database: whoever asks, at the same time or after a crash, none is ever exceeded.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBudget } from '../../../agents/llm/budget.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Board, type Enrolled, one, openBoard, until } from '../../blackboard/board.js';

let board: Board;
let agent: Enrolled;
let sibling: Enrolled;
let stranger: Enrolled;

beforeAll(async () => {
  board = await openBoard('budget');
  agent = await board.enrol('explorer', 'thinker-1', 'house');
  sibling = await board.enrol('optimizer', 'thinker-2', 'house');
  stranger = await board.enrol('explorer', 'thinker-3', 'elsewhere');
});
afterAll(() => board.close());

beforeEach(async () => {
  await board.admin.query('delete from board.spend; delete from board.reservation; delete from board.budget');
  await cap('fleet', '*', 'day', 1_000_000, 1000);
});

const cap = (scope: string, subject: string, period: string, tokens: number, usd: number) =>
  board.admin.query(
    `insert into board.budget values ($1, $2, $3, $4, $5)
     on conflict (scope, subject, period) do update set tokens = excluded.tokens, usd = excluded.usd`,
    [scope, subject, period, tokens, usd],
  );
const purse = (of: Enrolled) => openBudget(of.db, of.who.id);
const worst = (tokens: number, usd = 0, term_s = 60) => ({ tokens, usd, term_s });
const call = (tokens_in: number, cost_usd = 0) => ({
  thought: null,
  task: 'plan',
  model: 'm',
  strategy: 's',
  temperature: 0.5,
  attempts: 1,
  tokens_in,
  tokens_out: 0,
  cost_usd,
  latency_ms: 1,
  status: 'ok',
});
const full = (words: RegExp) =>
  expect.objectContaining({ code: 'SWARM_E_LLM_BUDGET', message: expect.stringMatching(words) });
const used = async (scope: string, subject: string) =>
  (
    await board.admin.query(
      `select spent_tokens::int as spent, held_tokens::int as held, spent_usd::float8 as usd
       from board.budget_state where scope = $1 and subject = $2 and period = 'day'`,
      [scope, subject],
    )
  ).rows[0];

describe('a cap', () => {
  it('counts what is reserved and what is spent, to the token', async () => {
    await cap('agent', '*', 'day', 100, 10);
    const id = await purse(agent).reserve(worst(60));
    await expect(purse(agent).reserve(worst(41))).rejects.toEqual(
      full(/agent thinker-1, day: 40 of 100 tokens/),
    );
    await purse(agent).settle(id, call(50));
    await expect(purse(agent).reserve(worst(51))).rejects.toEqual(full(/50 of 100/));
    await purse(agent).reserve(worst(50));
    expect(await used('agent', 'thinker-1')).toEqual({ spent: 50, held: 50, usd: 0 });
  });

  it('counts money as well', async () => {
    await cap('agent', 'thinker-1', 'day', 1000, 0.5);
    const id = await purse(agent).reserve(worst(1, 0.3));
    await expect(purse(agent).reserve(worst(1, 0.200001))).rejects.toEqual(full(/USD/));
    await purse(agent).settle(id, call(1, 0.1));
    await purse(agent).reserve(worst(1, 0.4));
    expect(await used('agent', 'thinker-1')).toMatchObject({ usd: 0.1 });
  });

  it('of an owner binds all of its agents together and nobody else', async () => {
    await cap('owner', '*', 'day', 100, 10);
    await purse(agent).reserve(worst(70));
    await expect(purse(sibling).reserve(worst(40))).rejects.toEqual(full(/owner house/));
    await purse(stranger).reserve(worst(100));
  });

  it('of an own line goes before the common one', async () => {
    await cap('agent', '*', 'day', 10, 1);
    await cap('agent', 'thinker-1', 'day', 1000, 1);
    await purse(agent).reserve(worst(500));
    await expect(purse(sibling).reserve(worst(11))).rejects.toEqual(full(/thinker-2/));
  });

  it('for ever counts what was spent on other days, a daily one does not', async () => {
    await board.admin.query(`insert into board.spend values ('agent', 'thinker-1', '2020-01-01', 90, 0)`);
    await cap('agent', '*', 'day', 100, 10);
    await purse(agent).reserve(worst(20));
    await cap('agent', '*', 'ever', 100, 10);
    await expect(purse(agent).reserve(worst(20))).rejects.toEqual(full(/ever/));
  });

  it('that is not set is no permission', async () => {
    await board.admin.query('delete from board.budget');
    await expect(purse(agent).reserve(worst(1))).rejects.toEqual(full(/no budget is set/));
  });
});

describe('64 agents at once', () => {
  it('never exceed one cap by a token', async () => {
    const CAP = 10_007;
    await cap('fleet', '*', 'day', CAP, 1000);
    const many = await Promise.all(
      Array.from({ length: 64 }, (_, i) => board.enrol('explorer', `crowd-${i}`, `crowd-owner-${i % 8}`)),
    );
    let over = 0;
    let running = true;
    const watch = (async () => {
      while (running) {
        const seen = await used('fleet', '*');
        if (seen.spent + seen.held > CAP) over += 1;
      }
    })();
    let settled = 0;
    const refusals = await Promise.all(
      many.map(async (one, i) => {
        for (let n = 0; ; n++) {
          const ask = 17 + ((i * 31 + n * 7) % 90);
          const id = await purse(one)
            .reserve(worst(ask))
            .catch((error) => error as { code: string });
          if (typeof id !== 'string') return id.code;
          const took = Math.max(1, ask - ((i + n) % 5));
          await purse(one).settle(id, call(took));
          settled += took;
        }
      }),
    );
    running = false;
    await watch;
    expect(new Set(refusals)).toEqual(new Set(['SWARM_E_LLM_BUDGET']));
    expect(over).toBe(0);
    expect(await used('fleet', '*')).toMatchObject({ spent: settled, held: 0 });
    expect(settled).toBeLessThanOrEqual(CAP);
    // Who was refused wanted at most 106.
    expect(settled).toBeGreaterThan(CAP - 107);
  });
});

describe('a reservation', () => {
  it('of an agent that was killed comes back when its term is over', async () => {
    await cap('agent', '*', 'day', 100, 10);
    await purse(agent).reserve(worst(100, 0, 0.2));
    await expect(purse(agent).reserve(worst(100, 0, 0.2))).rejects.toEqual(full(/0 of 100/));
    await until(() =>
      purse(agent)
        .reserve(worst(100))
        .then(
          () => true,
          () => false,
        ),
    );
    expect(await one(board.admin, 'select count(*)::int from board.reservation')).toBe(1);
  });

  it('is settled once, however often that is tried, and with its row', async () => {
    const id = await purse(agent).reserve(worst(100));
    await purse(agent).settle(id, call(30));
    await purse(agent).settle(id, call(30));
    expect(await used('agent', 'thinker-1')).toBeUndefined();
    expect(await used('fleet', '*')).toMatchObject({ spent: 30, held: 0 });
    expect(await one(board.admin, 'select tokens_in from board.llm_call where id = $1', [id])).toBe(30);
  });

  it('that ran out is entered all the same when its call comes back', async () => {
    const id = await purse(agent).reserve(worst(100, 0, 0.01));
    await until(async () => (await used('fleet', '*')).held === 0);
    await purse(agent).settle(id, call(80));
    expect(await used('fleet', '*')).toMatchObject({ spent: 80, held: 0 });
  });

  it('belongs to its agent: nobody settles it for another, raises a cap or writes the books', async () => {
    const id = await purse(agent).reserve(worst(100));
    await stranger.client.query('select board.budget_settle($1, 0, 0)', [id]);
    expect(await used('fleet', '*')).toMatchObject({ held: 100 });
    for (const text of [
      'update board.budget set tokens = 1e12',
      'delete from board.spend',
      `insert into board.reservation select '${uuid7()}', agent_id, owner, agent, day, 0, 0, now() from board.reservation`,
      'delete from board.budget_turn',
    ])
      await expect(agent.client.query(text), text).rejects.toMatchObject({ code: '42501' });
  });

  it.each([
    [-1, 0],
    [1, -1],
  ])('of %i tokens and %i USD is refused', async (tokens, usd) => {
    await expect(
      agent.client.query('select board.budget_reserve($1, $2, $3, 60)', [uuid7(), tokens, usd]),
    ).rejects.toMatchObject({ code: '23514' });
  });

  it('takes an agent that is enrolled', async () => {
    const checker = await board.enrol('checker', 'no-thinker');
    await expect(
      checker.client.query('select board.budget_reserve($1, 1, 0, 60)', [uuid7()]),
    ).rejects.toMatchObject({ code: '42501' });
  });
});
