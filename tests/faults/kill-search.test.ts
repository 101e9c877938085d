// kill -9 of explorers and optimizers at each of their debug points: what was committed stands, what was not never was, and the next
// life of the agent goes on with a new decision.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { foundSlots } from '../miner/reign.js';
import { count, openWorld, type World } from '../miner/world.js';
import { Role, run } from './role.js';
import { committed, nothingLost, sound, termsOver, waiting } from './sound.js';

const SLOT = '1h/BTC';
let world: World;

beforeAll(async () => {
  world = await openWorld('kill search', { past: 95, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  await world.agent('explorer');
  await world.agent('optimizer');
});
afterAll(() => world.close());

/** What the agent's life so far has left in the tables: decisions, experiments, claims, and leases that are still running. */
async function left(): Promise<number[]> {
  const counts = ['decision', 'experiment', 'claim'].map((kind) =>
    count(world, `select count(*) as n from board.${kind}`),
  );
  const held = count(
    world,
    `select count(*) as n from board.lease where work_id like 'experiment:%' and expires_at > clock_timestamp()`,
  );
  return Promise.all([...counts, held]);
}

// Whether the killed life leaves a decision, an experiment, a claim, a lease that runs on.
const points: [DebugPoint, number[]][] = [
  ['decision.before-commit', [0, 0, 0, 0]],
  ['decision.after-commit', [1, 0, 0, 0]],
  ['experiment.leased', [1, 0, 0, 1]],
  ['experiment.fitted', [1, 0, 0, 1]],
  ['artifact.before-rename', [1, 0, 0, 1]],
  ['experiment.stored', [1, 0, 0, 1]],
  ['claim.before-commit', [1, 0, 0, 1]],
  ['claim.after-commit', [1, 1, 1, 1]],
];
// So that every experiment is claimed: whether it is good enough is not what this is about.
const args = ['--overclaim', '0.0001'];

describe.each(['explorer', 'optimizer'] as const)('an %s killed', (role) => {
  it.each(points)('at %s leaves %j', async (point, wanted) => {
    const expected = [...wanted];
    const before = await left();
    const records = await committed(world);
    const agent = new Role(world, role, { point, ...(role === 'explorer' ? { args } : {}) });
    await agent.reached();
    await agent.kill();
    await sound(world);
    const made = (await left()).map((n, i) => n - before[i]!);
    expect(made[0]).toBeGreaterThanOrEqual(expected[0]!);
    // An optimizer has no such flag: it may find its experiment worth a claim or not.
    if (role === 'optimizer' && expected[2] === 1) expected[2] = made[2]!;
    expect(made.slice(1)).toEqual(expected.slice(1));
    await nothingLost(world, records);
    await termsOver(world);
  });

  it('goes on in its next life', async () => {
    const before = await left();
    await run(world, role, { args: ['--once'] });
    const after = await left();
    expect(after[0]).toBeGreaterThan(before[0]!);
    expect(await waiting(world)).toEqual([]);
    await sound(world);
    // No seed twice: the count of decisions goes on where it was.
    expect(
      await count(
        world,
        'select count(*) as n from (select seed from board.decision group by seed having count(*) > 1) twice',
      ),
    ).toBe(0);
  });
});
