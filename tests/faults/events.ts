// NATS for a world under test: a server of its own with the real users file, and a relay; roles reach it directly or through a proxy.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { listNatsAgents } from '../../blackboard/identity/list.js';
import { writeUsers } from '../../cli/services/nats-server.js';
import { until } from '../blackboard/board.js';
import { type OwnNats, ownNats } from '../blackboard/events/nats.js';
import type { World } from '../miner/world.js';
import { Role } from './role.js';

const administrator = { user: 'swarm', password: 'admin' };

export interface Events {
  readonly server: OwnNats;
  readonly port: number;
  /** Arguments that lead a role here; through a proxy's port, if one is given. */
  args(port?: number): string[];
  /** An administrator's connection, for looking. */
  admin(): Promise<NatsConnection>;
  relay(port?: number): Promise<Role>;
  /** Resolves when the agents' consumers are there and somebody pulls from each. */
  heardBy(...names: string[]): Promise<void>;
  close(): Promise<void>;
}

/** Enrols a relay and starts a server that knows every agent enrolled so far. */
export async function openEvents(world: World): Promise<Events> {
  const server = (await ownNats(administrator))!;
  await world.agent('relay');
  const { agents, database } = await listNatsAgents(world.admin);
  writeUsers(server.directory, administrator, agents, database);
  const port = Number(new URL(server.url).port);
  const open: NatsConnection[] = [];
  const events: Events = {
    server,
    port,
    args(at = port) {
      const file = join(world.directory, `nats-${at}.url`);
      writeFileSync(file, `nats://127.0.0.1:${at}`);
      return ['--nats-file', file];
    },
    async admin() {
      const found: NatsConnection[] = [];
      // A connection that comes while the server reads its users again may be dropped.
      await until(async () => {
        const login = { user: administrator.user, pass: administrator.password };
        await connect({ servers: `127.0.0.1:${port}`, ...login, timeout: 2000 }).then(
          (nats) => found.push(nats),
          () => undefined,
        );
        return found.length > 0;
      }, 400_000);
      open.push(found[0]!);
      return found[0]!;
    },
    async relay(at) {
      const relay = new Role(world, 'relay', { args: events.args(at) });
      await relay.started();
      return relay;
    },
    async heardBy(...names) {
      const nats = await events.admin();
      const manager = await nats.jetstreamManager();
      await until(async () => {
        const infos = await Promise.all(
          names.map((name) => manager.consumers.info('SWARM', name).catch(() => null)),
        );
        return infos.every((info) => info !== null && info.num_waiting > 0);
      }, 400_000);
    },
    async close() {
      for (const nats of open) await nats.close();
      await server.close();
    },
  };
  return events;
}
