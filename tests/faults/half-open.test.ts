// A line to Postgres that is cut without a word: nothing closes, nothing answers. Whoever waits on it gives it up, and whoever held work
// through it holds it no longer than its term.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTransient, openDb } from '../../blackboard/db.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { Role } from './role.js';
import { committed, everyClaimByEveryChecker, nothingLost, sound, sweep, termsOver } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 200 };
let world: World;
beforeAll(async () => {
  world = await openWorld('half open', { past: 95, slots: [SLOT] });
});
afterAll(async () => {
  world.door.thaw();
  await world.close();
});

describe('a line that was cut without a word', () => {
  it('is given up after a silence, and the next call goes through', async () => {
    const address = new URL(world.url);
    address.port = String(world.door.port);
    const db = openDb({ url: address.href, name: 'half open', silentMs: 500 });
    await sql`select 1`.execute(db);
    world.door.freeze();
    const failure = await sql`select 1`.execute(db).then(
      () => null,
      (error) => error,
    );
    expect(isTransient(failure)).toBe(true);
    world.door.thaw();
    await sql`select 1`.execute(db);
    await db.destroy();
  });

  it('costs the agent behind it its work, which others take over, and then it goes on', async () => {
    await everyClaimByEveryChecker(world);
    await foundSlots(await world.agent('publisher'));
    const author = await world.agent('explorer');
    const names = ['checker-1', 'checker-2', 'checker-3', 'checker-4'];
    for (const name of names) await world.agent('checker', name);
    // Everything through the door is cut; the others have another way.
    const direct = new URL(world.blackboard);
    direct.port = new URL(world.url).port;
    const cut = new Role(world, 'checker', { name: 'checker-1', point: 'check.measured' });
    const first = await claim(author, SLOT, NOW_S, cheapSpec(0.8));
    await cut.reached();
    const known = await committed(world);
    world.door.freeze();
    cut.release('check.measured');
    const others = names
      .slice(1)
      .map((name) => new Role(world, 'checker', { name, blackboard: direct.href }));
    const verdicts = (id: string, name = '%'): Promise<number> =>
      count(
        world,
        'select count(*) as n from board.verdict v join board.agent a on a.id = v.agent_id where claim_id = $1 and a.name like $2',
        [id, name],
      );
    await expect.poll(() => verdicts(first.id), patient).toBe(3);
    expect(await verdicts(first.id, 'checker-1')).toBe(0);
    world.door.thaw();
    await Promise.all(others.map((other) => other.kill()));
    await expect
      .poll(() => cut.said.includes('the database cannot be reached') || cut.said.includes('silent'), patient)
      .toBe(true);
    const author2 = await world.agent('optimizer');
    const second = await claim(author2, SLOT, NOW_S, cheapSpec(0.9));
    await expect.poll(() => verdicts(second.id, 'checker-1'), patient).toBe(1);
    expect((await cut.stop()).code).toBe(0);
    await termsOver(world);
    await sweep(world, 'checker', names);
    await nothingLost(world, known);
    await sound(world);
  });
});
