// `swarm briefing`: what would be told, with the chance of every item, beside what was told.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import type { DrawnBriefing } from '../../trust/briefing.js';
import { type Ground, openGround } from '../trust/ground.js';
import { daysAgo, History, SLOT } from '../trust/history.js';
import { type Ran, swarm } from './run.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('briefing command');
  const h = new History();
  h.promotion(h.agent('publisher-owner', 'publisher'));
  const [author, checker] = [h.agent('alice', 'explorer', 'explorer-1'), h.agent('carol', 'checker')];
  for (const [family, verified_gain] of Object.entries({
    plain: 0,
    good: 0.03,
    bad: -0.03,
    fair: 0.02,
    tall: 0.01,
    wide: 0.005,
  })) {
    for (let n = 0; n < 4; n++)
      h.verdict(
        checker,
        h.claim(author, { spec: { family }, claimed_gain: verified_gain, market_at: daysAgo(0) }),
        {
          verified_gain,
        },
      );
    h.pattern(author, { family });
  }
  await h.write(ground.admin);
  await ground.admin.query('set session_replication_role = replica');
  await ground.admin.query(
    `insert into board.briefing (id, agent_id, slot, seed, items) values ($1, $2, $3, 's', $4)`,
    [
      uuid7(),
      author.id,
      SLOT,
      JSON.stringify([
        { kind: 'pattern', id: 'told-one', probability: 0.4, weight: 1, uniform: true, told: true },
        { kind: 'pattern', id: 'untold-one', probability: 0.2, told: false },
      ]),
    ],
  );
  await ground.admin.query('reset session_replication_role');
});
afterAll(() => ground.close());

const run = (...args: string[]): Promise<Ran> => swarm(ground.url, 'briefing', ...args);

describe('swarm briefing', () => {
  it('shows what a slot would be told, the same for the same seed', async () => {
    const first = await run('--slot', SLOT, '--json');
    expect(first.err).toBe('');
    expect((await run('--slot', SLOT, '--json')).out).toBe(first.out);
    const { now } = JSON.parse(first.out) as { now: DrawnBriefing };
    expect(now.items.map((i) => i.kind).slice(0, 2)).toEqual(['champion', 'spec']);
    expect(now.items.find((i) => i.kind === 'antipattern')).toMatchObject({ probability: 1 });
    const drawn = now.items.filter((i) => i.why !== undefined);
    expect([...drawn, ...now.untold].reduce((s, i) => s + i.probability, 0)).toBeCloseTo(3, 9);
    const seeds = await Promise.all(
      [2, 3, 4, 5].map((n) => run('--slot', SLOT, '--json', '--seed', String(n))),
    );
    expect(new Set([first.out, ...seeds.map((s) => s.out)]).size).toBeGreaterThan(1);
  });

  it('says why in a table, and what an agent was told last', async () => {
    const { out, code } = await run('explorer-1');
    expect(code).toBe(0);
    expect(out).toMatch(/^crypto_1h\/BTC: what would be told now, \d+ tokens$/m);
    expect(out).toMatch(/^champion +1\.000 .* always +reference /m);
    expect(out).toMatch(/^antipattern +1\.000 .* always +bad: -0\.0\d+ \+- 0\.0\d+$/m);
    expect(out).toContain('last told to explorer-1');
    expect(out).toContain('pattern told-one, chance 0.400, drawn evenly');
    expect(out).not.toContain('untold-one');
  });

  it('records nothing', async () => {
    const counted = () => ground.rows('select count(*) from board.briefing');
    const before = await counted();
    await run('explorer-1');
    expect(await counted()).toEqual(before);
  });

  it('refuses an agent that nobody is, a slot that is not open, and no name at all', async () => {
    expect(await run('nobody')).toMatchObject({
      code: 2,
      err: expect.stringContaining('There are explorer-1.'),
    });
    expect(await run('--slot', '24h/DOGE')).toMatchObject({
      code: 2,
      err: expect.stringContaining('It works on crypto_1h/BTC.'),
    });
    expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining('Name an agent') });
  });
});
