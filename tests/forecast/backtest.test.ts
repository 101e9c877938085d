import { beforeAll, describe, expect, it } from 'vitest';
import { calibration } from '../../forecast/backtest/pit.js';
import { type BacktestReport, medianWindow, report } from '../../forecast/backtest/report.js';
import { type BacktestData, type ModelRef, Scorer } from '../../forecast/backtest/scorer.js';
import { realisedVolatility, regimesOf } from '../../forecast/backtest/slices.js';
import { figures, ticks } from '../../forecast/backtest/svg.js';
import {
  blocksOf,
  modelsOf,
  type Walk,
  type WalkPlan,
  walkForward,
} from '../../forecast/backtest/walk-forward.js';
import type { Bars } from '../../forecast/bars.js';
import type { Spec } from '../../forecast/families/index.js';
import { FitCache } from '../../forecast/fit-cache/cache.js';
import { windowStarts } from '../../forecast/windows.js';
import { HIGH } from './competitions.js';
import { DAY, ewma, gaussian, gbm, HOUR, SIGMA } from './gaussian.js';
import { readRecorded, recordedFile } from './recorded-bars.js';

const competition = { horizon_s: HOUR, increment_s: 60, intervals: HIGH };
const dataOf = (bars: Bars, paths = 100): BacktestData => ({
  slot: '1h/BTC',
  bars,
  competition,
  paths,
  dataset_digest: 'a'.repeat(64),
  code_version: 'test',
});
const scorerOf = (bars: Bars, paths?: number): Scorer =>
  new Scorer(dataOf(bars, paths), new FitCache({ code: 'test' }), (t0) => `1h/BTC@${t0}`);
function planOf(spec: Spec, days: number, stride_s = HOUR): WalkPlan {
  const from_s = 3 * DAY;
  return {
    asset: 'BTC',
    horizon_s: HOUR,
    from_s,
    starts: windowStarts(from_s, (days - 1) * DAY, { stride_s, horizon_s: HOUR, max: 10_000 }),
    candidate: { spec, train_bars: 2 * 1440, refit_s: DAY },
  };
}

async function walk(bars: Bars, plan: WalkPlan, paths?: number): Promise<Walk> {
  const scorer = scorerOf(bars, paths);
  try {
    return await walkForward(plan, (ref, starts) => scorer.score(ref, starts));
  } finally {
    await scorer.close();
  }
}

