// Recalibration: what a fit corrects and what it leaves alone, alone and as a pool.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Bars } from '../../forecast/bars.js';
import { lawCrps } from '../../forecast/direct/law.js';
import { evaluate, placement } from '../../forecast/evaluate.js';
import { families, fitAndCompile, parseSpec, type Spec, specDigest } from '../../forecast/families/index.js';
import { mapMoments, throughMap } from '../../forecast/fit/map.js';
import { normalQuantile } from '../../forecast/fit/normal.js';
import { studentMap } from '../../forecast/fit/student.js';
import { type TrainingData, trainingData } from '../../forecast/fit/training.js';
import { packArtifact, unpackArtifact } from '../../forecast/manifest.js';
import { openInProcess, openSandboxed } from '../../forecast/onnx/index.js';
import { rng } from '../../forecast/rng.js';
import { crpsEnsemble } from '../../forecast/score/crps.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { LOW } from './competitions.js';
import { garchPrices, MONDAY_S, profile, STEP, train, trainingOn } from './composed-models.js';

const DAY_S = 86_400;
const DAY_STEPS = DAY_S / STEP;
const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
const day = { horizon_s: DAY_S, increment_s: STEP, intervals: LOW };
const refused = (code: string) => expect.objectContaining({ code });

/** Log prices of returns made step by step, as training bars from MONDAY_S on. */
function series(n: number, seed: string, next: (z: number, last: number) => number): Float64Array {
  const z = rng(seed);
  const out = new Float64Array(n + 1);
  let last = 0;
  for (let i = 0; i < n; i++) {
    last = next(z.normal(), last);
    out[i + 1] = out[i] + 1e-3 * last;
  }
  return out;
}

const heavy = studentMap(3);
const heavySize = Math.sqrt(mapMoments(heavy).variance);
const gaussian = (z: number): number => z;
const studentT = (z: number): number => throughMap(heavy, z) / heavySize;
/** Short returns hold on: a day moves 1.43 times as far as its steps say, three hours nearly so. */
const trending = (z: number, last: number): number => 0.34 * last + Math.sqrt(1 - 0.34 ** 2) * z;

const TRAIN_DAYS = 90;
const HIDDEN = 40;
const identity = { recalibration: { kind: 'identity', source_paths: 1500 } };
const interval = { recalibration: { kind: 'interval', source_paths: 1500 } };

/** Gains of placed over drawn and of recalibrated over placed paths, on days that follow the training bars. */
async function hiddenGain(logs: Float64Array, spec: object) {
  const bars: Bars = {
    asset: 'BTC',
    step: STEP,
    open_s: Float64Array.from(logs, (_, i) => MONDAY_S + i * STEP),
    close: logs.map(Math.exp),
  };
  const cutoff_s = MONDAY_S + TRAIN_DAYS * DAY_S;
  const data = trainingData(bars, cutoff_s, TRAIN_DAYS * DAY_STEPS);
  const starts = Array.from({ length: HIDDEN }, (_, d) => cutoff_s + (d + 1) * DAY_S);
  const scores: Float64Array[] = [];
  let params: Record<string, number | number[]> = {};
  for (const recalibration of [{}, identity, interval]) {
    const { onnx, manifest } = fitAndCompile(parseSpec({ ...spec, ...recalibration }), data, meta);
    const sim = await openInProcess(onnx);
    const options = { paths: 300, model: manifest, seedOf: (t0: number) => `recalibration@${t0}` };
    scores.push(await evaluate(sim, bars, starts, day, options));
    await sim.close();
    params = manifest.params;
  }
  const [drawn, placed, fitted] = scores;
  return {
    placed: pairedGain(drawn, placed, { lag: 0 }),
    fitted: pairedGain(placed, fitted, { lag: 0 }),
    scales: params['recalibration_scales'] as number[],
    tails: params['recalibration_tails'] as number[],
  };
}

const constant = { family: 'constant', horizon_s: DAY_S, scale: 1, nu: 1000 };
const bars = (TRAIN_DAYS + HIDDEN + 2) * DAY_STEPS;

