// Families: specs, fits that find what made the data, and ONNX models that follow the fitted law exactly.
import { afterAll, describe, expect, it } from 'vitest';
import { ewmaTSchema, ewmaWeights } from '../../forecast/families/ewma-t.js';
import {
  families,
  fitAndCompile,
  parseSpec,
  referenceSpec,
  type Spec,
  specDigest,
  yardstickSpec,
} from '../../forecast/families/index.js';
import { innovation } from '../../forecast/fit/student.js';
import { artifactDigest, packArtifact, unpackArtifact } from '../../forecast/manifest.js';
import { calendarFeatures } from '../../forecast/onnx/contract.js';
import { openInProcess, type Simulator } from '../../forecast/onnx/index.js';
import { rng } from '../../forecast/rng.js';

const STEP = 300;
const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
const truth = { alpha: 0.08, beta: 0.9, nu: 6, variance: 1e-6 };

/** A GARCH path of log prices from a normal-to-t map: the data every fit here is tested on. */
function simulated(n: number, seed: string, gamma = 0): Float64Array {
  const z = rng(seed);
  const shape = innovation(truth.nu);
  const out = new Float64Array(n + 1);
  let u = 1;
  for (let i = 0; i < n; i++) {
    const r = Math.sqrt(u) * shape(z.normal());
    out[i + 1] = out[i] + r * Math.sqrt(truth.variance);
    const reaction = truth.alpha - gamma / 2 + (r < 0 ? gamma : 0);
    u = 1 - truth.alpha - truth.beta + reaction * r * r + truth.beta * u;
  }
  return out;
}
const prices = simulated(26_000, 'garch');
const train = {
  asset: 'BTC',
  step_s: STEP,
  segments: [prices.slice(0, 13_000), prices.slice(13_000)],
  starts_s: [0, 9e6],
};

const open: Simulator[] = [];
async function model(spec: Spec) {
  const fitted = fitAndCompile(spec, train, meta);
  const sim = await openInProcess(fitted.onnx);
  open.push(sim);
  return { ...fitted, sim };
}
afterAll(() => Promise.all(open.map((sim) => sim.close())));

const steps = 24;
const paths = 50;
async function both(
  spec: Spec,
  native: (
    m: Awaited<ReturnType<typeof model>>,
    r: Float64Array,
    z: (h: number, i: number) => number,
  ) => number[][],
) {
  const m = await model(spec);
  const history = prices.slice(5000, 5000 + m.manifest.history_bars);
  const request = { history, start_s: 0, step_s: STEP, steps, paths, seed: 'law' };
  const got = await m.sim.simulate(request);
  const noise = new Float32Array(steps * paths);
  rng('law').fillNormal(noise);
  const returns = history.subarray(1).map((v, i) => v - history[i]);
  const want = native(m, returns, (h, i) => noise[h * paths + i]).flat();
  const scale = Math.max(...want.map(Math.abs));
  expect(Math.max(...want.map((v, k) => Math.abs(v - got[k])))).toBeLessThan(2e-5 * scale);
}
const grid = (f: (h: number, i: number) => number) =>
  Array.from({ length: steps }, (_, h) => Array.from({ length: paths }, (_, i) => f(h, i)));

describe('a compiled model follows its family’s law', () => {
  it('gbm', () =>
    both(referenceSpec('BTC'), (_m, _r, z) =>
      grid((h, i) => Math.log1p(0.00541 * Math.sqrt(STEP / 3600) * z(h, i))),
    ));

  it('ewma_t with two speeds, reversion and t innovations', () => {
    const spec = ewmaTSchema.parse({
      family: 'ewma_t',
      horizon_s: 7200,
      half_life_s: 3600,
      half_life_slow_s: 20_000,
      mix: 0.3,
      revert_half_life_s: 7200,
      scale: 'fit',
      nu: 'fit',
    });
    return both(spec, (m, r, z) => {
      const { scale, nu, long_run_variance: far } = m.manifest.params as Record<string, number>;
      const now = ewmaWeights(spec, STEP).reduce((s, w, k) => s + w * r[k] * r[k], 0);
      const shape = innovation(nu);
      return grid(
        (h, i) => scale * Math.sqrt(far + (now - far) * 2 ** ((-h * STEP) / 7200)) * shape(z(h, i)),
      );
    });
  });

  it.each([false, true])('garch_t, gjr %s', (gjr) =>
    both(
      { family: 'garch_t', horizon_s: 7200, gjr, history_bars: 300, scale: 'fit', nu: 'fit' },
      (m, r, z) => {
        const { alpha, gamma, beta, nu, variance, scale } = m.manifest.params as Record<string, number>;
        const omega = 1 - alpha - gamma / 2 - beta;
        const next = (u: number, x: number) => omega + (alpha + (x < 0 ? gamma : 0)) * x * x + beta * u;
        const first = r.reduce((u, v) => next(u, v / Math.sqrt(variance)), 1);
        const shape = innovation(nu);
        const state = new Float64Array(paths).fill(first);
        return grid((h, i) => {
          const x = Math.sqrt(state[i]) * shape(z(h, i));
          state[i] = next(state[i], x);
          return scale * Math.sqrt(variance) * x;
        });
      },
    ),
  );
});

