// kill -9 of the roles that events wake, at each point of settling one: what rang is settled once in the end, and a message that nobody
// can read is buried once. The checker's points are in nats.test.ts, where its work is looked at too; who searches is woken by nothing.
import type { JetStreamManager, NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { foundSlots } from '../miner/reign.js';
import { count, openWorld, type World } from '../miner/world.js';
import { freePorts } from '../ports.js';
import { type Events, openEvents } from './events.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, termsOver } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 50 };
const ROLES = ['publisher', 'miner'] as const;

describe.runIf(inject('natsUrl'))('who is woken by events', () => {
  let world: World;
  let events: Events;
  let nats: NatsConnection;
  let manager: JetStreamManager;
  let relay: Role;
  let port: number;
  let event = 900_000;

  beforeAll(async () => {
    world = await openWorld('kill doorbell', { past: 95, slots: [SLOT] });
    for (const role of ROLES) {
      const context = await world.agent(role);
      if (role === 'publisher') await foundSlots(context);
    }
    events = await openEvents(world);
    relay = await events.relay();
    nats = await events.admin();
    manager = await nats.jetstreamManager();
    [port] = (await freePorts(1)) as [number];
  });
  afterAll(async () => {
    await relay.kill();
    await events.close();
    await world.close();
  });

  const settledBy = (role: AgentRole, id: number): Promise<number> =>
    count(world, 'select count(*) as n from board.inbox where event_id = $1 and consumer = $2', [id, role]);
  const buried = (role: AgentRole, body: string): Promise<number> =>
    count(
      world,
      'select count(*) as n from board.dead_letter d join board.agent a on a.id = d.agent_id where a.name = $1 and d.body = $2',
      [role, body],
    );
  const start = (role: AgentRole, point?: DebugPoint): Role =>
    new Role(world, role, {
      args: [...events.args(), ...(role === 'miner' ? ['--port', String(port)] : [])],
      ...(point === undefined ? {} : { point }),
    });
  /** For all of them: the consumers of those who are not alive keep it. */
  const ring = async (): Promise<number> => {
    event += 1;
    const body = { v: 1, id: event, kind: 'promotion', ref: 'x' };
    await nats.jetstream().publish('swarm.event.promotion', JSON.stringify(body));
    return event;
  };
  const unsettled = async (role: AgentRole): Promise<number> => {
    const info = await manager.consumers.info('SWARM', role).catch(() => null);
    return info === null ? Number.NaN : info.num_ack_pending + info.num_pending;
  };
  /** A life in which nothing happens to it: afterwards it has settled all that ever rang. */
  const live = async (role: AgentRole): Promise<void> => {
    const life = start(role);
    await expect.poll(() => unsettled(role), patient).toBe(0);
    expect((await life.stop()).code).toBe(0);
  };
  const killedAt = async (role: AgentRole, point: DebugPoint): Promise<void> => {
    const life = start(role, point);
    await life.reached();
    await life.kill();
    await sound(world);
    await termsOver(world);
  };

  it.each(ROLES)('killed as %s settles what rang in a later life, once', async (role) => {
    const unpublished = 'select count(*) as n from board.outbox where published_at is null';
    await expect.poll(() => count(world, unpublished), patient).toBe(0);
    await live(role);
    const { config } = await manager.consumers.info('SWARM', role);
    // Comes again soon where nobody says anything of it, and not so soon that it is given up within one life.
    await manager.consumers.update('SWARM', role, { ...config, ack_wait: 5_000_000_000 });
    const before = await committed(world);
    const id = await ring();
    await killedAt(role, 'inbox.before-commit');
    expect(await settledBy(role, id)).toBe(0);
    await killedAt(role, 'inbox.before-ack');
    expect(await settledBy(role, id)).toBe(1);
    await live(role);
    const unreadable = `no event for ${role}`;
    await nats.jetstream().publish('swarm.event.promotion', unreadable);
    await killedAt(role, 'dead-letter.before-term');
    await live(role);
    expect(await settledBy(role, id)).toBe(1);
    expect(await buried(role, unreadable)).toBe(1);
    await nothingLost(world, before);
    await sound(world);
  });
});
