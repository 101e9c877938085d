// kill -9 of a publisher at each of its debug points, along one history: a slot is founded, two models challenge, are scored in the
// shadow, one is promoted, and the old champion comes back. Each step happens once, wherever the publisher died in it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentContext, CODE_VERSION } from '../../agents/runtime/context.js';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import { takeLease } from '../../blackboard/lease.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { setRules } from '../blackboard/rules.js';
import { count, DAY_S, NOW_S, openWorld, type World } from '../miner/world.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, sweep, termsOver } from './sound.js';

const SLOT = '1h/BTC';
const HOUR_S = 3600;
/** One batch of windows. */
const WINDOWS = 24;
let world: World;
let now_s = NOW_S;
const by: Record<string, AgentContext> = {};

beforeAll(async () => {
  world = await openWorld('kill publisher', { past: 14, ahead: 8, slots: [SLOT] });
  // Its verdicts are invented; the gate is what decides here.
  await setRules(world.admin, 'disable', ['turns']);
  await setRules(world.admin, 'enable', ['gate']);
  for (const role of ['explorer', 'miner', 'validator'] as const) by[role] = await world.agent(role);
  for (const n of [1, 2, 3]) by[`checker-${n}`] = await world.agent('checker', `checker-${n}`);
  await world.agent('publisher');
  // A newcomer may challenge: trust has its own tests.
  await world.admin.query(`set session_replication_role = replica;
    update board.constant set value = -1 where name = 'min_challenger_trust'; reset session_replication_role`);
});
afterAll(() => world.close());

const rows = (kind: string): Promise<number> => count(world, `select count(*) as n from board.${kind}`);

/** Kills a publisher at a point; `expected` of `kind` are there then, and `after` once its next life has nothing left to do. */
async function killed(point: DebugPoint, kind: string, expected: number, after: number): Promise<void> {
  const publisher = new Role(world, 'publisher', { point });
  await publisher.reached();
  await publisher.kill();
  expect(await rows(kind), `${kind} when it died`).toBe(expected);
  await sound(world);
  const before = await committed(world);
  await termsOver(world);
  await sweep(world, 'publisher');
  expect(await rows(kind), `${kind} after its next life`).toBe(after);
  await nothingLost(world, before);
  await sound(world);
}

async function reigning(): Promise<string> {
  const { rows: last } = await world.admin.query(
    'select artifact from board.promotion order by reign desc limit 1',
  );
  return last[0].artifact;
}

/** A claim with three verdicts that are far above any threshold. */
async function candidate(scale: number): Promise<void> {
  const { id } = await claim(by['explorer']!, SLOT, NOW_S, cheapSpec(scale), {
    stated: { gain: 0.01, se: 0.01 },
  });
  const champion = await reigning();
  for (const n of [1, 2, 3]) {
    const judge = by[`checker-${n}`]!;
    const lease = (await takeLease(judge.db, `check:${id}:0:${judge.who.name}`))!;
    const row = {
      ...judge.stamp(),
      claim_id: id,
      finding: 'scored',
      reason: '',
      reign: 0,
      champion,
      hidden_from: new Date((NOW_S - 30 * DAY_S) * 1000),
      hidden_to: new Date(NOW_S * 1000),
      dataset_digest: judge.clock.dataset_digest,
      windows_digest: 'a'.repeat(64),
      n_windows: 2,
      mean_crps: 90,
      yardstick_crps: 100,
      champion_crps: 100,
      verified_gain: 0.01,
      verified_se: 0.01,
      window_starts: [NOW_S - 2 * DAY_S, NOW_S - DAY_S],
      differences: [10, 10],
      champion_t: 8,
      difference_sd: 0.02,
      seed: SLOT,
      code_version: CODE_VERSION,
    };
    const held = { work_id: lease.work_id, fence: lease.fence };
    await judge.db
      .insertInto('board.verdict')
      .values({ ...row, ...held, signature: judge.sign('verdict', row) })
      .execute();
    await lease.giveBack();
  }
}

/** A day of prompts that the champion answered and a validator found bad: whoever is in its shadow does better. */
async function badDay(): Promise<void> {
  const from_s = now_s + HOUR_S;
  now_s = from_s + (WINDOWS + 2) * HOUR_S;
  await world.clock(now_s);
  const artifact = await reigning();
  for (let n = 0; n < WINDOWS; n++) {
    const start_s = from_s + n * HOUR_S;
    const prompt = {
      ...by['validator']!.stamp(),
      validator: 'local-validator',
      slot: SLOT,
      competition: '1h',
      asset: 'BTC',
      start_at: new Date(start_s * 1000),
      length_s: HOUR_S,
      increment_s: 60,
      num_simulations: 1000,
    };
    await by['validator']!.db.insertInto('board.prompt').values(prompt).execute();
    await by['miner']!.db.insertInto('board.answer')
      .values({
        ...by['miner']!.stamp(),
        prompt_id: prompt.id,
        status: 'answered',
        rank: 'champion',
        artifact,
        seed: `${SLOT}@${start_s}`,
        data_until: new Date((start_s - 60) * 1000),
        anchor: 65_000,
        paths_digest: 'b'.repeat(64),
        latency_ms: 1,
      })
      .execute();
    await by['validator']!.db.insertInto('board.outcome')
      .values({
        ...by['validator']!.stamp(),
        prompt_id: prompt.id,
        miner: 'swarm',
        validation: 'CORRECT',
        crps: 1e6,
        prompt_score: 0,
        dataset_digest: 'd'.repeat(64),
      })
      .execute();
  }
}

describe('a publisher killed', () => {
  it.each<[DebugPoint, number]>([
    ['gate.leased', 0],
    ['found.stored', 0],
    ['found.before-commit', 0],
  ])('at %s leaves %i reigns', async (point, expected) => {
    const publisher = new Role(world, 'publisher', { point });
    await publisher.reached();
    await publisher.kill();
    expect(await rows('promotion')).toBe(expected);
    await sound(world);
    await termsOver(world);
  });

  it('at found.after-commit leaves one reign, and its next life founds nothing again', () =>
    killed('found.after-commit', 'promotion', 1, 1));

  it('at challenger.before-commit leaves no challenger, and its next life admits it', async () => {
    await candidate(0.8);
    await killed('challenger.before-commit', 'challenger', 0, 1);
  });

  it('at challenger.after-commit leaves the challenger, and its next life admits it no second time', async () => {
    await candidate(0.9);
    await killed('challenger.after-commit', 'challenger', 2, 2);
  });

  it('at gate-step.before-commit leaves no window, and its next life scores each once', async () => {
    await badDay();
    await killed('gate-step.before-commit', 'gate_step', 0, 2 * WINDOWS);
  });

  it('at gate-step.after-commit leaves the windows of one shadow, and its next life adds the other’s', async () => {
    await badDay();
    await killed('gate-step.after-commit', 'gate_step', 3 * WINDOWS, 4 * WINDOWS);
  });

  it('at promotion.half-written leaves neither promotion nor rollback challenger, and its next life writes both', async () => {
    await badDay();
    await killed('promotion.half-written', 'promotion', 1, 2);
    expect(await count(world, `select count(*) as n from board.challenger where kind = 'rollback'`)).toBe(1);
  });

  it('at promotion.after-commit leaves the rollback, and its next life rolls back no second time', async () => {
    const promoted = await reigning();
    await badDay();
    await killed('promotion.after-commit', 'promotion', 3, 3);
    expect(await reigning()).not.toBe(promoted);
  });
});
