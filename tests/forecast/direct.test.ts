// The direct family: what the graph computes is what was fitted, gaps and closed hours included.
import { afterAll, describe, expect, it } from 'vitest';
import { knotPositions } from '../../forecast/direct/plan.js';
import { statesOf } from '../../forecast/direct/state.js';
import { startCalendar, unseasoned } from '../../forecast/direct/windows.js';
import { harSeasonMix } from '../../forecast/families/har-season-mix.js';
import type { HarSeasonMixSpec } from '../../forecast/families/har-season-mix-spec.js';
import { families, fitAndCompile, parseSpec, type Spec } from '../../forecast/families/index.js';
import { openInProcess, type Simulator } from '../../forecast/onnx/session.js';
import { profileFactors } from '../../forecast/profile/index.js';
import { rng } from '../../forecast/rng.js';
import { minuteOfWeek } from '../../forecast/sessions.js';

const STEP = 300;
const DAY = 86_400;
const meta = { data_cutoff_s: 0, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
/** A Monday. */
const start_s = Date.UTC(2025, 0, 6) / 1000;

/** Hourly seasonality, persistent volatility; 40 days of five-minute bars. */
function market(days: number, seed: string): Float64Array {
  const z = rng(seed);
  const logs = new Float64Array((days * DAY) / STEP);
  let log = 0;
  let v = 0;
  for (let i = 0; i < logs.length; i++) {
    v = 0.997 * v + 0.05 * z.normal();
    const season = 1 + 0.5 * Math.sin((2 * Math.PI * i) / 288);
    log += 1e-3 * Math.exp(v) * season * z.normal();
    logs[i] = log;
  }
  return logs;
}
const logs = market(60, 'direct');
const train = { asset: 'BTC', step_s: STEP, segments: [logs], starts_s: [start_s] };
const open: Simulator[] = [];
afterAll(() => Promise.all(open.map((sim) => sim.close())));

const start = families.har_season_mix.start('BTC', DAY) as HarSeasonMixSpec;
const spec: HarSeasonMixSpec = { ...start, window_s: 10 * DAY, stride_s: 4 * 3600 };

describe('har_season_mix', () => {
  const { onnx, manifest } = fitAndCompile(spec as Spec, train, meta);
  const p = manifest.params as Record<string, number[]>;

  it('finds the season that made the data', () => {
    const factors = profileFactors(spec.profile, p, start_s, STEP, 288);
    for (const hour of [3, 6, 9, 15, 18, 21]) {
      const truth = 1 + 0.5 * Math.sin((2 * Math.PI * hour) / 24);
      expect(Math.abs(Math.log(factors[hour * 12] / truth))).toBeLessThan(0.2);
    }
  });

  it('is a member of a pool, with the tails of its shortest blocks, bars missing from its older history', async () => {
    const garch = { ...families.garch_t.start('BTC', DAY), history_bars: 288 };
    const pool = parseSpec({ family: 'pool', horizon_s: DAY, members: [spec, garch], weights: [0.5, 0.5] });
    const whole = fitAndCompile(pool, train, meta);
    expect(whole.manifest.history_gaps).toBe(true);
    const sim = await openInProcess(whole.onnx);
    open.push(sim);
    const end = 40 * 288 + 37;
    const holed = logs.slice();
    for (const at of [end - 400, end - 401, end - 900]) holed[at] = Number.NaN;
    const history = holed.slice(end - manifest.history_bars + 1, end + 1);
    const request = { history, start_s: start_s + (end + 2) * STEP, steps: 288, paths: 20 };
    const got = await sim.simulate({ ...request, step_s: STEP, seed: 'pool' });
    const noise = ['pool', 'pool#1'].map((seed) => {
      const column = new Float32Array(288 * 20);
      rng(seed).fillNormal(column);
      return column;
    });
    const want = harSeasonMix.part.simulator(manifest.params, { spec, step_s: STEP })({ ...request, noise });
    let widest = 0;
    for (let h = 0; h < 288; h++)
      for (let i = 0; i < 10; i++) {
        const w = want[h * 20 + i];
        widest = Math.max(widest, Math.abs(w));
        expect(Math.abs(got[h * 20 + i] - w)).toBeLessThan(4e-3 * Math.abs(w) + 1e-7);
      }
    expect(widest).toBeGreaterThan(1e-3);
  });

  it.each([false, true])('computes in the graph what was fitted, bars missing: %s', async (gaps) => {
    const sim = await openInProcess(onnx);
    open.push(sim);
    const n = manifest.history_bars;
    const end = 40 * 288 + 37;
    const holed = logs.slice();
    if (gaps) for (const at of [end - 30, end - 31, end - 700]) holed[at] = Number.NaN;
    const history = holed.slice(end - n + 1, end + 1);
    const t0 = start_s + (end + 2) * STEP;
    const steps = 288;
    const paths = 20;
    const got = await sim.simulate({ history, start_s: t0, step_s: STEP, steps, paths, seed: 'law' });

    const factor = profileFactors(spec.profile, p, start_s, STEP, holed.length + steps + 4);
    const plan = {
      half_lives_s: spec.half_lives_s,
      reference: spec.half_lives_s.indexOf(spec.level_s),
      signed_s: spec.signed_s,
      rough_s: spec.rough_s,
      block: 6,
      window: n - 1,
    };
    const states = statesOf(unseasoned(holed, spec.profile, factor), STEP, plan);
    const row = [1, ...states.features.map((f) => f[end]), ...startCalendar(minuteOfWeek(t0))];
    const knots = spec.knots_s.map((s) => s / STEP);
    const at = knots.map((_, k) => row.reduce((sum, v, j) => sum + p['weights'][k * row.length + j] * v, 0));
    const position = knotPositions(knots, steps);
    const first = new Float32Array(steps * paths);
    rng('law').fillNormal(first);
    const second = new Float32Array(steps * paths);
    rng('law#1').fillNormal(second);
    const spread = manifest.params['path_spread'] as number;
    for (let h = 0; h < steps; h++) {
      const k = Math.min(knots.length - 2, Math.floor(position[h]));
      const log = at[k] + (position[h] - k) * (at[k + 1] - at[k]) + states.level[end];
      const hour = Math.floor(minuteOfWeek(t0 + h * STEP) / 60);
      const scale = Math.exp(log + p['season'][hour]) * factor[end + 2 + h];
      for (let i = 0; i < paths; i++) {
        const want = scale * first[h * paths + i] * Math.exp(spread * second[i] - spread * spread);
        expect(Math.abs(got[h * paths + i] - want)).toBeLessThan(4e-3 * Math.abs(want) + 1e-9);
      }
    }
  });
});