describe('a fit on bars whose law is known', () => {
  it('corrects a level of 0.7 at every length', async () => {
    const { fitted, scales } = await hiddenGain(series(bars, 'level', gaussian), { ...constant, scale: 0.7 });
    expect(fitted.t).toBeGreaterThan(8);
    for (const scale of scales.slice(0, 3)) expect(Math.abs(scale * 0.7 - 1)).toBeLessThan(0.08);
  }, 60_000);
  it('corrects one block length and leaves another alone', async () => {
    const { fitted, scales } = await hiddenGain(series(bars, 'trend', trending), constant);
    expect(fitted.t).toBeGreaterThan(3);
    expect(Math.abs(scales[0] - 1)).toBeLessThan(0.03);
    // Three hours: 36 steps of an autoregression of 0.34 move 1.41 times as far as 36 of noise.
    expect(scales[2]).toBeGreaterThan(1.25);
    expect(scales[2]).toBeLessThan(1.5);
  }, 60_000);
  it('gives a Gaussian the tails that its bars have', async () => {
    const { fitted, tails } = await hiddenGain(series(bars, 'tails', studentT), constant);
    expect(fitted.t).toBeGreaterThan(4);
    expect(tails[0]).toBeGreaterThan(1.15);
  }, 60_000);
  it('leaves a right model almost alone', async () => {
    const { fitted, placed, scales, tails } = await hiddenGain(series(bars, 'right', gaussian), constant);
    for (const scale of scales) expect(Math.abs(scale - 1)).toBeLessThan(0.05);
    for (const tail of tails) expect(Math.abs(tail - 1)).toBeLessThan(0.15);
    expect(Math.abs(fitted.gain)).toBeLessThan(1.5e-3);
    // 300 drawn paths cost a third of a per cent.
    expect(placed.gain).toBeGreaterThan(1e-3);
  }, 60_000);
  it('fits 90 days within its budget, the same way twice', () => {
    const data = trainingOn(garchPrices(TRAIN_DAYS * DAY_STEPS, 'budget'));
    const spec = parseSpec({ ...families.garch_t.start('BTC', DAY_S), ...interval });
    const begun = performance.now();
    const fitted = families.garch_t.fit(data, spec);
    expect(performance.now() - begun).toBeLessThan(6000);
    expect(families.garch_t.fit(data, spec)).toEqual(fitted);
  }, 30_000);
});

describe('placing', () => {
  it('takes most of CRPS / N from what a known law scores', async () => {
    const data = trainingOn(series(4000, 'known', gaussian));
    const spec = parseSpec({ ...constant, recalibration: { kind: 'identity' } });
    const { onnx, manifest } = fitAndCompile(spec, data, meta);
    const sim = await openInProcess(onnx);
    const sigma = Math.sqrt(manifest.params['variance'] as number);
    const paths = 250;
    const law = { weights: [1], scales: [1] };
    const observed = Array.from({ length: 41 }, (_, k) => normalQuantile((k + 0.5) / 41));
    const excess = async (placed: boolean): Promise<number> => {
      const place = placed ? placement(manifest, day) : undefined;
      const returns = await sim.simulate({
        history: new Float64Array(manifest.history_bars),
        start_s: MONDAY_S,
        step_s: STEP,
        steps: DAY_STEPS,
        paths,
        seed: 'known',
        place,
      });
      let [more, own] = [0, 0];
      for (let from = 0; from + 6 <= DAY_STEPS; from += 6) {
        const sums = new Float64Array(paths);
        for (let h = from; h < from + 6; h++)
          for (let i = 0; i < paths; i++) sums[i] += returns[h * paths + i] / sigma / Math.sqrt(6);
        sums.sort();
        for (const y of observed) {
          more += crpsEnsemble(y, sums) - lawCrps(law, y);
          own += lawCrps(law, y);
        }
      }
      return more / own;
    };
    const [drawn, placed] = [await excess(false), await excess(true)];
    await sim.close();
    expect(drawn * paths).toBeGreaterThan(0.7);
    expect(drawn * paths).toBeLessThan(1.4);
    expect(placed).toBeLessThan(0.15 * drawn);
  });
});

const names = Object.keys(families).filter(
  (name) => families[name as Spec['family']].choices?.['recalibration'] !== undefined,
) as Spec['family'][];
const built = existsSync(
  fileURLToPath(new URL('../../dist/forecast/onnx/sandbox-child.js', import.meta.url)),
);