describe('a walk forward', () => {
  const bars = gaussian(8, 2);
  const plan = planOf(ewma, 8, 2 * HOUR);
  let whole: Walk;
  let summary: BacktestReport;
  beforeAll(async () => {
    whole = await walk(bars, plan);
    summary = report(whole, bars, competition, 2);
  });

  it('refits on bars that closed one horizon before a block begins', () => {
    const blocks = blocksOf(plan, DAY);
    expect(blocks.map((b) => b.cutoff_s)).toEqual([3, 4, 5, 6].map((d) => d * DAY - HOUR));
    expect(blocks.flatMap((b) => b.starts)).toEqual(plan.starts);
    expect(whole.cost).toMatchObject({ fits: 4, hits: 0 });
  });

  it('never sees a bar that closed after a window was due', async () => {
    const t0 = plan.starts[20];
    const late = bars.open_s.findIndex((open) => open + 60 > t0 - 60);
    const changed: Bars = {
      ...bars,
      close: bars.close.map((c, i) => (i < late ? c : c * (1 + 0.01 * (i % 7)))),
    };
    const { ref } = modelsOf(plan).find(({ starts }) => starts.includes(t0))!;
    const [a, b] = [scorerOf(bars), scorerOf(changed)];
    const [before, after] = [await a.fan(ref, t0), await b.fan(ref, t0)];
    expect(after.bands).toEqual(before.bands);
    expect(after.real).not.toEqual(before.real);
    const again = await walk(changed, plan);
    const over = plan.starts.filter((start) => start + HOUR + 60 <= t0 - 60).length;
    expect(over).toBeGreaterThan(15);
    expect(again.model.slice(0, over)).toEqual(whole.model.slice(0, over));
    expect(again.model[20].total).not.toBe(whole.model[20].total);
    await a.close();
    await b.close();
  });

  it('adds up: intervals to totals, slices of every regime to the whole', () => {
    const sum = summary.intervals.reduce((s, i) => s + i.model, 0);
    expect(sum / summary.total.model).toBeCloseTo(1, 10);
    expect(summary.total.n).toBe(plan.starts.length);
    for (const { slices } of summary.regimes) {
      expect(slices.reduce((n, s) => n + s.n, 0)).toBe(summary.total.n);
      for (const model of ['model', 'yardstick', 'reference'] as const) {
        const mean = slices.reduce((s, one) => s + one.n * one[model], 0) / summary.total.n;
        expect(mean / summary.total[model]).toBeCloseTo(1, 10);
      }
    }
    for (const { counts, n } of summary.calibration) expect(counts.reduce((a, b) => a + b, 0)).toBe(n);
  });

  it('finds a scorer out whose parts do not add up, or that answers other windows', async () => {
    const scorer = scorerOf(bars);
    const broken = async (change: (t0: number) => object): Promise<unknown> =>
      walkForward(plan, async (ref, starts) => {
        const scored = await scorer.score(ref, starts);
        return { ...scored, windows: scored.windows.map((w) => ({ ...w, ...change(w.t0) })) };
      });
    const refused = expect.objectContaining({ code: 'SWARM_E_SCORE_INPUT' });
    await expect(broken(() => ({ total: 1 }))).rejects.toEqual(refused);
    await expect(broken((t0) => ({ t0: t0 + 60 }))).rejects.toEqual(refused);
    await scorer.close();
  });

  it('is drawn as one picture that describes itself', async () => {
    const scorer = scorerOf(bars);
    const t0 = medianWindow(whole.model);
    const better = whole.model.filter(
      ({ total }) => total < whole.model.find((w) => w.t0 === t0)!.total,
    ).length;
    expect(Math.abs(better - plan.starts.length / 2)).toBeLessThanOrEqual(1);
    const fan = await scorer.fan({ kind: 'fixed', spec: gbm(SIGMA) }, t0);
    const svg = figures({ title: 'a <b> & "c"', fan, step_s: 60, report: summary });
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="title desc">/);
    for (const part of ['<title id="title">', '<desc id="desc">', 'a &lt;b&gt; &amp; &quot;c&quot;'])
      expect(svg).toContain(part);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg.match(/<text/g)!.length).toBe(svg.match(/<\/text>/g)!.length);
    await scorer.close();
  });

  it('refuses a model that forecasts a price of 0', async () => {
    const scorer = scorerOf(bars);
    const ref: ModelRef = { kind: 'fixed', spec: gbm(SIGMA) };
    const { sim, ...rest } = await scorer.model(ref);
    const falling = async (req: { steps: number; paths: number }) =>
      new Float32Array(req.steps * req.paths).fill(-800);
    scorer.model = async () => ({ ...rest, sim: { ...sim, simulate: falling } });
    await expect(scorer.score(ref, [plan.starts[0]])).rejects.toThrow(
      expect.objectContaining({ code: 'SWARM_E_MODEL_FAILED' }),
    );
    await scorer.close();
  });
});

