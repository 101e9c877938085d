// NATS fails under a working swarm: killed and started with nothing stored, cut off without a word, a consumer that dies at each of its
// points, a message that nobody can settle. Records are not events: none is lost, and the work is found all the same.
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { type Door, openDoor } from '../miner/proxy.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { type Events, openEvents } from './events.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, sweep, termsOver } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 50 };

describe.runIf(inject('natsUrl'))('NATS', () => {
  let world: World;
  let events: Events;
  let author: AgentContext;
  let door: Door;
  let level = 0.7;
  let running: Role[] = [];

  beforeAll(async () => {
    world = await openWorld('nats faults', { past: 95, slots: [SLOT] });
    await foundSlots(await world.agent('publisher'));
    author = await world.agent('explorer');
    await world.agent('checker');
    events = await openEvents(world);
    door = await openDoor('127.0.0.1', events.port);
  });
  afterAll(async () => {
    await ended();
    await door.shut();
    await events.close();
    await world.close();
  });

  const ended = async (): Promise<void> => {
    await Promise.all(running.map((role) => role.kill()));
    running = [];
  };
  const makeClaim = async (): Promise<string> => {
    level += 0.01;
    return (await claim(author, SLOT, NOW_S, cheapSpec(level))).id;
  };
  const judged = (id: string): Promise<number> =>
    count(world, 'select count(*) as n from board.verdict where claim_id = $1', [id]);
  const waiting = (): Promise<number> =>
    count(world, 'select count(*) as n from board.outbox where published_at is null');
  const start = async (port?: number, point?: DebugPoint): Promise<Role> => {
    const checker = new Role(world, 'checker', {
      args: events.args(port),
      ...(point === undefined ? {} : { point }),
    });
    running.push(checker);
    return checker;
  };

  it.each<[string, () => Promise<void>, () => Promise<void>]>([
    [
      'killed and started with empty storage',
      () => events.server.kill(),
      () => {
        events.server.forget();
        return events.server.start();
      },
    ],
    ['shut off by the network', () => door.shut(), () => door.open()],
    ['cut off without a word', async () => door.freeze(), async () => door.thaw()],
  ])('%s: claims are checked meanwhile, and every event is published afterwards', async (_, away, back) => {
    running.push(await events.relay(door.port));
    await start(door.port);
    await events.heardBy('checker');
    const before = await makeClaim();
    await expect.poll(() => judged(before), patient).toBe(1);
    await expect.poll(waiting, patient).toBe(0);
    const known = await committed(world);
    await away();
    const meanwhile = await makeClaim();
    await expect.poll(() => judged(meanwhile), patient).toBe(1);
    expect(await waiting()).toBeGreaterThan(0);
    await back();
    await expect.poll(waiting, patient).toBe(0);
    await events.heardBy('checker');
    const after = await makeClaim();
    await expect.poll(() => judged(after), patient).toBe(1);
    await ended();
    await termsOver(world);
    await sweep(world, 'checker');
    await nothingLost(world, known);
    await sound(world);
  });

  it.each<[DebugPoint, 0 | 1]>([
    ['inbox.before-commit', 0],
    ['inbox.before-ack', 1],
  ])('a consumer killed at %s has effect and inbox row together, or neither', async (point, expected) => {
    running.push(await events.relay());
    await start(undefined, point);
    await events.heardBy('checker');
    const inbox = (): Promise<number> => count(world, 'select count(*) as n from board.inbox');
    const had = await inbox();
    const id = await makeClaim();
    const checker = running.at(-1)!;
    await checker.reached();
    await checker.kill();
    expect(Math.min(1, (await inbox()) - had)).toBe(expected);
    await termsOver(world);
    await start();
    await expect.poll(() => judged(id), patient).toBe(1);
    await ended();
    await termsOver(world);
    await sweep(world, 'checker');
    await sound(world);
  });

  it('a deadlock in the transaction of an effect is tried again, and the effect is there once', async () => {
    const { admin } = world;
    await admin.query(
      `do $$ declare one name; begin select login into one from board.agent where name = 'checker';
         execute format('alter role %I set deadlock_timeout = ''100ms''', one); end $$`,
    );
    running.push(await events.relay());
    const checker = await start(undefined, 'verdict.before-commit');
    await events.heardBy('checker');
    const id = await makeClaim();
    await checker.reached();
    // It has written its verdict and will write its inbox row; somebody else holds that and waits for the verdicts.
    await admin.query(`begin; set local deadlock_timeout = '1h'; lock table board.inbox in exclusive mode`);
    const waits = admin.query('lock table board.verdict in exclusive mode');
    const looking = await world.look();
    await expect
      .poll(async () => (await looking.query('select from pg_locks where not granted')).rows.length, patient)
      .toBe(1);
    checker.release('verdict.before-commit');
    await waits;
    await admin.query('commit');
    await expect.poll(() => judged(id), patient).toBe(1);
    expect(
      await count(
        world,
        `select count(*) as n from board.alert where code like '4%' or code = 'SWARM_E_UNEXPECTED'`,
      ),
    ).toBe(0);
    await looking.end();
    await ended();
    await termsOver(world);
    await sweep(world, 'checker');
    await sound(world);
  });

  describe('a message that cannot be settled', () => {
    let nats: NatsConnection;
    const dead = async (body: string): Promise<Record<string, unknown>[]> =>
      (await world.admin.query('select * from board.dead_letter where body = $1', [body])).rows;
    /** One for each dead letter, whoever wrote it. */
    const unalerted = (): Promise<number> =>
      count(
        world,
        `select (select count(*) from board.dead_letter) - (select count(*) from board.alert where code = 'SWARM_W_DEAD_LETTER') as n`,
      );
    const unsettled = async (): Promise<number> => {
      const info = await (await nats.jetstreamManager()).consumers.info('SWARM', 'checker');
      return info.num_ack_pending + info.num_pending;
    };
    /** Comes again soon where nobody says anything of it, and not so soon that it is given up within one life. */
    const impatient = async (): Promise<void> => {
      const manager = await nats.jetstreamManager();
      const { config } = await manager.consumers.info('SWARM', 'checker');
      await manager.consumers.update('SWARM', 'checker', { ...config, ack_wait: 5_000_000_000 });
    };
    beforeAll(async () => {
      running.push(await events.relay());
      await start();
      await events.heardBy('checker');
      nats = await events.admin();
      await impatient();
    });

    it('because it cannot be read is a dead letter at once, also where its reader died over it', async () => {
      await ended();
      running.push(await events.relay());
      const first = await start(undefined, 'dead-letter.before-term');
      await first.started();
      await nats.jetstream().publish('swarm.event.claim', 'no event');
      await first.reached();
      await first.kill();
      expect(await dead('no event')).toMatchObject([{ event_id: null }]);
      await start();
      await expect.poll(unsettled, patient).toBe(0);
      expect(await dead('no event')).toHaveLength(1);
      expect(await unalerted()).toBe(0);
    });

    it('because its inbox row is refused is a dead letter after some tries, and the work is done', async () => {
      await world.admin.query(`create function board.refuse_test() returns trigger language plpgsql as $$
          begin if new.event_id = 666000 then raise exception 'refused by a test'; end if; return new; end $$;
        create trigger refuse_test before insert on board.inbox for each row execute function board.refuse_test()`);
      const body = JSON.stringify({ v: 1, id: 666000, kind: 'claim', ref: 'x' });
      await nats.jetstream().publish('swarm.event.claim', body);
      await expect.poll(async () => (await dead(body)).length, patient).toBe(1);
      expect(await dead(body)).toMatchObject([{ event_id: '666000', deliveries: 6 }]);
      await expect.poll(unsettled, patient).toBe(0);
      expect(await unalerted()).toBe(0);
      const id = await makeClaim();
      await expect.poll(() => judged(id), patient).toBe(1);
      await world.admin.query('drop trigger refuse_test on board.inbox; drop function board.refuse_test()');
      await sound(world);
    });
  });
});