describe('fits', () => {
  it('garch_t recovers what made the data', () => {
    const { alpha, beta, nu, scale } = fitAndCompile(families.garch_t.start('BTC', 86_400), train, meta)
      .manifest.params as Record<string, number>;
    expect(Math.abs(alpha - truth.alpha)).toBeLessThan(0.015);
    expect(Math.abs(beta - truth.beta)).toBeLessThan(0.02);
    expect(Math.abs(nu - truth.nu)).toBeLessThan(0.8);
    expect(alpha + beta).toBeLessThan(1);
    expect(scale).toBeGreaterThan(0.9);
    expect(scale).toBeLessThan(1.1);
  });
  it('gjr finds that falls raise variance more than rises', () => {
    const spec = { ...families.garch_t.start('BTC', 86_400), gjr: true };
    const leveraged = { ...train, segments: [simulated(26_000, 'gjr', 0.08)] };
    const { gamma } = fitAndCompile(spec, leveraged, meta).manifest.params as Record<string, number>;
    expect(Math.abs(gamma - 0.08)).toBeLessThan(0.025);
  });
  it('a level fitted on Gaussian noise of known variance is one', () => {
    const z = rng('white');
    let sum = 0;
    const white = Float64Array.from({ length: 20_000 }, () => {
      sum += 1e-3 * z.normal();
      return sum;
    });
    const spec = parseSpec({
      family: 'ewma_t',
      horizon_s: 7200,
      half_life_s: 86_400,
      scale: 'fit',
      nu: 1000,
    });
    const { scale } = fitAndCompile(spec, { ...train, segments: [white] }, meta).manifest.params as Record<
      string,
      number
    >;
    expect(Math.abs(scale - 1)).toBeLessThan(0.02);
  });
  it('refuse constant, broken and scarce prices', () => {
    const spec = families.garch_t.start('BTC', 3600);
    const on = (segment: Float64Array) => () => fitAndCompile(spec, { ...train, segments: [segment] }, meta);
    expect(on(new Float64Array(5000).fill(11))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' }),
    );
    expect(on(prices.slice(0, 5000).fill(Number.NaN, 7, 8))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' }),
    );
    expect(on(prices.slice(0, 100))).toThrow(expect.objectContaining({ code: 'SWARM_E_BARS_TOO_FEW' }));
  });
  it('of the yardstick read no bars', () => {
    const { manifest } = fitAndCompile(
      yardstickSpec('BTC', 86_400),
      { ...train, segments: [], starts_s: [] },
      meta,
    );
    expect(manifest.params).toEqual({ scale: 0.85, nu: 1000, long_run_variance: 0 });
  });
});

