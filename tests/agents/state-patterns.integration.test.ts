// What agents say of a slot: mined from verdicts by whoever comes first, with an explorer's rights, and told from then on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statePatterns } from '../../agents/runtime/state-patterns.js';
import { uuid7 } from '../../blackboard/ids.js';
import type { Enrolled } from '../blackboard/board.js';
import { type Ground, openGround } from '../trust/ground.js';
import { daysAgo, History, SLOT } from '../trust/history.js';
import { normal, seeded } from '../trust/seeded.js';

let ground: Ground;
let agents: Enrolled[];
beforeAll(async () => {
  ground = await openGround('state patterns');
  const h = new History();
  const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
  h.promotion(h.agent('publisher-owner', 'publisher'));
  const u = seeded(3);
  for (const [family, effect] of Object.entries({ good: 0.03, bad: -0.03, plain: 0 }))
    for (let n = 0; n < 12; n++) {
      const gain = effect + 0.004 * normal(u);
      h.verdict(
        checker,
        h.claim(author, { spec: { family, nu: n }, claimed_gain: gain, market_at: daysAgo(1) }),
        {
          verified_gain: gain,
        },
      );
    }
  await h.write(ground.admin);
  agents = [await ground.enrol('explorer', 'first'), await ground.enrol('optimizer', 'second')];
});
afterAll(() => ground.close());

const state = ({ db, who }: Enrolled): Promise<void> =>
  statePatterns({ db, who, stamp: () => ({ id: uuid7(), agent_id: who.id }) }, SLOT);
const said = () =>
  ground.rows<{ family: string; knob: string | null; direction: number; note: string; agent_id: string }>(
    'select family, knob, direction, note, agent_id from board.pattern order by family',
  );

describe('stating patterns', () => {
  it('says what verdicts show, good and bad, in the name of whoever finds it', async () => {
    await state(agents[0]!);
    expect(await said()).toEqual(
      [
        ['bad', -1],
        ['good', 1],
      ].map(([family, direction]) => ({
        family,
        knob: null,
        direction,
        note: expect.stringMatching(/^mined from verdicts, p /),
        agent_id: agents[0]!.who.id,
      })),
    );
  });

  it('says nothing that somebody has said', async () => {
    const before = await said();
    await state(agents[1]!);
    await state(agents[0]!);
    expect(await said()).toEqual(before);
  });

  it('makes patterns that are weighed and told', async () => {
    await ground.admin.query(`select trust.weigh('infinity')`);
    const weights = await ground.rows<{ family: string; gain: number }>(
      'select family, gain from trust.told_pattern order by family',
    );
    expect(weights.map((w) => Math.sign(w.gain))).toEqual([-1, 1]);
  });
});
