// kill -9 of the miner and of the local validator at each of their debug points: a prompt has one row, one answer and one outcome per
// miner of the field in the end, whoever died in between.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { formatStart } from '../../miner/sn50/prompt.js';
import { FIELD } from '../../miner/validator/field.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { freePorts } from '../ports.js';
import { Role } from './role.js';
import { committed, nothingLost, sound } from './sound.js';

const SLOT = '1h/BTC';
const HOUR_S = 3600;
const patient = { timeout: 400_000, interval: 50 };
let world: World;
let port: number;
let now_s = NOW_S;

beforeAll(async () => {
  world = await openWorld('kill serving', { past: 14, ahead: 2, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  await world.agent('miner');
  await world.agent('validator');
  [port] = (await freePorts(1)) as [number];
});
afterAll(() => world.close());

const rows = (kind: string): Promise<number> => count(world, `select count(*) as n from board.${kind}`);
const miner = (point?: DebugPoint): Role =>
  new Role(world, 'miner', { args: ['--port', String(port)], ...(point === undefined ? {} : { point }) });
const ask = (start_s: number): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/Simulation`, {
    method: 'POST',
    headers: { bt_header_dendrite_hotkey: 'v' },
    body: JSON.stringify({
      simulation_input: {
        asset: 'BTC',
        start_time: formatStart(start_s),
        time_increment: 60,
        time_length: HOUR_S,
        num_simulations: 10,
      },
    }),
  });

describe('a miner killed', () => {
  it('at champion.loaded serves in its next life', async () => {
    const first = miner('champion.loaded');
    await first.reached();
    await first.kill();
    const next = miner();
    await next.saying('"msg":"listening"');
    expect((await ask(NOW_S)).status).toBe(200);
    expect((await next.stop()).code).toBe(0);
    expect(await rows('answer')).toBe(1);
  });

  it.each<[DebugPoint, number, number]>([
    ['answer.made', 0, 0],
    ['answer.half-recorded', 1, 0],
    ['answer.recorded', 1, 1],
  ])(
    'at %s leaves %i prompts and %i answers, and asked again it has one of each',
    async (point, prompts, answers) => {
      const had = await rows('answer');
      const start_s = NOW_S - had * HOUR_S - 600;
      const first = miner(point);
      await first.saying('"msg":"listening"');
      // It is cut off, or gets its answer although the row is late.
      const asked = ask(start_s).then(
        (response) => response.status,
        () => null,
      );
      await first.reached();
      await first.kill();
      await asked;
      expect((await rows('prompt')) - had).toBe(prompts);
      expect((await rows('answer')) - had).toBe(answers);
      const before = await committed(world);
      const next = miner();
      await next.saying('"msg":"listening"');
      expect((await ask(start_s)).status).toBe(200);
      expect((await next.stop()).code).toBe(0);
      expect((await rows('prompt')) - had).toBe(1);
      expect((await rows('answer')) - had).toBe(1);
      await nothingLost(world, before);
      await sound(world);
    },
  );
});

describe('a validator killed', () => {
  let serving: Role;
  const spool = (): string => join(world.directory, 'spool');
  const validator = (point?: DebugPoint): Role =>
    new Role(world, 'validator', {
      args: ['--target', `127.0.0.1:${port}`, '--spool', spool()],
      ...(point === undefined ? {} : { point }),
    });
  const notes = (): number => readdirSync(spool()).filter((name) => name.endsWith('.json')).length;
  const mine = (kind: string): Promise<number> =>
    count(
      world,
      `select count(*) as n from board.${kind} r ${kind === 'prompt' ? '' : 'join board.prompt p on p.id = r.prompt_id'}
       where ${kind === 'prompt' ? 'r' : 'p'}.validator = 'local-validator'`,
    );
  /** A moment at which a prompt falls due, an hour on from the last one. */
  const onward = async (): Promise<void> => {
    now_s += HOUR_S;
    await world.clock(now_s);
  };

  beforeAll(async () => {
    serving = miner();
    await serving.saying('"msg":"listening"');
  });
  afterAll(async () => {
    await serving.kill();
  });

  it('at prompt.judged forgets the prompt, and leaves no answer without a note', async () => {
    const first = validator('prompt.judged');
    await first.started();
    await onward();
    await first.reached();
    await first.kill();
    expect(notes()).toBe(0);
    const next = validator();
    await next.started();
    expect(readdirSync(spool())).toEqual([]);
    await next.kill();
    expect(await mine('answer')).toBe(1);
  });

  it('at prompt.noted scores the prompt in a later life, once, wherever that one dies', async () => {
    const first = validator('prompt.noted');
    await first.started();
    await onward();
    await first.reached();
    await first.kill();
    expect(notes()).toBe(1);
    // After the horizon and the rule's delay.
    await onward();
    await onward();
    const outcomes = (): Promise<number> =>
      count(world, `select count(*) as n from board.outcome where miner <> 'oracle'`);
    for (const [point, expected] of [
      ['outcome.measured', 0],
      ['outcome.written', FIELD.length],
    ] as const) {
      const scorer = validator(point);
      await scorer.reached();
      await scorer.kill();
      expect(await outcomes(), point).toBe(expected);
      expect(notes()).toBe(1);
    }
    const before = await committed(world);
    const last = validator();
    await expect.poll(notes, patient).toBe(0);
    await last.kill();
    expect(await outcomes()).toBe(FIELD.length);
    await nothingLost(world, before);
  });

  it('at reward.before-insert and reward.written pays what it knows when it is asked to end the next time', async () => {
    for (const [point, expected] of [
      ['reward.before-insert', false],
      ['reward.written', true],
    ] as const) {
      const payer = validator(point);
      await payer.started();
      payer.child.kill('SIGTERM');
      await payer.reached();
      await payer.kill();
      expect((await rows('reward')) > 0, point).toBe(expected);
    }
    const { rows: shares } = await world.admin.query<{ sum: number }>(
      `select sum(share)::float8 as sum from fleet.emission where competition = 'all'`,
    );
    expect(shares[0]!.sum).toBeCloseTo(1, 6);
    await sound(world);
  });
});
