// Three servers hold the stream: whichever of them is killed, its leader first, events go on without it, and none is lost or there twice.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsumerInfo, JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { connectNats } from '../../blackboard/events/connect.js';
import { listNatsAgents } from '../../blackboard/identity/list.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { until } from '../blackboard/board.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { type NatsCluster, natsCluster } from './nats-cluster.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, sweep, waiting } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 100 };

describe.runIf(inject('natsUrl'))('a cluster of three', () => {
  let world: World;
  let cluster: NatsCluster;
  let nats: NatsConnection;
  let manager: JetStreamManager;
  let author: AgentContext;
  let relay: Role;
  let checker: Role;
  let level = 0.7;

  beforeAll(async () => {
    world = await openWorld('nats cluster', { past: 95, slots: [SLOT] });
    await foundSlots(await world.agent('publisher'));
    author = await world.agent('explorer');
    for (const role of ['checker', 'relay'] as const) await world.agent(role);
    cluster = await natsCluster((await listNatsAgents(world.admin)).agents);
    process.env['SWARM_TLS_CA'] = cluster.authority;
    nats = await connectNats({ url: cluster.adminAddress, name: 'test' });
    manager = await nats.jetstreamManager({ checkAPI: false });
    const file = join(world.directory, 'nats.url');
    writeFileSync(file, cluster.address);
    const how = { args: ['--nats-file', file], env: { SWARM_TLS_CA: cluster.authority } };
    relay = new Role(world, 'relay', how);
    checker = new Role(world, 'checker', how);
  });
  afterAll(async () => {
    delete process.env['SWARM_TLS_CA'];
    await Promise.all([relay.kill(), checker.kill()]);
    await nats.close();
    await cluster.close();
    await world.close();
  });

  /** Null while the servers choose a leader. */
  const stream = (): Promise<StreamInfo | null> => manager.streams.info('SWARM').catch(() => null);
  const consumer = (): Promise<ConsumerInfo | null> =>
    manager.consumers.info('SWARM', 'checker').catch(() => null);
  const leader = async (of: () => Promise<StreamInfo | ConsumerInfo | null>): Promise<string> => {
    let found: string | undefined;
    await until(async () => {
      found = (await of())?.cluster?.leader;
      return Boolean(found);
    }, patient.timeout);
    return found!;
  };
  const waitingToBeSent = (): Promise<number> =>
    count(world, 'select count(*) as n from board.outbox where published_at is null');
  const copies = async (): Promise<number> =>
    1 +
    ((await stream())?.cluster?.replicas ?? []).filter((one) => one.current && one.offline !== true).length;
  /** A new claim, by its event: checked, and settled in the transaction of the verdict. */
  const heard = async (): Promise<void> => {
    level += 0.01;
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(level));
    await expect
      .poll(
        () =>
          count(
            world,
            `select count(*) as n from board.inbox i join board.outbox o on o.id = i.event_id
             join board.verdict v on v.claim_id = o.ref where o.ref = $1 and i.consumer = 'checker'`,
            [id],
          ),
        patient,
      )
      .toBe(1);
  };

  it('keeps three copies of the stream, and of what each agent has settled', async () => {
    await expect.poll(copies, patient).toBe(3);
    expect((await stream())!.config.num_replicas).toBe(3);
    await expect.poll(async () => (await consumer())?.cluster?.replicas?.length, patient).toBe(2);
    await heard();
  });

  it.each(['its leader', 'the next leader', 'the server of the consumer'])(
    'goes on without %s, and takes it back',
    async (which) => {
      const known = await committed(world);
      const victim = await leader(which === 'the server of the consumer' ? consumer : stream);
      await cluster.kill(victim);
      for (const _ of [1, 2]) await heard();
      await expect.poll(waitingToBeSent, patient).toBe(0);
      await expect.poll(copies, patient).toBe(2);
      await cluster.start(victim);
      await expect.poll(copies, patient).toBe(3);
      await nothingLost(world, known);
    },
  );

  it('holds every event once in the end', async () => {
    await expect.poll(waitingToBeSent, patient).toBe(0);
    await expect
      .poll(async () => (await stream())?.state.messages, patient)
      .toBe(await count(world, 'select count(*) as n from board.outbox'));
    expect((await checker.stop()).code).toBe(0);
    expect((await relay.stop()).code).toBe(0);
    expect(await waiting(world)).toEqual([]);
    await sweep(world, 'checker');
    await sound(world);
  });
});
