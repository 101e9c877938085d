// What an agent's own key opens on NATS: its own consumer and inbox, and nothing else. A real nats-server with the real users file.
import { join } from 'node:path';
import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accounts, durableOf, inboxOf, permissionsOf } from '../../../blackboard/events/access.js';
import { connectNats } from '../../../blackboard/events/connect.js';
import { openDoorbell } from '../../../blackboard/events/doorbell.js';
import { runRelay } from '../../../blackboard/events/relay.js';
import { listNatsAgents } from '../../../blackboard/identity/list.js';
import { openOwnerKey } from '../../../blackboard/identity/owner.js';
import { revoke } from '../../../blackboard/identity/revoke.js';
import { rotate } from '../../../blackboard/identity/rotate.js';
import { writeUsers } from '../../../cli/services/nats-server.js';
import { type Board, type Enrolled, homeOf, one, openBoard, until } from '../board.js';
import { claim } from '../records.js';
import { type OwnNats, ownNats } from './nats.js';

const HOUR_MS = 3_600_000;
const admin = { user: 'swarm', password: '1e5' };

describe('the users file', () => {
  it('gives every agent its own subjects and no wildcard over others', () => {
    for (const role of ['explorer', 'checker', 'miner', 'validator', 'feed'] as const) {
      const { publish, subscribe } = permissionsOf({ name: 'a.b', role });
      expect(subscribe).toEqual(['_INBOX_a=b.>']);
      for (const subject of publish)
        expect(subject).toMatch(
          /^(swarm\.api\.CONSUMER\.(INFO|MSG\.NEXT)\.SWARM\.a=b|\$JS\.ACK\.SWARM\.a=b\.>)$/,
        );
    }
    expect(accounts(null, [])).not.toContain('user:');
    expect(durableOf('a.b')).not.toBe(durableOf('a-b'));
  });
});

