// Fits of volatilities and components find what made the data, and refuse what cannot be fitted.
// Seeds are fixed; tolerances are several standard errors of such fits, narrow against what would be a wrong formula.
import { describe, expect, it } from 'vitest';
import { bounceOf, bouncePath } from '../../forecast/compose/bounce.js';
import type { Components } from '../../forecast/compose/components.js';
import { fitShape } from '../../forecast/compose/fit-shape.js';
import { columnsOf, shapeOf } from '../../forecast/compose/shape.js';
import type { Volatility } from '../../forecast/compose/volatility.js';
import { egarchVolatility } from '../../forecast/families/egarch-t.js';
import type { Fitted } from '../../forecast/families/family.js';
import { harVolatility } from '../../forecast/families/har-rv.js';
import { families, fitAndCompile, parseSpec } from '../../forecast/families/index.js';
import { logSvVolatility } from '../../forecast/families/log-sv.js';
import { regimeVolatility } from '../../forecast/families/regime-t.js';
import { innovation } from '../../forecast/fit/student.js';
import { rng } from '../../forecast/rng.js';
import { garchPrices, STEP, train, trainingOn } from './composed-models.js';

const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };

/** Log prices of n + 1 bars from a volatility's own walk at rest, with t shocks of nu. */
function walked<S extends Components, P>(volatility: Volatility<S, P>, params: P, nu: number, n: number) {
  const spec = volatility.start('BTC', 86_400);
  const walker = volatility.law(params, { spec, step_s: STEP }).start().walker();
  const [z, own] = [rng(`${volatility.name} shocks`), rng(`${volatility.name} own`)];
  const shape = innovation(nu);
  const out = new Float64Array(n + 1);
  for (let h = 0; h < n; h++) out[h + 1] = out[h] + 1e-3 * walker.step(shape(z.normal()), own.normal(), h);
  return out;
}
function fitted(name: 'egarch_t' | 'log_sv' | 'regime_t' | 'har_rv', prices: Float64Array) {
  const spec = { ...families[name].start('BTC', 7200), scale: 1 };
  return fitAndCompile(spec, trainingOn(prices), meta).manifest.params as Record<string, number>;
}

