// kill -9 of the roles that events wake, at each point of settling one: what rang is settled once in the end, and a message that nobody
// can read is buried once. The checker's points are in nats.test.ts, where its work is looked at too; who searches is woken by nothing.
import type { JetStreamManager, NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import type { AgentRole } from '../../blackboard/identity/credentials.js';
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
  const buried = (role: AgentRole): Promise<number> =>
    count(
      world,
      'select count(*) as n from board.dead_letter d join board.agent a on a.id = d.agent_id where a.name = $1',
      [role],
    );
  const start = (role: AgentRole, point?: DebugPoint): Role =>
    new Role(world, role, {
      args: [...events.args(), ...(role === 'miner' ? ['--port', String(port)] : [])],
      ...(point === undefined ? {} : { point }),
    });
  /** All of them hear it; the others are not alive, and their consumers keep it. */
  const ring = async (): Promise<number> => {
    event += 1;
    const body = { v: 1, id: event, kind: 'promotion', ref: 'x' };
    await nats.jetstream().publish('swarm.event.promotion', JSON.stringify(body));
    return event;
  };
  const killedAt = async (
    role: AgentRole,
    point: DebugPoint,
    cause: () => Promise<unknown>,
  ): Promise<void> => {
    const first = start(role, point);
    await events.heardBy(role);
    await cause();
    await first.reached();
    await first.kill();
    await sound(world);
    await termsOver(world);
  };

  it.each(ROLES)('killed as %s settles what rang in a later life, once', async (role) => {
    await expect
      .poll(
        () =>
          manager.consumers.info('SWARM', role).then(
            () => true,
            () => false,
          ),
        patient,
      )
      .toBe(true);
    const { config } = await manager.consumers.info('SWARM', role);
    // Comes again after a second where nobody says anything of it.
    await manager.consumers.update('SWARM', role, { ...config, ack_wait: 1_000_000_000 });
    const before = await committed(world);
    const rung: number[] = [];
    for (const [point, expected] of [
      ['inbox.before-commit', 0],
      ['inbox.before-ack', 1],
    ] as const) {
      await killedAt(role, point, async () => rung.push(await ring()));
      expect(await settledBy(role, rung.at(-1)!), point).toBe(expected);
    }
    await killedAt(role, 'dead-letter.before-term', () =>
      nats.jetstream().publish('swarm.event.promotion', `no event for ${role}`),
    );
    expect(await buried(role)).toBeGreaterThan(0);
    const last = start(role);
    await expect
      .poll(async () => {
        const info = await manager.consumers.info('SWARM', role);
        return info.num_ack_pending + info.num_pending;
      }, patient)
      .toBe(0);
    expect((await last.stop()).code).toBe(0);
    for (const id of rung) expect(await settledBy(role, id)).toBe(1);
    await nothingLost(world, before);
    await sound(world);
  });
});