describe('regimes', () => {
  it('put each window into one slice by what was known before it began', () => {
    const bars = gaussian(12, 3);
    const starts = windowStarts(2 * DAY, 12 * DAY, { stride_s: HOUR, horizon_s: HOUR, max: 1000 });
    const [volatility, session, weekday] = regimesOf(bars, starts, HOUR);
    for (const { slices } of [volatility, session, weekday])
      expect(slices.flatMap((s) => s.at).sort((a, b) => a - b)).toEqual(starts.map((_, i) => i));
    const sizes = volatility.slices.map((s) => s.at.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    const named = (regime: typeof session, t0: number): string =>
      regime.slices.find((s) => s.at.includes(starts.indexOf(t0)))!.name;
    const hours = [0, 6, 7, 12, 13, 21, 22];
    expect(hours.map((h) => named(session, 3 * DAY + h * HOUR))).toEqual([
      'Asia',
      'Asia',
      'Europe',
      'Europe',
      'US',
      'US',
      'Asia',
    ]);
    // 1970-01-03 was a Saturday.
    expect([2, 3, 4].map((d) => named(weekday, d * DAY))).toEqual(['weekend', 'weekend', 'weekday']);
  });

  it('cut a day into blocks for a day-long horizon', () => {
    const starts = [0, 6, 12, 18].map((h) => 2 * DAY + h * HOUR);
    const [, session] = regimesOf(gaussian(4), starts, DAY);
    expect(session.slices.map((s) => s.at)).toEqual([[0], [1], [2], [3]]);
  });

  it('measure volatility on whole steps before a moment', () => {
    const bars = gaussian(2);
    const known = realisedVolatility(bars, DAY, DAY);
    expect(known / (SIGMA / Math.sqrt(60))).toBeCloseTo(1, 1);
    const gap: Bars = {
      ...bars,
      open_s: bars.open_s.filter((_, i) => i !== 700),
      close: bars.close.filter((_, i) => i !== 700),
    };
    expect(realisedVolatility(gap, DAY, DAY) / known).toBeCloseTo(1, 2);
    expect(realisedVolatility(bars, 60, DAY)).toBeNaN();
  });
});

describe('calibration', () => {
  // chi2(9) lies under 27.9 in 999 of 1000 cases; half the spread over 250 windows gives about 130.
  const LIMIT = 27.9;
  const days = 14;

  it('is flat for the law that made the data and is not for one of half its spread', async () => {
    const bars = gaussian(days);
    const scorer = scorerOf(bars, 200);
    const { starts } = planOf(gbm(SIGMA), days);
    const ranks = async (sigma: number): Promise<number[][]> => {
      const { windows } = await scorer.score({ kind: 'fixed', spec: gbm(sigma) }, starts);
      return [0, 1, 2].map((k) => windows.map((w) => w.pit[k]));
    };
    for (const [k, pit] of (await ranks(SIGMA)).entries()) {
      const c = calibration([0.25, 0.5, 1][k], pit);
      expect(c.chi2).toBeLessThan(LIMIT);
      for (const { band, share, se } of c.coverage) expect(Math.abs(share - band)).toBeLessThan(4 * se);
    }
    for (const pit of await ranks(SIGMA / 2)) {
      const c = calibration(1, pit);
      expect(c.chi2).toBeGreaterThan(2 * LIMIT);
      expect(c.coverage[0].share).toBeLessThan(0.5 - 4 * c.coverage[0].se);
    }
    await scorer.close();
  });

  it('counts what it is given', () => {
    const c = calibration(1, [0.05, 0.15, 0.15, 0.999]);
    expect(c.counts).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(c.coverage.map((b) => b.share)).toEqual([0, 0.5, 0.75]);
    expect(() => calibration(1, [])).toThrow(expect.objectContaining({ code: 'SWARM_E_SCORE_INPUT' }));
  });
});

describe('ticks', () => {
  it('are round and inside', () => {
    expect(ticks(0, 24, 8)).toEqual([0, 5, 10, 15, 20]);
    expect(ticks(-0.31, 0.29, 5)).toEqual([-0.2, 0, 0.2]);
    expect(ticks(5, 5, 4)).toEqual([5]);
  });
});

const recorded = recordedFile('BTC', 5);
describe.skipIf(recorded === undefined)('on recorded bars of BTC_5m', () => {
  it('the yardstick beats the reference miner by more than its error', async () => {
    const bars = readRecorded(recorded!, 'BTC', 5);
    const from_s = Date.parse('2025-07-01T00:00:00Z') / 1000;
    const day = {
      ...competition,
      horizon_s: DAY,
      increment_s: 300,
      intervals: HIGH.filter((i) => i.seconds >= 300),
    };
    const scorer = new Scorer({ ...dataOf(bars), competition: day }, new FitCache({ code: 'test' }), String);
    const plan: WalkPlan = {
      ...planOf(ewma, 9),
      horizon_s: DAY,
      from_s,
      starts: windowStarts(from_s, from_s + 20 * DAY, { stride_s: DAY, horizon_s: DAY, max: 99 }),
      candidate: { spec: gbm(0.004), train_bars: 1000, refit_s: 7 * DAY },
    };
    const done = await walkForward(plan, (ref, starts) => scorer.score(ref, starts));
    await scorer.close();
    const { total } = report({ ...done, model: done.yardstick }, bars, day, 2);
    expect(total.over_reference!.gain).toBeGreaterThan(3 * total.over_reference!.se);
    expect(total.over_yardstick).toEqual({ gain: 0, se: 0 });
  });
});