describe('volatilities recover what made the data', () => {
  it('egarch_t', () => {
    const truth = { alpha: 0.15, gamma: -0.06, beta: 0.97, mean: 0, size: 0.735, variance: 1 };
    const p = fitted('egarch_t', walked(egarchVolatility, truth, 6, 12_000));
    expect(Math.abs(p['alpha'] - 0.15)).toBeLessThan(0.03);
    expect(Math.abs(p['gamma'] + 0.06)).toBeLessThan(0.02);
    expect(Math.abs(p['beta'] - 0.97)).toBeLessThan(0.015);
    expect(Math.abs(p['nu'] - 6)).toBeLessThan(1.2);
  });

  it('log_sv', () => {
    const truth = { mean: 0, persistence: 0.985, spread: 0.8, gain: 0, centre: 0, error: 0.8, variance: 1 };
    const p = fitted('log_sv', walked(logSvVolatility, truth, 200, 20_000));
    expect(Math.abs(Math.log(p['persistence']) / Math.log(0.985) - 1)).toBeLessThan(0.5);
    expect(Math.abs(p['spread'] - 0.8)).toBeLessThan(0.15);
    // What an average of past squares leaves unknown is less than all, and more than nothing.
    expect(p['error']).toBeGreaterThan(0.15);
    expect(p['error']).toBeLessThan(0.65);
  });

  it('regime_t', () => {
    const truth = { low: 0.5, high: 4, enter: 0.01, leave: 0.04, filter_nu: 8, variance: 1 };
    const p = fitted('regime_t', walked(regimeVolatility, truth, 8, 12_000));
    expect(Math.abs(p['high'] / p['low'] / 8 - 1)).toBeLessThan(0.25);
    expect(Math.abs(Math.log(p['enter'] / 0.01))).toBeLessThan(0.5);
    expect(Math.abs(Math.log(p['leave'] / 0.04))).toBeLessThan(0.5);
    expect(Math.abs(p['nu'] - 8)).toBeLessThan(3);
  });

  it('har_rv forecasts the variance of GARCH returns without bias', () => {
    const prices = garchPrices(12_000, 'har');
    const spec = harVolatility.start('BTC', 7200);
    const runs = [prices.subarray(1).map((v, i) => v - prices[i])];
    const returns = {
      runs,
      count: runs[0].length,
      variance: runs[0].reduce((s, r) => s + r * r, 0) / 12_000,
    };
    const { params } = harVolatility.fit(trainingOn(prices), returns, spec, 'fit');
    const seen = harVolatility.law(params, { spec, step_s: STEP }).filter(runs);
    let [sum, count] = [0, 0];
    for (let i = 200; i + 24 < runs[0].length; i += 5) {
      const block = { lead: 0, length: 24 };
      const actual = runs[0].subarray(i + 1, i + 25).reduce((s, r) => s + r * r, 0);
      sum += actual / seen.blockVariance(0, i, block);
      count++;
    }
    // Unbiased by construction on the origins it was fitted to.
    expect(Math.abs(sum / count - 1)).toBeLessThan(0.05);
    expect(params.coefficients.slice(0, 4).reduce((a, b) => a + b, 0)).toBeGreaterThan(0.5);
  });

  it('ewma_t gives the weight to the half-life that the data have', () => {
    // GARCH forgets within an hour: an average of a day's half-life sees none of it.
    const spec = parseSpec({
      family: 'ewma_t',
      horizon_s: 7200,
      half_lives_s: [3000, 86_400],
      scale: 1,
      nu: 'fit',
    });
    const shares = fitAndCompile(spec, trainingOn(garchPrices(12_000, 'speeds')), meta).manifest.params[
      'shares'
    ];
    expect((shares as number[])[0]).toBeGreaterThan(0.5);
    expect((shares as number[]).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
  });
});

describe('innovations', () => {
  const draws = (spec: Components['innovation'] & object, params: Fitted, n: number): Float64Array => {
    const columns = columnsOf(spec, false);
    const z = Array.from({ length: columns.count }, (_, k) => {
      const column = new Float32Array(n);
      rng(`draws ${k}`).fillNormal(column);
      return column;
    });
    const out = new Float64Array(n);
    shapeOf(spec, params, columns, STEP).draw(z, out);
    return out;
  };
  const jumps = { per_day: 'fit', size: 'fit' } as const;
  const cases = [
    [{ kind: 'student_t', nu: 'fit' }, { nu: 5 }, { nu: 0.6 }],
    [
      { kind: 'johnson_su', skew: 'fit', tail: 'fit' },
      { skew: 0.3, tail: 1.5 },
      { skew: 0.08, tail: 0.12 },
    ],
    [
      { kind: 'mixture', components: 2 },
      { mixture_weights: [0.8, 0.2], mixture_sizes: [0.7, 1.7435595774162693] },
      { mixture_weights: 0.06, mixture_sizes: 0.15 },
    ],
    [
      { kind: 'gaussian', jumps },
      { jump_per_day: 4, jump_size: 9 },
      { jump_per_day: 0.6, jump_size: 0.8 },
    ],
  ] as const;
  it.each(cases)('%j are recovered, with mean 0 and variance 1', (spec, truth, within) => {
    const sample = draws(spec, truth, 40_000);
    const mean = sample.reduce((a, b) => a + b, 0) / sample.length;
    const variance = sample.reduce((s, e) => s + e * e, 0) / sample.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.15);
    const found = fitShape(train, spec, sample);
    // Residuals of another size have the same shape, and their size is told.
    if (spec.kind !== 'student_t') {
      const wide = fitShape(
        train,
        spec,
        sample.map((e) => 3 * e),
      );
      expect(Math.abs((wide['residual_size'] as number) / 3 - 1)).toBeLessThan(0.1);
    }
    for (const [name, value] of Object.entries(truth) as [string, number | readonly number[]][])
      [value].flat().forEach((v, k) => {
        const off = Math.abs(([found[name]].flat()[k] as number) - v);
        expect(off, name).toBeLessThan((within as Record<string, number>)[name]);
      });
  });

  it.each([1, 12])('historical blocks of %i repeat the residuals’ law', (block) => {
    const spec = { kind: 'historical', block } as const;
    const past = draws({ kind: 'johnson_su', skew: 0.5, tail: 1.5 }, { skew: 0.5, tail: 1.5 }, 4000);
    const again = draws(spec, fitShape(train, spec, past), 200_000);
    const quantile = (x: Float64Array, p: number) => x.slice().sort()[Math.floor(p * x.length)];
    for (const p of [0.01, 0.1, 0.5, 0.9, 0.99])
      expect(Math.abs(quantile(again, p) - quantile(past, p))).toBeLessThan(0.12);
    const autocorrelation = again.reduce((s, e, i) => s + (i > 0 ? e * again[i - 1] : 0), 0) / again.length;
    expect(Math.abs(autocorrelation)).toBeLessThan(0.04);
  });
});

