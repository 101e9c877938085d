// The emulator pays a model as the subnet would have: like a duplicate of its equal, more when it is better, and by hand.
import { describe, expect, it } from 'vitest';
import { rng } from '../../../forecast/rng.js';
import {
  emulate,
  type FieldRow,
  insertModel,
  MODEL_ID,
  type ModelScore,
  sensitivity,
} from '../../../miner/sn50/emulator.js';
import { loadProfile } from '../../../miner/sn50/profile.js';
import {
  combine,
  competitionWeights,
  promptScores,
  type ScoreRow,
} from '../../../miner/sn50/reward/index.js';

const profile = loadProfile('2026-05');
const [day, hour] = [profile.competitions[0], profile.competitions[1]];
const T = 1_780_000_000;
const HOUR = 3600;
const options = { profile, from_s: T, to_s: T + 12 * HOUR, every_s: 6 * HOUR };

/** A field of miners with raw CRPS by prompt, as a validator scores and publishes it. */
function field(raw: readonly (readonly number[])[], withCrps: boolean): FieldRow[] {
  return raw.flatMap((crps, k) => {
    const { scores, fill, lowest } = promptScores(crps, profile.prompt_score_rule)!;
    return scores.map((prompt_score, miner_id) => ({
      miner_id,
      prompt_score,
      scored_time_s: T - (raw.length - k) * HOUR,
      asset: 'BTC',
      competition: '24h',
      fill,
      lowest,
      ...(withCrps ? { crps: crps[miner_id] } : {}),
    }));
  });
}
function model(raw: readonly number[]): ModelScore[] {
  return raw.map((crps, k) => ({
    competition: '24h',
    asset: 'BTC',
    scored_time_s: T - (raw.length - k) * HOUR,
    crps,
  }));
}
const z = rng('field');
const RAW = Array.from({ length: 30 }, () =>
  Array.from({ length: 20 }, (_, miner) => 1000 + 5 * miner + 10 * z.normal()),
);
const shareOf = (rows: readonly FieldRow[]): number => emulate(rows, options).mean_share;
const inserted = (rows: readonly FieldRow[], scores: readonly ModelScore[]) =>
  insertModel(rows, scores, profile.prompt_score_rule).rows;

describe('a model in a field', () => {
  it.each([
    ['by raw CRPS', true],
    ['by fill and lowest alone', false],
  ])('is paid as the miner that it equals, %s', (_, withCrps) => {
    const rows = inserted(field(RAW, withCrps), model(RAW.map((crps) => crps[3])));
    const now = T;
    const weights = competitionWeights(rows, profile, day, now);
    expect(weights.get(MODEL_ID)).toBe(weights.get(3));
    expect(weights.get(MODEL_ID)).toBeGreaterThan(0);
  });

  it('is paid exactly what the subnet pays a field that had it from the beginning', () => {
    const own = RAW.map((crps, k) => crps[5] - 12 + (k % 3));
    const rows = inserted(field(RAW, true), model(own));
    const together = field(
      RAW.map((crps, k) => [...crps, own[k]]),
      true,
    );
    const id = RAW[0].length;
    const truth = competitionWeights(together, profile, day, T);
    expect(competitionWeights(rows, profile, day, T).get(MODEL_ID)).toBeCloseTo(truth.get(id)!, 12);
  });

  it('earns more the better it is, and drags the others when it beats them all', () => {
    const shares = [1020, 1000, 980, 900].map((level) =>
      shareOf(inserted(field(RAW, false), model(RAW.map(() => level)))),
    );
    for (let i = 1; i < shares.length; i++) expect(shares[i]).toBeGreaterThan(shares[i - 1]);
    expect(shares[3]).toBeGreaterThan(0.99);
    const rows = inserted(field(RAW, false), model(RAW.map(() => 900)));
    expect(
      Math.min(...rows.filter((r) => r.miner_id !== MODEL_ID).map((r) => r.prompt_score!)),
    ).toBeGreaterThan(50);
  });

  it('says how steep the reward is', () => {
    const scores = model(RAW.map((crps) => crps[0]));
    const base = shareOf(inserted(field(RAW, false), scores));
    const [better, worse] = sensitivity(field(RAW, false), scores, options);
    expect([better.factor, worse.factor]).toEqual([0.99, 1.01]);
    expect(better.mean_share).toBeGreaterThan(base);
    expect(worse.mean_share).toBeLessThan(base);
  });

  it('takes an invalid answer for the fill, and cuts a bad one to it', () => {
    const rows = field([[100, 110, 120, 130]], false);
    const own = (crps: number): number =>
      inserted(rows, model([crps])).find((r) => r.miner_id === MODEL_ID)!.prompt_score!;
    const { fill } = rows[0];
    for (const bad of [-1, Number.NaN, 1e9]) expect(own(bad)).toBeCloseTo(fill! - 100, 10);
  });

  it('agrees with a case worked by hand', () => {
    // Two prompts, two miners at 0 and 10 over the lowest, the model 10 below the lowest: shares by exp(-0.1 score).
    const rows = [1, 2].flatMap((k): FieldRow[] =>
      [0, 10].map((prompt_score, miner_id) => ({
        miner_id,
        prompt_score,
        scored_time_s: T - k * HOUR,
        asset: 'BTC',
        competition: '24h',
        fill: 210,
        lowest: 200,
      })),
    );
    const { payments } = emulate(inserted(rows, model([190, 190])), { ...options, to_s: T });
    const [e0, e1, e2] = [0, 10, 20].map((score) => Math.exp(-0.1 * score));
    expect(payments).toHaveLength(1);
    expect(payments[0].share).toBeCloseTo(e0 / (e0 + e1 + e2), 12);
    expect(payments[0].after_burn).toBeCloseTo(payments[0].share / 2, 12);
    expect(payments[0]).toMatchObject({ rank: 1, miners: 3, at_s: T });
  });

  it('shares a competition that it does not answer with nobody', () => {
    const both: FieldRow[] = [
      ...field(RAW, false),
      ...field(RAW, false).map((row) => ({ ...row, competition: '1h' })),
    ];
    const rows = inserted(both, model(RAW.map(() => 500)));
    const [payment] = emulate(rows, { ...options, to_s: T }).payments;
    expect(payment.share).toBeCloseTo(day.coefficient / (day.coefficient + hour.coefficient), 6);
    const only = rows.filter((row): row is FieldRow & ScoreRow => row.competition === '24h');
    expect(combine([competitionWeights(only, profile, day, T)]).get(MODEL_ID)).toBeCloseTo(0.5, 6);
  });

  it('leaves a prompt alone that has no place for a raw CRPS, and counts it', () => {
    const bare = field(RAW, false).map(({ fill: _f, lowest: _l, ...row }) => row);
    const matched = insertModel(bare, model([1, 2]), profile.prompt_score_rule);
    expect(matched).toMatchObject({ prompts: 30, answered: 2, placed: 0 });
    expect(matched.rows.some((row) => row.miner_id === MODEL_ID)).toBe(false);
  });
});
