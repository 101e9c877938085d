// Agents whose clocks are ten minutes off, either way: who holds what, until when and since when is the database's word alone.
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cheapSpec, claim } from '../agents/claims.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { Role, run } from './role.js';
import { committed, everyClaimByEveryChecker, nothingLost, sound, termsOver, waiting } from './sound.js';

const SLOT = '1h/BTC';
const TEN_MINUTES_MS = 600_000;
const patient = { timeout: 400_000, interval: 100 };
const skewed = (ms: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('./fixtures/skew.mjs', import.meta.url))}`,
  SKEW_MS: String(ms),
});
let world: World;
beforeEach(async () => {
  world = await openWorld('clocks', { past: 95, slots: [SLOT] });
});
afterEach(() => world.close());

describe('a clock that is off', () => {
  it.each([
    ['ahead', TEN_MINUTES_MS],
    ['behind', -TEN_MINUTES_MS],
  ])('by ten minutes, %s, neither takes a lease that is held nor outlives its own', async (_, ms) => {
    for (const name of ['publisher-1', 'publisher-2']) await world.agent('publisher', name);
    const holder = new Role(world, 'publisher', {
      name: 'publisher-1',
      point: 'gate.leased',
      env: skewed(-ms),
    });
    await holder.reached();
    const other = { name: 'publisher-2', env: skewed(ms), args: ['--drain'] };
    await run(world, 'publisher', other);
    expect(await count(world, 'select count(*) as n from board.promotion')).toBe(0);
    // It lives and renews: its lease moves on although nothing else of it does.
    const until = (): Promise<number> =>
      count(world, 'select extract(epoch from max(expires_at)) as n from board.lease');
    const first = await until();
    await expect.poll(until, patient).toBeGreaterThan(first);
    await run(world, 'publisher', other);
    expect(await count(world, 'select count(*) as n from board.promotion')).toBe(0);
    await holder.kill();
    await termsOver(world);
    await run(world, 'publisher', other);
    expect(await count(world, 'select count(*) as n from board.promotion')).toBe(1);
    expect(await waiting(world)).toEqual([]);
    await sound(world);
  });

  it('does not keep checkers from their turns, and no instant of a record is theirs', async () => {
    await foundSlots(await world.agent('publisher'));
    const author = await world.agent('explorer');
    await everyClaimByEveryChecker(world);
    const { rows } = await world.admin.query<{ now: Date }>('select clock_timestamp() as now');
    const checkers: Role[] = [];
    for (const [n, ms] of [-TEN_MINUTES_MS, 0, TEN_MINUTES_MS].entries()) {
      await world.agent('checker', `checker-${n}`);
      checkers.push(new Role(world, 'checker', { name: `checker-${n}`, env: skewed(ms) }));
    }
    const claims: string[] = [];
    for (const level of [0.8, 0.9]) claims.push((await claim(author, SLOT, NOW_S, cheapSpec(level))).id);
    await expect
      .poll(() => count(world, 'select count(*) as n from board.verdict'), patient)
      .toBe(3 * claims.length);
    const before = await committed(world);
    for (const checker of checkers) expect((await checker.stop()).code).toBe(0);
    await nothingLost(world, before);
    const instants = ['verdict', 'holding', 'claim'].map((kind) => `select at from board.${kind}`);
    expect(
      await count(
        world,
        `select count(*) as n from (${instants.join(' union all ')} union all select beat_at from board.presence) i
         where at < $1::timestamptz - interval '1 minute' or at > clock_timestamp()`,
        [rows[0]!.now],
      ),
    ).toBe(0);
    expect(await waiting(world)).toEqual([]);
    await sound(world);
  });
});