describe('bounce', () => {
  it('is recovered, keeps the variance, and is nothing for noise', () => {
    const z = rng('bounce');
    const x = Float64Array.from({ length: 20_000 }, () => z.normal());
    const noise = trainingOn(sums(x));
    const e = x.slice();
    bouncePath(e, bounceOf([-0.25, 0.1]), [0, 0]);
    expect(Math.abs(e.reduce((s, v) => s + v * v, 0) / e.length - 1)).toBeLessThan(0.03);
    const spec = { ...families.constant.start('BTC', 7200), scale: 1 };
    const of = (data: typeof noise) =>
      fitAndCompile(
        parseSpec({ ...spec, dynamics: { kind: 'bounce', lags: 2, coefficients: 'fit' } }),
        data,
        meta,
      ).manifest.params['bounce'] as number[];
    const found = of(trainingOn(sums(e)));
    // Standard error 0.007.
    expect(Math.abs(found[0] + 0.25)).toBeLessThan(0.025);
    expect(Math.abs(found[1] - 0.1)).toBeLessThan(0.025);
    for (const c of of(noise)) expect(Math.abs(c)).toBeLessThan(0.02);
  });
});

describe('bad input', () => {
  const rich = {
    innovation: { kind: 'johnson_su', skew: 'fit', tail: 'fit' },
    dynamics: { kind: 'bounce', lags: 2, coefficients: 'fit' },
  };
  const names = (Object.keys(families) as (keyof typeof families)[]).filter(
    (n) => families[n].choices?.['innovation'],
  );
  it.each(names)('%s refuses constant, broken and scarce prices', (name) => {
    const { nu: _nu, ...start } = families[name].start('BTC', 7200) as Record<string, unknown>;
    const spec = parseSpec({ ...start, ...rich });
    const on = (segment: Float64Array) => () => fitAndCompile(spec, trainingOn(segment), meta);
    const failed = expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' });
    const prices = train.segments[0];
    expect(on(new Float64Array(5000).fill(11))).toThrow(failed);
    expect(on(prices.slice().fill(Number.NaN, 7, 8))).toThrow(failed);
    expect(on(prices.slice(0, 300))).toThrow(expect.objectContaining({ code: 'SWARM_E_BARS_TOO_FEW' }));
  });

  it('jumps that never happened are not made up', () => {
    const z = rng('calm');
    const calm = trainingOn(sums(Float64Array.from({ length: 3000 }, () => z.normal())));
    const spec = parseSpec({
      family: 'constant',
      horizon_s: 7200,
      scale: 1,
      innovation: { kind: 'gaussian', jumps: { per_day: 'fit', size: 'fit' } },
    });
    expect(() => fitAndCompile(spec, calm, meta)).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' }),
    );
  });

  it.each([
    { nu: 'fit', innovation: { kind: 'gaussian' } },
    {},
    { innovation: { kind: 'cauchy' } },
    { innovation: { kind: 'mixture', components: 4 } },
    { innovation: { kind: 'historical', block: 289 } },
    { innovation: { kind: 'student_t', nu: 2 } },
    { innovation: { kind: 'gaussian', jumps: { per_day: -1, size: 2 } } },
    { nu: 5, dynamics: { kind: 'bounce', lags: 6, coefficients: 'fit' } },
    { nu: 5, dynamics: { kind: 'bounce', lags: 2, coefficients: [0.1] } },
    { nu: 5, dynamics: { kind: 'bounce', lags: 2, coefficients: [0.45, -0.45] } },
  ])('refuses %j', (components) => {
    const spec = { family: 'constant', horizon_s: 7200, scale: 1, ...components };
    expect(() => parseSpec(spec)).toThrow(expect.objectContaining({ code: 'SWARM_E_SPEC_INVALID' }));
  });

  it('parameters of another innovation are not compiled', () => {
    const spec = parseSpec({ family: 'constant', horizon_s: 7200, scale: 1, nu: 5 });
    const compile = (params: Fitted) => () => families.constant.compile(params, { spec, step_s: STEP });
    const refused = expect.objectContaining({ code: 'SWARM_E_SPEC_INVALID' });
    expect(compile({ variance: 1, scale: 1, skew: 0, tail: 1 })).toThrow(refused);
    expect(compile({ variance: 1, scale: 1, nu: 5, beta: 0.5 })).toThrow(refused);
  });
});

function sums(returns: Float64Array): Float64Array {
  const out = new Float64Array(returns.length + 1);
  for (let i = 0; i < returns.length; i++) out[i + 1] = out[i] + 1e-3 * returns[i];
  return out;
}
