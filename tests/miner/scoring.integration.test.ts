// After the horizon: one row per miner and prompt, once, whatever happens to the validator in between; and the subnet's
// reward over them.
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { uuid7 } from '../../blackboard/ids.js';
import { BarReader } from '../../blackboard/market.js';
import type { Offload } from '../../forecast/offload.js';
import { loadProfile } from '../../miner/sn50/profile.js';
import { type Prompt, pointsOf } from '../../miner/sn50/prompt.js';
import { competitionWeights, promptScores, type ScoreRow } from '../../miner/sn50/reward/index.js';
import { factsOf } from '../../miner/validator/asking.js';
import { FIELD } from '../../miner/validator/field.js';
import { judge, score } from '../../miner/validator/jobs.js';
import { Paying } from '../../miner/validator/paying.js';
import { type Pending, PendingPrompts } from '../../miner/validator/pending.js';
import { Scoring } from '../../miner/validator/scoring.js';
import type { ValidatorJobs } from '../../miner/validator/worker.js';
import { count, DAY_S, NOW_S, openWorld, type World } from './world.js';

let world: World;
let context: AgentContext;
let pending: PendingPrompts;
let paying: Paying;
let scoring: Scoring;
let lives = 0;

/** The validator's jobs on this thread. */
const jobs: Record<string, (input: never) => Promise<unknown>> = { judge, score };
const thread: Offload<ValidatorJobs> = {
  call: (job, input) => jobs[job]!(input as never) as never,
  close: () => Promise.resolve(),
};

beforeAll(async () => {
  world = await openWorld('scoring', {
    past: 14,
    ahead: 1,
    slots: ['24h/BTC', '1h/BTC'],
    source: 'replay',
  });
  context = await world.agent('validator');
});
afterAll(() => world.close());
beforeEach(() => live(join(world.directory, `spool-${++lives}`)));

/** A validator as it is after a start on this directory. */
async function live(directory: string): Promise<void> {
  pending = new PendingPrompts(directory);
  await pending.load();
  paying = new Paying(context);
  await paying.load();
  scoring = new Scoring(context, thread, pending, new BarReader(context.db, 0), paying);
  await scoring.load(NOW_S);
}

/** A prompt that was asked and answered with `level` times the right spread, or wrongly. */
async function asked(start_s: number, level = 1, slot: '24h' | '1h' = '1h'): Promise<Pending> {
  const rules = loadProfile('2026-05').competitions.find((c) => c.id === slot)!;
  const one: Pending = {
    id: uuid7(),
    sequence: 1,
    slot: `${slot}/BTC`,
    competition: slot,
    asset: 'BTC',
    start_s,
    length_s: rules.length_s,
    increment_s: rules.increment_s,
    simulations: 4,
    validation: 'CORRECT',
  };
  const { prompt } = factsOf(one);
  const body = JSON.stringify({
    simulation_output: [start_s, prompt.time_increment, ...fans(prompt, level)],
  });
  const file = pending.answerFile(one.id);
  const validation = await judge({ body, prompt, process_time: 1, rule: 'digits8', file });
  await pending.add({ ...one, validation });
  return { ...one, validation };
}

function fans(prompt: Prompt, level: number): number[][] {
  return Array.from({ length: 4 }, (_, i) =>
    Array.from({ length: pointsOf(prompt) }, (_, k) =>
      Math.round(65_000 * (1 + (level * (i - 1.5) * k) / 1e5)),
    ),
  );
}

const outcomes = (
  start_s: number,
  length_s = 3600,
): Promise<{ miner: string; crps: number; prompt_score: number }[]> =>
  world.admin
    .query(
      `select o.miner, o.crps, o.prompt_score, o.validation from board.outcome o join board.prompt p on p.id = o.prompt_id
       where p.start_at = to_timestamp($1) and p.length_s = $2 order by array_position($3::text[], o.miner)`,
      [start_s, length_s, [...FIELD]],
    )
    .then(({ rows }) => rows);

