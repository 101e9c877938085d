// Events make the swarm quick and nothing else: with them, without NATS, and with half of all messages lost, the same claims meet the
// same verdicts by the same checkers. Real processes each time.
import { afterEach, describe, expect, inject, it } from 'vitest';
import { cheapSpec, claim } from '../agents/claims.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { type Events, openEvents } from './events.js';
import { type Lossy, openLossy } from './lossy.js';
import { Role } from './role.js';
import { everyClaimByEveryChecker, sound, waiting } from './sound.js';

const SLOT = '1h/BTC';
const CHECKERS = ['checker-1', 'checker-2', 'checker-3'];
const LEVELS = [0.8, 0.9, 1, 1.1];
const patient = { timeout: 400_000, interval: 100 };
let world: World;
let events: Events | null = null;
let lossy: Lossy | null = null;
let running: Role[] = [];

afterEach(async () => {
  await Promise.all(running.map((role) => role.kill()));
  running = [];
  await lossy?.close();
  await events?.close();
  await world.close();
  events = null;
  lossy = null;
});

type Mode = 'events' | 'no events' | 'half of all messages';

/** Founds, claims and checks with real processes until there is nothing left to check; what came of it, in an order of its own. */
async function outcome(mode: Mode): Promise<unknown[]> {
  world = await openWorld(`same ${mode}`, { past: 95, slots: [SLOT] });
  await everyClaimByEveryChecker(world);
  const author = await world.agent('explorer');
  await world.agent('publisher');
  for (const name of CHECKERS) await world.agent('checker', name);
  let args: string[] = [];
  if (mode !== 'no events') {
    events = await openEvents(world);
    if (mode === 'half of all messages') lossy = await openLossy(events.port, '1');
    args = events.args(lossy?.port);
    running.push(await events.relay(lossy?.port));
  }
  running.push(new Role(world, 'publisher', { args }));
  for (const name of CHECKERS) running.push(new Role(world, 'checker', { name, args }));
  await events?.heardBy('publisher', ...CHECKERS);
  lossy?.lose(true);
  for (const level of LEVELS) await claim(author, SLOT, NOW_S, cheapSpec(level));
  await expect
    .poll(() => count(world, 'select count(*) as n from board.verdict'), patient)
    .toBe(LEVELS.length * CHECKERS.length);
  lossy?.lose(false);
  if (events !== null) await everyEventOnce(events);
  for (const role of running) expect((await role.stop()).code).toBe(0);
  running = [];
  expect(await waiting(world)).toEqual([]);
  await sound(world);
  const inbox = await count(world, 'select count(*) as n from board.inbox');
  if (mode === 'no events') expect(inbox).toBe(0);
  else expect(inbox).toBeGreaterThan(0);
  if (lossy !== null) reallyLost(lossy);
  const { rows } = await world.admin.query(
    `select 'verdict' as kind, c.artifact, a.name, v.finding, v.reign, v.champion, v.verified_gain, v.champion_t, v.differences::text
       from board.verdict v join board.claim c on c.id = v.claim_id join board.agent a on a.id = v.agent_id
     union all select 'promotion', p.artifact, a.name, p.kind, p.reign, null, null, null, null
       from board.promotion p join board.agent a on a.id = p.agent_id order by 1, 2, 3`,
  );
  return rows;
}

/** Whatever was lost on the way to the stream was published again, and what was published twice is there once. */
async function everyEventOnce(of: Events): Promise<void> {
  const unpublished = 'select count(*) as n from board.outbox where published_at is null';
  await expect.poll(() => count(world, unpublished), patient).toBe(0);
  const manager = await (await of.admin()).jetstreamManager();
  const { state } = await manager.streams.info('SWARM');
  expect(state.messages).toBe(await count(world, 'select count(*) as n from board.outbox'));
}

/** Messages were lost either way, and events among them: half of some thirty, give or take. */
function reallyLost({ told }: Lossy): void {
  for (const { passed, dropped, events: lost } of [told.up, told.down]) {
    expect(dropped / (passed + dropped)).toBeGreaterThan(0.1);
    expect(dropped / (passed + dropped)).toBeLessThan(0.9);
    expect(lost).toBeGreaterThan(0);
  }
}

describe.runIf(inject('natsUrl'))('the same work', () => {
  let expected: unknown[];
  it('is done with events', async () => {
    expected = await outcome('events');
    expect(expected).toHaveLength(LEVELS.length * CHECKERS.length + 1);
  });
  it.each<Mode>(['no events', 'half of all messages'])('ends in the same tables with %s', async (mode) => {
    expect(await outcome(mode)).toEqual(expected);
  });
});
