// The outbox: an event for every record that has one, in the record's own transaction, published until it is marked.
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectNats } from '../../../blackboard/events/connect.js';
import { relayOnce, runRelay } from '../../../blackboard/events/relay.js';
import { ensureStream, publish, type SwarmEvent } from '../../../blackboard/events/stream.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Board, type Enrolled, insert, one, openBoard, until } from '../board.js';
import { claim, claimOf, digest, experiment, founded, SLOT, verdict } from '../records.js';
import { type OwnNats, ownNats } from './nats.js';

let board: Board;
let explorer: Enrolled;
let relay: Enrolled;
let next = 1;

beforeAll(async () => {
  board = await openBoard('outbox');
  explorer = await board.enrol('explorer', 'e1');
  relay = await board.enrol('relay', 'r1');
});
afterAll(() => board.close());

const waiting = (): Promise<number> =>
  one(board.admin, 'select count(*)::int from board.outbox where published_at is null');
const everythingSent = async (): Promise<void> => {
  await relayOnce(relay.db, () => Promise.resolve());
};

describe('an event', () => {
  it('is there when its record is, and not when the record was rolled back', async () => {
    const run = await experiment(explorer, next);
    const row = claimOf(explorer, next++, run);
    const events = (): Promise<number> =>
      one(board.admin, 'select count(*)::int from board.outbox where ref = $1', [row.id]);
    await explorer.client.query('begin');
    await insert(explorer.client, 'board.claim', row);
    expect(await events()).toBe(0);
    await explorer.client.query('rollback');
    expect(await events()).toBe(0);
    await insert(explorer.client, 'board.claim', row);
    expect(await events()).toBe(1);
  });

  it('names the kind and the id of each claim, verdict and promotion', async () => {
    const publisher = await board.enrol('publisher', 'p1');
    const checker = await board.enrol('checker', 'c1');
    await founded(publisher, digest(5));
    const { id } = await claim(explorer, next++);
    const judged = await verdict(checker, id, digest(5));
    const { rows } = await board.admin.query('select kind, ref from board.outbox order by id desc limit 3');
    expect(rows).toMatchObject([
      { kind: 'verdict', ref: judged['id'] },
      { kind: 'claim', ref: id },
      { kind: 'promotion' },
    ]);
  });

  it('rings once for all outcomes of one statement', async () => {
    const validator = await board.enrol('validator', 'v1');
    const prompt_id = uuid7();
    await insert(validator.client, 'board.prompt', {
      id: prompt_id,
      agent_id: validator.who.id,
      validator: 'v',
      slot: SLOT,
      competition: 'crypto_1h',
      asset: 'BTC',
      start_at: new Date(),
      length_s: 3600,
      increment_s: 60,
      num_simulations: 10,
    });
    await validator.db
      .insertInto('board.outcome')
      .values(
        ['a', 'b', 'c'].map((miner) => ({
          id: uuid7(),
          agent_id: validator.who.id,
          prompt_id,
          miner,
          validation: 'CORRECT',
          crps: 1,
          dataset_digest: digest(1),
        })),
      )
      .execute();
    expect(await one(board.admin, `select count(*)::int from board.outbox where kind = 'outcome'`)).toBe(1);
  });
});

describe('a pass of the relay', () => {
  it('sends oldest first and marks what was sent, so that the next pass sends nothing', async () => {
    await everythingSent();
    for (let i = 0; i < 3; i++) await claim(explorer, next++);
    const sent: number[] = [];
    const send = (event: SwarmEvent): Promise<void> => Promise.resolve(void sent.push(event.id));
    expect(await relayOnce(relay.db, send)).toBe(3);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(await relayOnce(relay.db, send)).toBe(0);
  });

  it('marks what went through when something did not, and tries that again', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await claim(explorer, next++)).id);
    const failing = (event: SwarmEvent): Promise<void> =>
      event.ref === ids[1] ? Promise.reject(new Error('no answer')) : Promise.resolve();
    await expect(relayOnce(relay.db, failing)).rejects.toThrowError('no answer');
    expect(
      await one(board.admin, 'select array_agg(ref) from board.outbox where published_at is null'),
    ).toEqual([ids[1]]);
    await everythingSent();
    expect(await waiting()).toBe(0);
  });

  it('finds an event whose transaction committed after a later one was sent', async () => {
    const late = await experiment(explorer, next);
    const lateClaim = claimOf(explorer, next++, late);
    await explorer.client.query('begin');
    await insert(explorer.client, 'board.claim', lateClaim);
    const other = await board.enrol('explorer', 'e2');
    const early = await claim(other, next++);
    const sent: SwarmEvent[] = [];
    const send = (event: SwarmEvent): Promise<void> => Promise.resolve(void sent.push(event));
    await relayOnce(relay.db, send);
    expect(sent.map(({ ref }) => ref)).toEqual([early.id]);
    await explorer.client.query('commit');
    await relayOnce(relay.db, send);
    expect(sent.map(({ ref }) => ref)).toEqual([early.id, lateClaim.id]);
    expect(sent[1]!.id, 'its id is the smaller one').toBeLessThan(sent[0]!.id);
  });
});

describe.runIf(inject('natsUrl'))('with NATS', () => {
  let server: OwnNats;
  let nats: NatsConnection;

  beforeAll(async () => {
    server = (await ownNats())!;
    nats = await connectNats({ url: server.url, name: 'test' });
    await ensureStream(nats);
  });
  afterAll(async () => {
    await nats.close();
    await server.close();
  });

  const inStream = async (): Promise<number> =>
    (await (await nats.jetstreamManager()).streams.info('SWARM')).state.messages;

  it('a stream is made once, whoever asks', async () => {
    await Promise.all([ensureStream(nats), ensureStream(nats), ensureStream(nats)]);
    expect(await inStream()).toBe(0);
  });

  it('an event is in the stream once although the relay died before it could mark it', async () => {
    await everythingSent();
    await claim(explorer, next++);
    const before = await inStream();
    const killed = async (event: SwarmEvent): Promise<void> => {
      await publish(nats, event);
      throw new Error('killed');
    };
    for (let i = 0; i < 3; i++) await expect(relayOnce(relay.db, killed)).rejects.toThrowError('killed');
    expect(await waiting()).toBe(1);
    await relayOnce(relay.db, (event) => publish(nats, event));
    expect(await waiting()).toBe(0);
    expect(await inStream()).toBe(before + 1);
  });

  it('a running relay is woken by the record itself, outlasts NATS, and ends when it is asked', async () => {
    await everythingSent();
    const stop = new AbortController();
    const problems: unknown[] = [];
    let passes = 0;
    let published = 0;
    const running = runRelay({
      db: relay.db,
      databaseUrl: relay.url,
      nats: { url: server.url, name: 'r1' },
      signal: stop.signal,
      onProblem: (error) => problems.push(error),
      onPass: (n) => {
        passes += 1;
        published += n;
      },
    });
    await until(() => passes > 0);
    await claim(explorer, next++);
    await until(() => published === 1);
    await server.kill();
    await claim(explorer, next++);
    await until(() => problems.length > 0);
    expect(await waiting()).toBe(1);
    server.forget();
    await server.start();
    await until(async () => (await waiting()) === 0);
    // Its listener is cut: it comes back, and nothing is lost.
    await board.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'swarm relay listener'`,
    );
    await claim(explorer, next++);
    await until(async () => (await waiting()) === 0);
    stop.abort();
    await running;
  });
});
