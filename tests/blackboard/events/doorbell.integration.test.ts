// The doorbell: rings soon when it can, and never loses more than time when it cannot.
import type { NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectNats } from '../../../blackboard/events/connect.js';
import { type Doorbell, openDoorbell, pause } from '../../../blackboard/events/doorbell.js';
import { ensureConsumers, ensureStream, publish } from '../../../blackboard/events/stream.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Board, type Enrolled, one, openBoard, until } from '../board.js';
import { type OwnNats, ownNats } from './nats.js';

const CONSUMERS = ['c1', 'witness', 'quiet'];
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;
let board: Board;
let agent: Enrolled;
let nextId = 1;

beforeAll(async () => {
  board = await openBoard('doorbell');
  agent = await board.enrol('checker', 'c1');
});
afterAll(() => board.close());

const seen = (): Promise<number> =>
  one(board.admin, `select count(*)::int from board.inbox where consumer = 'c1'`);
const nothing = async (): Promise<void> => undefined;

describe('without NATS', () => {
  it('returns when the sweep is due, and at once when asked to stop', async () => {
    const bell = openDoorbell({
      natsUrl: null,
      consumer: 'c1',
      kinds: ['claim'],
      onProblem: () => undefined,
      bury: async () => undefined,
    });
    await bell.wait(5, never);
    await bell.wait(HOUR_MS, AbortSignal.timeout(5));
    await bell.wait(HOUR_MS, AbortSignal.abort());
    expect(bell.connected()).toBe(false);
    expect(await bell.settle(agent.db, async () => 7)).toBe(7);
    const waiting = bell.wait(HOUR_MS, never);
    await bell.close();
    await waiting;
  });

  it('goes on sweeping with an address where nobody listens, and closes', async () => {
    const problems: unknown[] = [];
    const bell = openDoorbell({
      natsUrl: 'nats://127.0.0.1:9',
      consumer: 'c1',
      kinds: ['claim'],
      onProblem: (e) => problems.push(e),
      bury: async () => undefined,
    });
    await until(() => problems.length > 0);
    expect(problems[0]).toMatchObject({ code: 'SWARM_E_NATS_UNREACHABLE' });
    await bell.wait(5, never);
    await bell.close();
  });

  it('pauses no longer than an abort', async () => {
    await pause(HOUR_MS, AbortSignal.timeout(5));
    await pause(1, never);
  });
});

