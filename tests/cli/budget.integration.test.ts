// `swarm budget` as a command: what it shows, what it sets, and what it refuses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBudget } from '../../agents/llm/budget.js';
import { type Board, type Enrolled, openBoard } from '../blackboard/board.js';
import { type Ran, swarm as run } from './run.js';

let board: Board;
let agent: Enrolled;

beforeAll(async () => {
  board = await openBoard('budget command');
  agent = await board.enrol('explorer', 'thinker', 'house');
});
afterAll(() => board.close());

const swarm = (...args: string[]): Promise<Ran> => run(board.url, 'budget', ...args);
const lines = async (): Promise<Record<string, unknown>[]> => JSON.parse((await swarm('--json')).out);

describe('swarm budget', () => {
  it('shows the caps that a new database has, with what is reserved', async () => {
    await openBudget(agent.db, agent.who.id).reserve({ tokens: 123, usd: 0.25, term_s: 60 });
    expect(await lines()).toEqual(
      [
        ['fleet', '*'],
        ['owner', 'house'],
        ['agent', 'thinker'],
      ].map(([scope, name]) =>
        expect.objectContaining({
          scope,
          name,
          per: 'day',
          spent_tokens: 0,
          held_tokens: 123,
          held_usd: 0.25,
        }),
      ),
    );
    expect((await swarm()).out).toMatch(/agent +thinker +day +1000000 +0 +123/);
  });

  it('sets a cap that counts at once, and removes it', async () => {
    const set = [
      'set',
      '--scope',
      'agent',
      '--name',
      'thinker',
      '--per',
      'ever',
      '--tokens',
      '5',
      '--usd',
      '1',
    ];
    expect(await swarm(...set)).toMatchObject({ code: 0 });
    await expect(
      openBudget(agent.db, agent.who.id).reserve({ tokens: 6, usd: 0, term_s: 60 }),
    ).rejects.toMatchObject({ code: 'SWARM_E_LLM_BUDGET' });
    const unset = ['unset', '--scope', 'agent', '--name', 'thinker', '--per', 'ever'];
    expect(await swarm(...unset)).toMatchObject({ code: 0 });
    await openBudget(agent.db, agent.who.id).reserve({ tokens: 6, usd: 0, term_s: 60 });
    expect(await swarm(...unset)).toMatchObject({ code: 2, err: expect.stringContaining('has no cap') });
  });

  it.each([
    [['set', '--scope', 'agent', '--name', 'nobody', '--tokens', '5', '--usd', '1'], /no agent nobody/],
    [['set', '--scope', 'fleet', '--name', 'house', '--tokens', '5', '--usd', '1'], /fleet has no name/],
    [['set', '--scope', 'agent', '--tokens', '-5', '--usd', '1'], /not a number/],
    [['set', '--scope', 'agent', '--tokens', '5'], /--usd/],
  ])('%j is refused', async (args, words) => {
    expect(await swarm(...args)).toMatchObject({ code: 2, err: expect.stringMatching(words) });
  });
});