describe('specs', () => {
  it('are identified by content, not by field order', () => {
    const a = parseSpec({
      family: 'garch_t',
      horizon_s: 3600,
      gjr: true,
      history_bars: 200,
      scale: 1,
      nu: 'fit',
    });
    const b = parseSpec({
      nu: 'fit',
      scale: 1,
      history_bars: 200,
      gjr: true,
      horizon_s: 3600,
      family: 'garch_t',
    });
    expect(specDigest(a)).toBe(specDigest(b));
    expect(specDigest({ ...referenceSpec('BTC') })).not.toBe(specDigest(referenceSpec('ETH')));
  });
  it.each([
    [{ family: 'lstm' }],
    [{ family: 'gbm', sigma_hourly: 0.01, extra: 1 }],
    [{ family: 'gbm', sigma_hourly: Number.NaN }],
    [{ family: 'ewma_t', horizon_s: 3600, half_life_s: 600, mix: 0.5, scale: 'fit', nu: 'fit' }],
    [{ family: 'garch_t', horizon_s: 3600, gjr: true, history_bars: 200, scale: 1, nu: 2 }],
  ])('refuses %j', (value) => {
    expect(() => parseSpec(value)).toThrow(expect.objectContaining({ code: 'SWARM_E_SPEC_INVALID' }));
  });
  it('every knob names a range its own schema accepts', () => {
    for (const [name, family] of Object.entries(families)) {
      const start = family.start('BTC', 86_400);
      for (const [field, { min, max }] of Object.entries(family.knobs)) {
        const pair =
          field === 'mix' || field === 'half_life_slow_s'
            ? { half_life_s: 300, half_life_slow_s: 9e5, mix: 0.5 }
            : {};
        for (const value of [min, max])
          expect(parseSpec({ ...start, ...pair, [field]: value }).family).toBe(name);
      }
    }
  });
});

describe('artifacts', () => {
  const { onnx, manifest } = fitAndCompile(families.garch_t.start('BTC', 86_400), train, meta);
  const packed = packArtifact(onnx, manifest);
  it('have one digest per spec and data', () => {
    const again = fitAndCompile(families.garch_t.start('BTC', 86_400), train, meta);
    expect(artifactDigest(packArtifact(again.onnx, again.manifest))).toBe(artifactDigest(packed));
  });
  it('come apart as they went together', () => {
    const opened = unpackArtifact(packed);
    expect(opened.manifest).toEqual(manifest);
    expect(Buffer.compare(opened.onnx, onnx)).toBe(0);
  });
  it('are refused when malformed, truncated or contradicting themselves', () => {
    const refused = expect.objectContaining({ code: 'SWARM_E_MODEL_REFUSED' });
    expect(() => unpackArtifact(packed.slice(1))).toThrow(refused);
    expect(() => unpackArtifact(packed.slice(0, 200))).toThrow(refused);
    const text = Buffer.from(packed).toString('latin1');
    const edit = (from: string, to: string) => () =>
      unpackArtifact(Buffer.from(text.replace(from, to), 'latin1'));
    expect(edit('"gjr":false', '"gjr":true ')).toThrow(refused);
    expect(edit('"step_s":300', '"step_s":3e2')).toThrow(refused);
    expect(() => packArtifact(onnx, { ...manifest, spec_digest: 'ab'.repeat(32) })).toThrow(refused);
  });
});

describe('running', () => {
  it('shares random numbers between models of one seed and repeats itself', async () => {
    const [a, b] = [await model(referenceSpec('BTC')), await model(referenceSpec('ETH'))];
    const request = {
      history: Float64Array.of(1, 1),
      start_s: 0,
      step_s: 60,
      steps: 10,
      paths: 10,
      seed: 's',
    };
    const [x, y] = [await a.sim.simulate(request), await b.sim.simulate(request)];
    expect(x.every((v, i) => Math.abs(Math.expm1(v) / 0.00541 - Math.expm1(y[i]) / 0.00766) < 1e-5)).toBe(
      true,
    );
    expect(await a.sim.simulate(request)).toEqual(x);
    expect(await a.sim.simulate({ ...request, seed: 't' })).not.toEqual(x);
  });
  it('fails on a wrong history instead of guessing', async () => {
    const { sim } = await model(referenceSpec('BTC'));
    const request = {
      history: Float64Array.of(1, 1, 1),
      start_s: 0,
      step_s: 60,
      steps: 2,
      paths: 2,
      seed: 's',
    };
    await expect(sim.simulate(request)).rejects.toMatchObject({ code: 'SWARM_E_MODEL_FAILED' });
    await expect(sim.simulate({ ...request, history: Float64Array.of(1, Infinity) })).rejects.toMatchObject({
      code: 'SWARM_E_MODEL_FAILED',
    });
  });
  it('starts the week on Monday, UTC', () => {
    const monday = Date.UTC(2025, 8, 29) / 1000;
    expect([...calendarFeatures(monday, 21_600, 2)].map((v) => Math.round(v * 1e3) / 1e3 + 0)).toEqual([
      0, 1, 0, 1, 0, 9840, 0, 1, 0, 0.223, 0.975, 360, 120, 0,
    ]);
  });
});