describe('every composed family, and pools', () => {
  it('can be recalibrated, and means what it meant without', () => {
    expect(names).toHaveLength(9);
    // The digest that this spec has had since there were composed families.
    expect(specDigest(parseSpec(families.garch_t.start('BTC', DAY_S)))).toBe(
      '1cfcdfef8b6ce67f75d7b465505da282441a37cdfaa10d981539ea5cc06d09ef',
    );
    const { manifest } = fitAndCompile(parseSpec(constant), train, meta);
    expect(manifest.sampling).toBeUndefined();
  });
  it.skipIf(!built).each(names)(
    '%s fits, survives packing, and answers from the sandbox [needs npm run build]',
    async (name) => {
      const spec = parseSpec({
        ...families[name].start('BTC', 10_800),
        ...(name === 'pool' ? {} : { profile }),
        recalibration: { kind: 'interval', source_paths: 1000 },
      });
      const made = fitAndCompile(spec, train, meta);
      const { onnx, manifest } = unpackArtifact(packArtifact(made.onnx, made.manifest));
      expect(manifest.sampling?.laws.map((l) => l.seconds)).toEqual([300, 900, 1800, 3600, 10_800]);
      const steps = 36;
      const sim = await openSandboxed(onnx);
      const intervals = LOW.filter((v) => v.seconds <= 10_800);
      const paths = await sim.simulate({
        history: train.segments[0].slice(-manifest.history_bars),
        start_s: MONDAY_S + 30 * DAY_S,
        step_s: STEP,
        steps,
        paths: 200,
        seed: 'answer',
        place: placement(manifest, { horizon_s: 10_800, increment_s: STEP, intervals }),
      });
      await sim.close();
      expect(paths).toHaveLength(steps * 200);
      expect(paths.every(Number.isFinite)).toBe(true);
    },
    30_000,
  );
});

describe('what cannot be recalibrated', () => {
  const given = {
    family: 'ewma_t',
    horizon_s: DAY_S,
    half_life_s: 7200,
    scale: 1,
    nu: 5,
    ...interval,
  };
  const attempt = (data: TrainingData, spec: object = given) => fitAndCompile(parseSpec(spec), data, meta);
  it('constant prices and too few bars give typed errors', () => {
    expect(() => attempt(trainingOn(new Float64Array(9000)))).toThrow(refused('SWARM_E_FIT_FAILED'));
    expect(() => attempt(trainingOn(garchPrices(300, 'few')))).toThrow(refused('SWARM_E_BARS_TOO_FEW'));
    expect(() => attempt(trainingOn(garchPrices(3000, 'short')))).toThrow(/10 needed to recalibrate/);
  });
  it('a horizon off the grid, and parameters of another spec', () => {
    const off = { ...given, horizon_s: 10_000 };
    expect(() => attempt(train, off)).toThrow(refused('SWARM_E_SPEC_INVALID'));
    const fitted = families.constant.fit(train, parseSpec(constant));
    const spec = parseSpec({ ...constant, ...interval });
    expect(() => families.constant.compile(fitted, { spec, step_s: STEP })).toThrow(
      refused('SWARM_E_SPEC_INVALID'),
    );
  });
  it('hours in which a market is closed say nothing: stray quotes there do not widen the law', () => {
    const open = 120;
    const traded = series(60 * open, 'closing', gaussian);
    const scales = [false, true].map((strays) => {
      const runs = Array.from({ length: 60 }, (_, d) => {
        const run = traded.slice(d * open, (d + 1) * open);
        const of = (at: number, part: Float64Array) => ({ start_s: MONDAY_S + d * DAY_S + at * STEP, part });
        // Single quotes, ten minutes apart, up and down by one per cent.
        const quotes = Array.from({ length: strays && d % 4 === 0 ? 60 : 0 }, (_, k) =>
          of(150 + 2 * k + (d % 8) / 4, Float64Array.of(run[open - 1] + 0.01 * (k % 2))),
        );
        return [of(0, run), ...quotes];
      }).flat();
      const data = {
        asset: 'XAU',
        step_s: STEP,
        segments: runs.map(({ part }) => part),
        starts_s: runs.map(({ start_s }) => start_s),
      };
      const spec = { ...constant, profile: { ...profile, closed: 'learned' }, ...interval };
      return families.constant.fit(data, parseSpec(spec))['recalibration_scales'] as number[];
    });
    for (const [k, scale] of scales[0].slice(0, 3).entries())
      expect(Math.abs(scales[1][k] / scale - 1)).toBeLessThan(0.05);
  });
});