describe('scoring', () => {
  it('writes one outcome per miner of the field, by the subnet’s rule', async () => {
    const start_s = NOW_S - 2 * DAY_S;
    const one = await asked(start_s);
    expect(await scoring.scoreDue(NOW_S)).toBe(true);
    const rows = await outcomes(start_s);
    expect(rows.map((r) => r.miner)).toEqual([...FIELD]);
    const ranked = promptScores(
      rows.map((r) => r.crps),
      'p90',
    )!;
    expect(rows.map((r) => r.prompt_score)).toEqual(ranked.scores);
    expect(rows.every((r) => r.crps > 0)).toBe(true);
    expect(pending.all()).toEqual([]);
    expect(pending.hasAnswer(one.id)).toBe(false);
  });

  it('gives -1 to an answer that was not correct and scores the rivals all the same', async () => {
    const start_s = NOW_S - 2 * DAY_S + 3600;
    await pending.add({ ...(await asked(start_s)), validation: 'Response is empty' });
    await scoring.scoreDue(NOW_S);
    const [ours, ...rivals] = await outcomes(start_s);
    expect(ours).toMatchObject({ miner: 'swarm', crps: -1, validation: 'Response is empty' });
    expect(rivals.every((r) => r.crps > 0)).toBe(true);
  });

  it('scores a prompt once, also when it is asked again by a clock that was set back', async () => {
    const start_s = NOW_S - 2 * DAY_S + 7200;
    await asked(start_s);
    await scoring.scoreDue(NOW_S);
    await paying.pay(NOW_S);
    const paid = await rewards();
    await asked(start_s, 3);
    await live(pending.directory);
    await scoring.scoreDue(NOW_S);
    expect(pending.all()).toEqual([]);
    expect(await outcomes(start_s)).toHaveLength(FIELD.length);
    await paying.pay(NOW_S);
    expect(await rewards()).toEqual(paid);
  });

  it('scores what a validator that died had kept', async () => {
    const start_s = NOW_S - 2 * DAY_S + 10_800;
    await asked(start_s);
    await live(pending.directory);
    expect(await scoring.scoreDue(NOW_S)).toBe(true);
    expect((await outcomes(start_s))[0]!.crps).toBeGreaterThan(0);
  });

  it('keeps the first prompt of a bucket, also across a restart', async () => {
    const start_s = Math.ceil((NOW_S - 2 * DAY_S + 14_400) / 600) * 600;
    for (const offset of [0, 120, 600]) await asked(start_s + offset);
    await scoring.scoreDue(NOW_S);
    const scored: number[] = [];
    for (const offset of [0, 120, 600]) scored.push((await outcomes(start_s + offset)).length);
    expect(scored).toEqual([FIELD.length, 0, FIELD.length]);
    await asked(start_s + 240);
    await live(pending.directory);
    await scoring.scoreDue(NOW_S);
    expect(await outcomes(start_s + 240)).toEqual([]);
    expect(pending.all()).toEqual([]);
  });

  it('waits for a last price that is missing, and drops the prompt with an alert after a day', async () => {
    const start_s = NOW_S + 2 * DAY_S;
    await asked(start_s);
    expect(await scoring.scoreDue(start_s + 3690)).toBe(false);
    expect(pending.all()).toHaveLength(1);
    await scoring.scoreDue(start_s + 3600 + DAY_S + 60);
    expect(pending.all()).toEqual([]);
    expect(await outcomes(start_s)).toEqual([]);
    expect(
      await count(world, `select count(*) as n from board.alert where code = 'SWARM_E_DATA_MISSING'`),
    ).toBe(1);
  });

  it('goes on where a rival has no whole bars to answer from', async () => {
    // Nine days of history are needed by a 24 h rival; these bars begin 14 days before the clock.
    const start_s = NOW_S - 12 * DAY_S;
    await asked(start_s, 1, '24h');
    await asked(NOW_S - 2 * DAY_S, 1, '24h');
    await scoring.scoreDue(NOW_S);
    const early = await outcomes(start_s, DAY_S);
    expect(early.find((r) => r.miner === 'ewma')).toMatchObject({ crps: -1 });
    expect(early.find((r) => r.miner === 'swarm')!.crps).toBeGreaterThan(0);
    expect((await outcomes(NOW_S - 2 * DAY_S, DAY_S)).every((r) => r.crps > 0)).toBe(true);
  });
});

interface Reward {
  readonly competition: string;
  readonly asset: string | null;
  readonly miner: string;
  readonly prompts: number;
  readonly share: number;
}

const rewards = (): Promise<Reward[]> =>
  world.admin
    .query(
      `select distinct on (competition, asset, miner) competition, asset, miner, prompts, share from board.reward
       order by competition, asset, miner, id desc`,
    )
    .then(({ rows }) => rows);

describe('paying', () => {
  it('pays what the subnet’s rule gives over the same scores, and all shares sum to 1', async () => {
    await paying.pay(NOW_S);
    const paid = await rewards();
    for (const competition of ['24h', '1h', 'all']) {
      const whole = paid.filter((r) => r.competition === competition && r.asset === null);
      expect(whole.reduce((sum, r) => sum + r.share, 0)).toBeCloseTo(1, 12);
    }
    const rules = loadProfile('2026-05').competitions.find((c) => c.id === '1h')!;
    const { rows } = await world.admin.query(
      `select o.miner, o.prompt_score, p.start_at from board.outcome o join board.prompt p on p.id = o.prompt_id
       where p.competition = '1h' and o.prompt_score is not null`,
    );
    const scores: ScoreRow[] = rows.map((r) => ({
      miner_id: FIELD.indexOf(r.miner),
      prompt_score: r.prompt_score,
      scored_time_s: r.start_at.getTime() / 1000 + 3600,
      asset: 'BTC',
    }));
    const direct = competitionWeights(scores, loadProfile('2026-05'), rules, NOW_S);
    const total = [...direct.values()].reduce((a, b) => a + b, 0);
    for (const [id, weight] of direct) {
      const mine = paid.find((r) => r.competition === '1h' && r.asset === null && r.miner === FIELD[id]);
      expect(mine!.share).toBeCloseTo(weight / total, 12);
      expect(mine!.prompts).toBe(scores.filter((s) => s.miner_id === id).length);
    }
  });

  it('pays after a restart as if nothing had happened', async () => {
    await paying.pay(NOW_S);
    const before = await rewards();
    await live(pending.directory);
    await paying.pay(NOW_S);
    expect(await rewards()).toEqual(before);
  });

  it('counts only prompts inside the competition’s window', async () => {
    // The three days of the 1 h window begin between the prompts scored above.
    const now_s = NOW_S + DAY_S + 3 * 3600;
    await paying.pay(now_s);
    const inside = await count(
      world,
      `select count(*) as n from board.outcome o join board.prompt p on p.id = o.prompt_id where p.competition = '1h'
         and o.miner = 'swarm' and p.start_at + interval '1 hour' > to_timestamp($1)`,
      [now_s - 3 * DAY_S],
    );
    expect(inside).toBeGreaterThan(0);
    expect(inside).toBeLessThan(
      await count(world, `select count(*) as n from board.outcome where miner = 'swarm'`),
    );
    const hour = (await rewards()).filter((r) => r.competition === '1h' && r.miner === 'swarm');
    expect(hour.map((r) => r.prompts)).toEqual([inside, inside]);
  });
});
