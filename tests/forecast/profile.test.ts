// The profile of the week: seasons, closed hours, opening gaps, holidays; in the native table and in the graph.
import { describe, expect, it } from 'vitest';
import type { HarSeasonMixSpec } from '../../forecast/families/har-season-mix-spec.js';
import { families, fitAndCompile, parseSpec, type Spec } from '../../forecast/families/index.js';
import { type TrainingData, trainingGrid } from '../../forecast/fit/training.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { fitProfile, type Profile, profileFactors } from '../../forecast/profile/index.js';
import { rng } from '../../forecast/rng.js';
import { minuteOfWeek, newYorkHoliday, newYorkOffset_s } from '../../forecast/sessions.js';

const STEP = 300;
const DAY = 86_400;
const at = (iso: string): number => Date.parse(iso) / 1000;
const start_s = at('2025-05-05T00:00:00Z');
const home: Profile = {
  kind: 'week',
  clock: 'new_york',
  closed: 'learned',
  holidays: true,
  closed_share: 0,
};
const GAP = 8;

const isOpen = (t: number): boolean => {
  const minute = minuteOfWeek(t + newYorkOffset_s(t));
  const ofDay = minute % 1440;
  return minute < 5 * 1440 && ofDay >= 570 && ofDay < 960 && newYorkHoliday(t) === 0;
};

/** An exchange that trades 09:30 to 16:00 in New York, twice as lively in its first hour, with gaps overnight. */
function exchange(days: number): TrainingData {
  const z = rng('exchange');
  const segments: Float64Array[] = [];
  const starts_s: number[] = [];
  let run: number[] = [];
  let log = 0;
  for (let k = 0; k < (days * DAY) / STEP; k++) {
    const t = start_s + k * STEP;
    if (!isOpen(t)) {
      if (run.length > 0) segments.push(Float64Array.from(run));
      run = [];
      continue;
    }
    const early = (minuteOfWeek(t + newYorkOffset_s(t)) % 1440) - 570 < 60;
    const size = 1e-3 * (early ? 2 : 1) * (run.length === 0 ? GAP : 1);
    if (run.length === 0) starts_s.push(t);
    log += size * z.normal();
    run.push(log);
  }
  if (run.length > 0) segments.push(Float64Array.from(run));
  return { asset: 'SPYX', step_s: STEP, segments, starts_s };
}
const train = exchange(140);
const params = fitProfile(train, home);
const factor = (iso: string): number => profileFactors(home, params, at(iso), STEP, 1)[0];

describe('a market that closes', () => {
  it('is closed when it never traded, on either side of daylight saving, and on holidays', () => {
    for (const closed of ['2025-09-02T12:00:00Z', '2025-09-06T15:00:00Z', '2025-09-02T20:05:00Z'])
      expect(factor(closed)).toBe(1e-3);
    // Labor Day, and the early close of Black Friday.
    expect(factor('2025-09-01T15:00:00Z')).toBe(1e-3);
    expect(factor('2025-11-28T17:55:00Z')).toBeGreaterThan(0.3);
    expect(factor('2025-11-28T18:05:00Z')).toBe(1e-3);
    // 09:35 in winter is 14:35 UTC.
    expect(factor('2025-12-02T14:35:00Z')).toBeGreaterThan(1);
    expect(factor('2025-12-02T13:35:00Z')).toBe(1e-3);
  });
  it('moves more at its opening, by the gap, and in its first hour', () => {
    const noon = factor('2025-09-03T16:00:00Z');
    const early = factor('2025-09-03T13:45:00Z');
    expect(early / noon).toBeGreaterThan(1.6);
    expect(early / noon).toBeLessThan(2.4);
    const opening = factor('2025-09-03T13:30:00Z') / early;
    expect(opening).toBeGreaterThan(0.6 * GAP);
    expect(opening).toBeLessThan(1.5 * GAP);
  });
  it('is forecast with its closed hours, from a history full of holes', async () => {
    const start = families.har_season_mix.start('SPYX', DAY) as HarSeasonMixSpec;
    expect(start.profile).toEqual(home);
    const spec = { ...start, window_s: 20 * DAY, stride_s: 1800, signed_s: [], rough_s: [], ridge: 20 };
    const meta = { data_cutoff_s: 0, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
    const { onnx, manifest } = fitAndCompile(parseSpec(spec), train, meta);
    console.log(
      'W',
      JSON.stringify(manifest.params['weights']),
      JSON.stringify(manifest.params['laws']),
      Math.max(...(manifest.params['season'] as number[])),
      manifest.params['path_spread'],
    );
    const { logs, start_s: first_s } = trainingGrid(train);
    const t0 = at('2025-09-03T15:00:00Z');
    const end = (t0 - first_s) / STEP - 2;
    const sim = await openInProcess(onnx);
    const paths = 2000;
    const returns = await sim.simulate({
      history: logs.slice(end - manifest.history_bars + 1, end + 1),
      start_s: t0,
      step_s: STEP,
      steps: 288,
      paths,
      seed: 'closed',
    });
    await sim.close();
    const deviation = (iso: string): number => {
      const h = (at(iso) - t0) / STEP;
      const row = returns.subarray(h * paths, (h + 1) * paths);
      return Math.sqrt(row.reduce((s, v) => s + v * v, 0) / paths);
    };
    const session = deviation('2025-09-03T18:00:00Z');
    expect(session).toBeGreaterThan(5e-4);
    expect(session).toBeLessThan(2e-3);
    expect(deviation('2025-09-04T02:00:00Z')).toBeLessThan(session / 100);
    expect(deviation('2025-09-04T13:30:00Z')).toBeGreaterThan(5 * session);
  });
});

describe('what cannot be fitted', () => {
  const week: Profile = { ...home, clock: 'utc', closed: 'never', holidays: false };
  const spec = families.har_season_mix.start('BTC', DAY) as HarSeasonMixSpec;
  const meta = { data_cutoff_s: 0, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
  const data = (logs: Float64Array): TrainingData => ({
    asset: 'BTC',
    step_s: STEP,
    segments: [logs],
    starts_s: [start_s],
  });
  const fitting = (s: Spec, logs: Float64Array) => () => fitAndCompile(s, data(logs), meta);
  const few = expect.objectContaining({ code: 'SWARM_E_BARS_TOO_FEW' });
  it('is refused by name: few bars, no bars, constant prices, a pool without peers, odd specs', () => {
    expect(() => fitProfile(data(new Float64Array(1000)), week)).toThrow(few);
    expect(() => fitProfile({ ...data(new Float64Array(0)), segments: [], starts_s: [] }, week)).toThrow(few);
    expect(fitting(spec as Spec, new Float64Array(30 * 288))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' }),
    );
    const z = rng('plain');
    let log = 0;
    const moving = Float64Array.from({ length: 30 * 288 }, () => {
      log += 1e-3 * z.normal();
      return log;
    });
    expect(fitting({ ...spec, weights: 'pooled' } as Spec, moving)).toThrow(few);
    const invalid = expect.objectContaining({ code: 'SWARM_E_SPEC_INVALID' });
    expect(() => parseSpec({ ...spec, level_s: 7777 })).toThrow(invalid);
    expect(() => parseSpec({ ...spec, ridge: Number.NaN })).toThrow(invalid);
    expect(fitting({ ...spec, window_s: 90 * DAY, horizon_s: 86_401 } as Spec, moving)).toThrow(invalid);
  });
});