describe.runIf(inject('natsUrl'))('an agent', () => {
  let board: Board;
  let server: OwnNats;
  let root: NatsConnection;
  let explorer: Enrolled;
  let rival: Enrolled;
  let relay: Enrolled;
  const stop = new AbortController();
  let relaying: Promise<void>;
  const connections: NatsConnection[] = [];

  beforeAll(async () => {
    board = await openBoard('nats access');
    explorer = await board.enrol('explorer', 'e.1', 'alice');
    rival = await board.enrol('explorer', 'e2', 'bob');
    relay = await board.enrol('relay', 'relay-1', 'house');
    server = (await ownNats(admin))!;
    await tell();
    // A connection that comes while the server reads its users again may be dropped.
    const roots: NatsConnection[] = [];
    await until(async () => {
      const login = { user: admin.user, pass: admin.password, timeout: 2000 };
      await connect({ servers: new URL(server.url).host, ...login }).then(
        (nats) => roots.push(nats),
        () => undefined,
      );
      return roots.length > 0;
    });
    root = roots[0]!;
    relaying = runRelay({
      db: relay.db,
      databaseUrl: relay.url,
      nats: { url: server.url, name: relay.who.name, seed: relay.who.natsSeed },
      signal: stop.signal,
      onProblem: () => undefined,
      onPass: () => undefined,
    });
    await until(async () => (await consumers()).length === 2);
  });
  afterAll(async () => {
    stop.abort();
    await relaying;
    for (const connection of connections) await connection.close();
    await root.close();
    await server.close();
    await board.close();
  });

  const tell = async (): Promise<void> => {
    const { agents, database } = await listNatsAgents(board.admin);
    writeUsers(server.directory, admin, agents, database);
  };
  const consumers = async (): Promise<string[]> => {
    const manager = await root.jetstreamManager();
    const infos = await manager.consumers
      .list('SWARM')
      .next()
      .catch(() => []);
    return infos.map((info) => info.name).sort();
  };
  const open = async (by: Enrolled, options: ConnectionOptions = {}): Promise<NatsConnection> => {
    const connection = await connect({
      servers: new URL(server.url).host,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(by.who.natsSeed)),
      inboxPrefix: inboxOf(by.who.name),
      reconnect: false,
      timeout: 5000,
      ...options,
    });
    connections.push(connection);
    return connection;
  };
  /** What the server says to a publication that it does not take. */
  const refusedPublish = async (nats: NatsConnection, subject: string, body = ''): Promise<void> => {
    const said = new Promise<string>((resolve) => {
      void (async () => {
        for await (const status of nats.status())
          if (String(status.data).includes('PERMISSIONS') || status.permissionContext !== undefined)
            return resolve(String(status.permissionContext?.subject));
      })();
    });
    nats.publish(subject, body);
    await nats.flush();
    expect(await said).toBe(subject);
  };

  it('is woken through its own consumer, which the relay has made', async () => {
    expect(await consumers()).toEqual(['e2', 'e=1']);
    const bell = openDoorbell({
      natsUrl: server.url,
      consumer: 'e.1',
      natsSeed: explorer.who.natsSeed,
      kinds: ['claim'],
      onProblem: (error) => {
        throw error;
      },
      bury: async () => undefined,
    });
    await until(async () => {
      const manager = await root.jetstreamManager();
      return (await manager.consumers.info('SWARM', 'e=1')).num_waiting > 0;
    });
    await claim(rival, 1);
    await bell.wait(HOUR_MS, AbortSignal.timeout(20_000));
    await bell.settle(explorer.db, async () => undefined);
    expect(await one(board.admin, `select count(*)::int from board.inbox where consumer = 'e.1'`)).toBe(1);
    await bell.close();
  });

  it.each([
    ['an event', 'swarm.event.promotion', '{"v":1,"id":1,"kind":"promotion","ref":"x"}'],
    ["another's inbox", '_INBOX_e2.x', ''],
    ["another's next message", 'swarm.api.CONSUMER.MSG.NEXT.SWARM.e2', ''],
    ["a look at another's consumer", 'swarm.api.CONSUMER.INFO.SWARM.e2', ''],
    ["another's next message by the server's own name", '$JS.API.CONSUMER.MSG.NEXT.SWARM.e2', ''],
    ["an acknowledgement in another's name", '$JS.ACK.SWARM.e2.1.1.1.1.0', ''],
    ['the end of the stream', '$JS.API.STREAM.DELETE.SWARM', ''],
    ['its purge', '$JS.API.STREAM.PURGE.SWARM', ''],
    ['its change', '$JS.API.STREAM.UPDATE.SWARM', '{}'],
    ['another stream', '$JS.API.STREAM.CREATE.MINE', '{"name":"MINE"}'],
    ['a message by its number', '$JS.API.STREAM.MSG.GET.SWARM', '{"seq":1}'],
    ['a consumer of its own', '$JS.API.CONSUMER.DURABLE.CREATE.SWARM.e=1', '{}'],
    ['a second consumer', '$JS.API.CONSUMER.CREATE.SWARM.mine', '{}'],
    ['a nameless consumer', '$JS.API.CONSUMER.CREATE.SWARM', '{}'],
    ["the end of another's consumer", '$JS.API.CONSUMER.DELETE.SWARM.e2', ''],
    ['a look at the account', '$JS.API.INFO', ''],
    ['anything else', 'hello', ''],
  ])('publishes nothing of others: %s', async (_, subject, body) => {
    const before = await (await root.jetstreamManager()).streams.info('SWARM');
    const nats = await open(explorer);
    await refusedPublish(nats, subject, body);
    const after = await (await root.jetstreamManager()).streams.info('SWARM');
    expect(after.state.messages).toBe(before.state.messages);
    expect(await consumers()).toEqual(['e2', 'e=1']);
    await nats.close();
  });

  it.each(['$JS.API.STREAM.PURGE.SWARM', '$JS.API.STREAM.DELETE.SWARM', 'swarm.event.claim'])(
    'cannot have the server say for it what it may not say: a delivery to %s',
    async (reply) => {
      const manager = await root.jetstreamManager();
      await root.jetstream().publish('swarm.event.claim', '{"v":1,"id":1,"kind":"claim","ref":"x"}');
      const before = (await manager.streams.info('SWARM')).state;
      const nats = await open(explorer);
      for (const body of ['1', '{"batch":1,"no_wait":true}'])
        nats.publish('swarm.api.CONSUMER.MSG.NEXT.SWARM.e=1', body, { reply });
      await nats.flush();
      // Asked on the same road and answered after them.
      for (let n = 0; n < 3; n++)
        await nats.request('swarm.api.CONSUMER.INFO.SWARM.e=1', '', { timeout: 5000 });
      const after = (await manager.streams.info('SWARM')).state;
      expect(after.first_seq).toBe(before.first_seq);
      expect(after.messages).toBe(before.messages);
      await nats.close();
    },
  );

  it.each(['swarm.event.>', '>', '_INBOX_e2.>', '_INBOX.>', '$JS.EVENT.>', '$SYS.>'])(
    'hears nothing of others: %s',
    async (subject) => {
      const nats = await open(explorer);
      const refused = new Promise((resolve) =>
        nats.subscribe(subject, { callback: (error) => resolve(error) }),
      );
      expect(await refused).toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
      await nats.close();
    },
  );

  it('that is only served gets no subject at all', async () => {
    const validator = await board.enrol('validator', 'v1');
    await tell();
    const found: NatsConnection[] = [];
    await until(async () => {
      await open(validator).then(
        (nats) => found.push(nats),
        () => undefined,
      );
      return found.length > 0;
    });
    await refusedPublish(found[0]!, '$JS.API.CONSUMER.INFO.SWARM.v1');
  });

  it('is not let in without a key, by a password or by a key that nobody enrolled', async () => {
    const servers = new URL(server.url).host;
    await expect(connect({ servers, reconnect: false })).rejects.toMatchObject({
      code: 'AUTHORIZATION_VIOLATION',
    });
    await expect(
      connect({ servers, user: explorer.who.login, pass: explorer.who.password, reconnect: false }),
    ).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
    await expect(connectNats({ url: server.url, name: 'x' })).rejects.toMatchObject({
      code: 'SWARM_E_NATS_UNREACHABLE',
    });
  });

  it('is cut off by a rotation of its key, and let in by the new one', async () => {
    const home = homeOf(board.directory);
    const nats = await open(rival);
    const closed = nats.closed();
    const next = await rotate(board.admin, join(home.agents, 'e2.json'), openOwnerKey(home.owners, 'bob'));
    await tell();
    await closed;
    await expect(open(rival)).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
    const again = await open({ ...rival, who: next });
    expect(again.isClosed()).toBe(false);
  });

  it('is cut off by its revocation, and its consumer goes', async () => {
    const nats = await open(explorer);
    const closed = nats.closed();
    await revoke(board.admin, 'e.1', '', null);
    await tell();
    await closed;
    await expect(open(explorer)).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' });
    await until(async () => !(await consumers()).includes('e=1'));
  });
});