describe.runIf(inject('natsUrl'))('with NATS', () => {
  let server: OwnNats;
  let sender: NatsConnection;
  const bells: Doorbell[] = [];
  const problems: unknown[] = [];

  beforeAll(async () => {
    server = (await ownNats())!;
    sender = await connectNats({ url: server.url, name: 'sender' });
    await ensureStream(sender);
    await ensureConsumers(sender, CONSUMERS);
  });
  afterEach(async () => {
    for (const bell of bells.splice(0)) await bell.close();
    problems.length = 0;
  });
  afterAll(async () => {
    await sender.close();
    await server.close();
  });

  async function ready(consumer = 'c1'): Promise<Doorbell> {
    const bell = openDoorbell({
      natsUrl: server.url,
      consumer,
      kinds: ['claim'],
      onProblem: (e) => problems.push(e),
      bury: async () => undefined,
    });
    bells.push(bell);
    await until(async () => {
      const manager = await sender.jetstreamManager();
      const info = await manager.consumers.info('SWARM', consumer).catch(() => null);
      return bell.connected() && info !== null && info.num_waiting > 0;
    });
    return bell;
  }
  const ring = async (kind = 'claim', id = nextId++): Promise<number> => {
    await publish(sender, { v: 1, id, kind, ref: uuid7() });
    return id;
  };

  it('ends a wait, and its inbox row is written with the effect', async () => {
    const bell = await ready();
    const before = await seen();
    await ring();
    await bell.wait(HOUR_MS, never);
    await bell.settle(agent.db, nothing);
    expect(await seen()).toBe(before + 1);
  });

  it('is not rung by kinds that the agent does not want', async () => {
    const bell = await ready();
    await ring('promotion');
    const id = await ring();
    await bell.wait(HOUR_MS, never);
    await bell.settle(agent.db, nothing);
    const newest = await one(
      board.admin,
      'select array_agg(event_id order by event_id desc) from board.inbox',
    );
    expect(newest).toEqual(expect.arrayContaining([String(id)]));
    expect(newest).not.toContain(String(id - 1));
  });

  it('keeps a ring whose effect failed, with no inbox row', async () => {
    const bell = await ready();
    const before = await seen();
    await ring();
    await bell.wait(HOUR_MS, never);
    const failed = bell.settle(agent.db, () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrowError('no');
    expect(await seen()).toBe(before);
    await bell.wait(HOUR_MS, never);
    await bell.settle(agent.db, nothing);
    expect(await seen()).toBe(before + 1);
  });

  it('keeps a ring that comes while an effect runs: the next wait returns for it', async () => {
    const bell = await ready();
    const other = await ready('witness');
    await ring();
    await bell.wait(HOUR_MS, never);
    await other.wait(HOUR_MS, never);
    await other.settle(agent.db, nothing).catch(() => undefined);
    let during = 0;
    await bell.settle(agent.db, async () => {
      during = await ring();
      // Delivered to this consumer too before the effect ends.
      await until(async () => {
        const manager = await sender.jetstreamManager();
        return (await manager.consumers.info('SWARM', 'c1')).num_ack_pending >= 2;
      });
      await new Promise((resolve) => setImmediate(resolve));
    });
    const has = (): Promise<boolean> =>
      one(board.admin, 'select exists (select from board.inbox where event_id = $1)', [during]);
    expect(await has()).toBe(false);
    await bell.wait(HOUR_MS, never);
    await bell.settle(agent.db, nothing);
    expect(await has()).toBe(true);
  });

  it('gives an event again to the next life of an agent that died before it settled, and one inbox row in all', async () => {
    const first = await ready('c1');
    const id = await ring();
    await first.wait(HOUR_MS, never);
    // The effect commits and the agent dies before the acknowledgement arrives.
    await agent.db.insertInto('board.inbox').values({ consumer: 'c1', event_id: id }).execute();
    await first.settle(agent.db, nothing);
    expect(await one(board.admin, 'select count(*)::int from board.inbox where event_id = $1', [id])).toBe(1);
  });

  it('takes a message that is not an event off the stream and goes on', async () => {
    const bell = await ready();
    await sender.jetstream().publish('swarm.event.claim', new TextEncoder().encode('{"v":2}'));
    await ring();
    await bell.wait(HOUR_MS, never);
    await bell.settle(agent.db, nothing);
    expect(problems).toEqual([]);
  });

  it('closes quietly, and acknowledges what was settled', async () => {
    const bell = await ready('quiet');
    await ring();
    await bell.wait(HOUR_MS, never);
    const quiet = await board.enrol('checker', 'quiet');
    await bell.settle(quiet.db, nothing);
    await bell.close();
    expect(problems).toEqual([]);
    const info = await (await sender.jetstreamManager()).consumers.info('SWARM', 'quiet');
    expect(info.num_ack_pending).toBe(0);
  });

  it.each([
    ['with its store', () => undefined],
    ['without its store', () => server.forget()],
  ])('rings again after NATS was killed and came back %s', async (_, lose) => {
    const bell = await ready();
    await server.kill();
    await bell.wait(5, never);
    lose();
    await server.start();
    await until(async () => {
      await ensureStream(sender).catch(() => undefined);
      await ensureConsumers(sender, CONSUMERS).catch(() => undefined);
      const manager = await sender.jetstreamManager().catch(() => null);
      const info = await manager?.consumers.info('SWARM', 'c1').catch(() => null);
      return (info?.num_waiting ?? 0) > 0;
    }, 50_000);
    const id = await ring();
    // A killed server may have forgotten acknowledgements too, and rings for old events first.
    await until(async () => {
      await bell.wait(HOUR_MS, AbortSignal.timeout(20_000));
      await bell.settle(agent.db, nothing);
      return one(board.admin, 'select exists (select from board.inbox where event_id = $1)', [id]);
    });
  });

  it('closes while NATS is down', async () => {
    const bell = await ready();
    await server.kill();
    const asked_ms = Date.now();
    await bell.close();
    expect(Date.now() - asked_ms).toBeLessThan(10_000);
    await server.start();
  });
});
