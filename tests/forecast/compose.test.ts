// Every combination of volatility, innovation, dynamics and profile fits, compiles, and follows its own law.
import { describe, expect, it } from 'vitest';
import type { Components, Dynamics, Innovation } from '../../forecast/compose/components.js';
import { composed } from '../../forecast/compose/compose.js';
import type { Volatility } from '../../forecast/compose/volatility.js';
import { constantVolatility } from '../../forecast/families/constant.js';
import { egarchVolatility } from '../../forecast/families/egarch-t.js';
import { ewmaVolatility } from '../../forecast/families/ewma-t.js';
import { garchVolatility } from '../../forecast/families/garch-t.js';
import { harVolatility } from '../../forecast/families/har-rv.js';
import { families, fitAndCompile, parseSpec } from '../../forecast/families/index.js';
import { logSvVolatility } from '../../forecast/families/log-sv.js';
import { recursionVolatility } from '../../forecast/families/recursion.js';
import { regimeVolatility } from '../../forecast/families/regime-t.js';
import { inspectModel } from '../../forecast/onnx/inspect.js';
import { bothWays, profile, STEP, train } from './composed-models.js';

const HORIZON_S = 86_400;
const innovations: readonly (Innovation | undefined)[] = [
  undefined,
  { kind: 'gaussian' },
  { kind: 'johnson_su', skew: 'fit', tail: 'fit' },
  { kind: 'mixture', components: 2 },
  { kind: 'mixture', components: 3, jumps: { per_day: 1, size: 4 } },
  { kind: 'historical', block: 1 },
  { kind: 'historical', block: 12, jumps: { per_day: 'fit', size: 'fit' } },
  { kind: 'student_t', nu: 'fit', jumps: { per_day: 'fit', size: 'fit' } },
];
const dynamics: readonly (Dynamics | undefined)[] = [
  undefined,
  { kind: 'bounce', lags: 3, coefficients: 'fit' },
  { kind: 'bounce', lags: 1, coefficients: [-0.2] },
];

/** A volatility that fits each set of returns once: the product below asks for the same fit again and again. */
function remembering<S extends Components, P extends object>(volatility: Volatility<S, P>): Volatility<S, P> {
  const known = new Map<string, { readonly params: P; readonly nu?: number }>();
  return {
    ...volatility,
    fit(data, returns, spec, nu) {
      const key = `${returns.variance}/${nu}`;
      const found = known.get(key) ?? volatility.fit(data, returns, spec, nu);
      known.set(key, found);
      return found;
    },
  };
}

async function product<S extends Components, P extends object>(original: Volatility<S, P>): Promise<void> {
  const volatility = remembering(original) as unknown as Volatility<S, Record<string, number>>;
  const family = composed(volatility);
  const { nu: _nu, ...start } = volatility.start('BTC', HORIZON_S);
  for (const innovation of innovations)
    for (const dynamic of dynamics)
      for (const season of [undefined, profile]) {
        const spec = volatility.schema.parse({
          ...start,
          scale: 0.9,
          ...(innovation ? { innovation } : { nu: 'fit' }),
          ...(dynamic ? { dynamics: dynamic } : {}),
          ...(season ? { profile: season } : {}),
        });
        const fitted = family.fit(train, spec);
        const { got, want } = await bothWays(volatility, spec, fitted, { steps: 30, paths: 20 });
        const scale = Math.max(...want.map(Math.abs));
        const worst = want.reduce((m, v, k) => Math.max(m, Math.abs(v - got[k])), 0);
        expect(worst / scale, JSON.stringify(spec)).toBeLessThan(2e-5);
      }
}

describe('the graph and the native walk agree path by path for every combination', () => {
  it('ewma_t', () => product(ewmaVolatility), 20_000);
  it('garch_t', () => product(garchVolatility), 20_000);
  it('constant', () => product(constantVolatility), 20_000);
  it('egarch_t', () => product(egarchVolatility), 20_000);
  it('har_rv', () => product(harVolatility), 20_000);
  it('log_sv', () => product(logSvVolatility), 20_000);
  it('regime_t', () => product(regimeVolatility), 20_000);
  it('recursion', () => product(recursionVolatility), 20_000);
});

describe('public families', () => {
  const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
  const rich = {
    innovation: { kind: 'historical', block: 6, jumps: { per_day: 'fit', size: 'fit' } },
    dynamics: { kind: 'bounce', lags: 5, coefficients: 'fit' },
    profile,
  };
  it.each(
    (Object.keys(families) as (keyof typeof families)[]).filter(
      (name) => families[name].choices?.['innovation'],
    ),
  )('%s fits its level, and compiles within the limits', (name) => {
    const { nu: _nu, ...start } = families[name].start('BTC', HORIZON_S) as Record<string, unknown>;
    const spec = parseSpec({ ...start, ...rich });
    const { onnx, manifest } = fitAndCompile(spec, train, meta);
    expect(inspectModel(onnx).nodes).toBeLessThan(200);
    expect(manifest.params['scale']).toBeGreaterThan(0.6);
    expect(manifest.params['scale']).toBeLessThan(1.4);
    expect(JSON.stringify(manifest).length).toBeLessThan(65_536);
    expect(STEP).toBe(manifest.step_s);
  });
});
