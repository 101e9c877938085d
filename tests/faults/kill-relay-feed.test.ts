// kill -9 of relay and feed at each of their debug points: every event is in the stream once and marked, every bar is written once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { connectNats } from '../../blackboard/events/connect.js';
import { simulatedMarket } from '../../miner/market/simulated.js';
import { columnsOf, simulatedBars } from '../../miner/prices/simulated.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { type OwnNats, ownNats } from '../blackboard/events/nats.js';
import { count, DAY_S, NOW_S, openWorld, type World } from '../miner/world.js';
import { Role, run } from './role.js';
import { committed, nothingLost, sound } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 50 };
let world: World;

beforeAll(async () => {
  world = await openWorld('kill relay', { past: 3, ahead: 1, slots: [SLOT] });
});
afterAll(() => world.close());

describe.runIf(inject('natsUrl'))('a relay killed', () => {
  let server: OwnNats;
  let nats: NatsConnection;
  let author: AgentContext;
  let args: string[];
  let level = 0.7;

  beforeAll(async () => {
    server = (await ownNats())!;
    nats = await connectNats({ url: server.url, name: 'test' });
    const file = join(world.directory, 'nats.url');
    writeFileSync(file, server.url);
    args = ['--nats-file', file];
    author = await world.agent('explorer');
    await world.agent('relay');
  });
  afterAll(async () => {
    await nats.close();
    await server.close();
  });

  const claims = async (n: number): Promise<void> => {
    for (let made = 0; made < n; made++) {
      level += 0.001;
      await claim(author, SLOT, NOW_S, cheapSpec(level), { stated: { gain: 0.01, se: 0.01 } });
    }
  };
  const waiting = (): Promise<number> =>
    count(world, 'select count(*) as n from board.outbox where published_at is null');
  const inStream = async (): Promise<number> => {
    const manager = await nats.jetstreamManager();
    return (await manager.streams.info('SWARM').catch(() => null))?.state.messages ?? 0;
  };
  const written = (): Promise<number> => count(world, 'select count(*) as n from board.outbox');

  const points: DebugPoint[] = ['relay.connected', 'relay.read', 'relay.published', 'relay.marked'];
  it.each(points)('at %s: each event is in the stream once in the end', async (point) => {
    await claims(3);
    const relay = new Role(world, 'relay', { point, args });
    await relay.reached();
    await relay.kill();
    const isSent = point === 'relay.published' || point === 'relay.marked';
    expect(await inStream()).toBe((await written()) - (isSent ? 0 : 3));
    expect(await waiting()).toBe(point === 'relay.marked' ? 0 : 3);
    const before = await committed(world);
    const next = new Role(world, 'relay', { args });
    await next.started();
    await expect.poll(waiting, patient).toBe(0);
    expect((await next.stop()).code).toBe(0);
    expect(await inStream()).toBe(await written());
    await nothingLost(world, before);
    await sound(world);
  });

  it('is no loss to who sweeps: another relay at the same time publishes nothing twice', async () => {
    await world.agent('relay', 'relay-2', 'relay-owner');
    const both = [new Role(world, 'relay', { args }), new Role(world, 'relay', { args, name: 'relay-2' })];
    for (const relay of both) await relay.started();
    await claims(20);
    await expect.poll(waiting, patient).toBe(0);
    for (const relay of both) expect((await relay.stop()).code).toBe(0);
    expect(await inStream()).toBe(await written());
  });
});

describe('a feed killed', () => {
  beforeAll(async () => {
    await world.agent('feed');
  });
  const points: DebugPoint[] = ['feed.half-day', 'feed.day-written'];
  it.each(points)('at %s: its next life completes the bars, and none is there twice', async (point) => {
    const { rows: now } = await world.admin.query<{ s: number }>(
      'select extract(epoch from market.now())::float8 as s',
    );
    await world.clock(now[0]!.s + DAY_S);
    const feed = new Role(world, 'feed', { point });
    await feed.reached();
    await feed.kill();
    await run(world, 'feed', { args: ['--drain'] });
    const to_s = now[0]!.s + DAY_S + 4 * DAY_S;
    const market = simulatedMarket('1', 'BTC');
    for (const { step_s, bars } of simulatedBars(market, NOW_S - 3 * DAY_S, to_s)) {
      const columns = columnsOf(bars);
      const { rows } = await world.admin.query(
        `select b.open_s::float8, b.open, b.high, b.low, b.close from market.bar b join market.series s on s.id = b.series_id
         where s.step_s = $1 order by b.open_s`,
        [step_s],
      );
      expect(rows.map((r) => Object.values(r))).toEqual(
        columns[0]!.map((_, i) => columns.map((column) => column[i])),
      );
    }
  });
});
