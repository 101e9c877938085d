// kill -9 of a checker at each of its debug points: one verdict comes of it in the end, and only one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, sweep, termsOver, waiting } from './sound.js';

const SLOT = '1h/BTC';
let world: World;
let author: AgentContext;
let level = 0.8;

beforeAll(async () => {
  world = await openWorld('kill checker', { past: 95, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  author = await world.agent('explorer');
  await world.agent('checker');
});
afterAll(() => world.close());

const verdicts = (id: string): Promise<number> =>
  count(world, 'select count(*) as n from board.verdict where claim_id = $1', [id]);

const points: [DebugPoint, 0 | 1][] = [
  ['check.leased', 0],
  ['check.measured', 0],
  ['verdict.before-commit', 0],
  ['verdict.after-commit', 1],
];

describe('a checker killed', () => {
  it.each(points)('at %s leaves %i verdicts, and its next life makes it one', async (point, left) => {
    level += 0.01;
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(level));
    const judge = new Role(world, 'checker', { point });
    await judge.reached();
    await judge.kill();
    expect(await verdicts(id)).toBe(left);
    await sound(world);
    const before = await committed(world);
    await termsOver(world);
    await sweep(world, 'checker');
    expect(await verdicts(id)).toBe(1);
    await nothingLost(world, before);
    await sound(world);
  });

  it('holds its work no longer than its term, and another checker takes it over', async () => {
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(0.9));
    const judge = new Role(world, 'checker', { point: 'check.leased' });
    await judge.reached();
    await judge.kill();
    // The lease on its own check is real and runs out by itself; the next life waits for it.
    const { rows } = await world.admin.query<{ left_s: number }>(
      'select extract(epoch from expires_at - clock_timestamp())::float8 as left_s from board.lease where expires_at > clock_timestamp()',
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.left_s).toBeLessThanOrEqual(30);
    const next = new Role(world, 'checker');
    await expect.poll(() => verdicts(id), { timeout: 400_000, interval: 200 }).toBe(1);
    expect((await next.stop()).code).toBe(0);
    expect(await waiting(world)).toEqual([]);
    await sound(world);
  });
});
