// Recursions as models: the fit, what is refused after it, and the graph against the native walk.
import { describe, expect, it } from 'vitest';
import { composed } from '../../forecast/compose/compose.js';
import { garchVolatility } from '../../forecast/families/garch-t.js';
import { families, fitAndCompile, parseSpec } from '../../forecast/families/index.js';
import { recursionSchema, recursionVolatility } from '../../forecast/families/recursion.js';
import { trainingReturns } from '../../forecast/fit/training.js';
import { buildModel } from '../../forecast/onnx/graph.js';
import { openInProcess } from '../../forecast/onnx/index.js';
import { inspectModel } from '../../forecast/onnx/inspect.js';
import { checkedProgram } from '../../forecast/recursion/checker.js';
import { compiled } from '../../forecast/recursion/compile.js';
import { fitRecursion } from '../../forecast/recursion/fit.js';
import { statesAfter } from '../../forecast/recursion/graph.js';
import { PROGRAMS } from '../../forecast/recursion/library.js';
import { machine } from '../../forecast/recursion/machine.js';
import { rng } from '../../forecast/rng.js';
import { bothWays, garchPrices, STEP, train, trainingOn } from './composed-models.js';
import { randomProgram } from './recursion-programs.js';

const DAY = 86_400;
const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
const family = composed(recursionVolatility);
const specOf = (program: string, more: object = {}) =>
  recursionSchema.parse({
    family: 'recursion',
    horizon_s: DAY,
    history_bars: 256,
    scale: 0.9,
    nu: 'fit',
    ...more,
    program,
  });

const GARCH = `param p = 0.9 in [0.5, 0.9999]
param s = 0.1 in [0.003, 0.6]
state v = 1 in [1e-4, 1e4]
v' = (1 - p) + p * (s * r^2 + (1 - s) * v)
variance = v`;

describe('a GARCH written as a program', () => {
  const returns = trainingReturns(train);
  const spec = specOf(GARCH);
  const garchSpec = { ...garchVolatility.start('BTC', DAY), history_bars: 256 };
  const garch = garchVolatility.fit(train, returns, garchSpec, 'fit');
  const mine = recursionVolatility.fit(train, returns, spec, 'fit');
  const [p, s] = mine.params.values as [number, number];
  const law = recursionVolatility.law(mine.params, { spec, step_s: STEP }).filter(returns.runs);
  const wanted = garchVolatility.law(garch.params, { spec: garchSpec, step_s: STEP }).filter(returns.runs);
  it('gets the parameters of garch_t', () => {
    expect(Math.abs(p * s - garch.params.alpha)).toBeLessThan(5e-4);
    expect(Math.abs(p * (1 - s) - garch.params.beta)).toBeLessThan(1e-3);
    expect(Math.abs((mine.nu ?? 0) / (garch.nu ?? 1) - 1)).toBeLessThan(5e-3);
  });
  it('sees the variances of garch_t', () => {
    let worst = 0;
    law.variance[0]?.forEach((v, i) => {
      if (Number.isFinite(v)) worst = Math.max(worst, Math.abs(v / (wanted.variance[0]?.[i] ?? 0) - 1));
    });
    expect(worst).toBeLessThan(0.01);
  });
  it('expects what garch_t knows in closed form', () => {
    const garchParams = { alpha: 0.08, gamma: 0, beta: 0.89, variance: returns.variance };
    const params = { values: [0.97, 0.08 / 0.97], shock_nu: 6, variance: returns.variance };
    const known = garchVolatility.law(garchParams, { spec: garchSpec, step_s: STEP }).filter(returns.runs);
    const mine = recursionVolatility.law(params, { spec, step_s: STEP }).filter(returns.runs);
    for (const [lead, length] of [
      [0, 1],
      [10, 30],
      [0, 288],
    ] as const)
      for (const i of [300, 2000, 4500]) {
        const want = known.blockVariance(0, i, { lead, length });
        expect(Math.abs(mine.blockVariance(0, i, { lead, length }) / want - 1)).toBeLessThan(0.02);
      }
  });
});

describe('fits', () => {
  it.each(Object.entries(PROGRAMS))('%s settles, and fits its level', (_name, program) => {
    const spec = parseSpec({ ...families.recursion.start('BTC', DAY), program });
    const { manifest, onnx } = fitAndCompile(spec, train, meta);
    expect(manifest.params['scale']).toBeGreaterThan(0.7);
    expect(manifest.params['scale']).toBeLessThan(1.3);
    expect(inspectModel(onnx).nodes).toBeLessThan(100);
    const { params } = checkedProgram(program);
    params.forEach(({ lo, hi }, i) => {
      const value = (manifest.params['values'] as number[])[i] as number;
      expect(value >= lo && value <= hi).toBe(true);
    });
  });
  it('take 90 days of bars in little time', () => {
    const long = trainingOn(garchPrices(26_000, 'long'));
    const begun = performance.now();
    recursionVolatility.fit(long, trainingReturns(long), specOf(GARCH), 'fit');
    expect(performance.now() - begun).toBeLessThan(5000);
  });
  it('leave a program without parameters as it is, and take constant variances', () => {
    const spec = specOf("state v = 1; v' = v; variance = v", { nu: 5 });
    expect(family.fit(train, spec)).toMatchObject({ values: [], nu: 5, scale: 0.9 });
  });
  it('say so when they do not converge', () => {
    const fitted = (budget?: number) => () =>
      fitRecursion(train, trainingReturns(train), checkedProgram(PROGRAMS.two_components), 'fit', budget);
    expect(fitted(8000 * 20 * 60)).toThrow(
      expect.objectContaining({
        code: 'SWARM_E_FIT_FAILED',
        message: expect.stringMatching(/the recursion \(6 parameters, \d+ evaluations\) did not converge/),
      }),
    );
  });
  it('refuse values of another program', () => {
    const spec = specOf(GARCH);
    const fitted = { values: [0.9], shock_nu: 5, variance: 1e-6, nu: 5, scale: 1 };
    for (const values of [[0.9], [0.9, 0.1, 0.1], [0.2, 0.1]])
      expect(() => family.compile({ ...fitted, values }, { spec, step_s: STEP })).toThrow(
        expect.objectContaining({ code: 'SWARM_E_SPEC_INVALID' }),
      );
  });
});

describe('recursions that do not settle are refused', () => {
  it.each([
    [
      'explodes',
      "state v = 1 in [1e-4, 1e4]; v' = 0.1 + 0.4*r^2 + 0.95*v; variance = v",
      /v is held at its bound 10000 on \d+%.*explodes/,
    ],
    [
      'multiplies itself',
      "state v = 2 in [1e-4, 1e4]; v' = v^8*1e12; variance = v",
      /v is held at its bound 10000/,
    ],
    [
      'freezes',
      "state v = 1 in [0.01, 1e4]; v' = 0.5*v; variance = v",
      /v is held at its bound 0.01 on 100%.*freezes/,
    ],
    [
      'wanders off',
      "state l = 0 in [-30, 30]; l' = l + 0.2*z; variance = exp(l)",
      /held at its bound|factor of/,
    ],
    [
      'drifts',
      "state l = 0 in [-30, 30]; l' = l + 0.004; variance = exp(l)",
      /mean variance moves by a factor of/,
    ],
    [
      'has no variance left',
      "state v = 1; v' = 1 + 0*z; variance = v - 5",
      /variance is held at its bound 0.000001/,
    ],
    [
      'chatters between its bounds',
      "state v = 1 in [0.1, 10]; v' = 100 * (v < 5); variance = v",
      /v is held at its bound/,
    ],
  ])('%s', (_what, program, why) => {
    const begun = performance.now();
    expect(() => family.fit(train, specOf(program, { nu: 5 }))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED', message: expect.stringMatching(why) }),
    );
    expect(performance.now() - begun).toBeLessThan(3000);
  });
  it('also when fitted there', () => {
    const program = `param b = 1.2 in [1.1, 1.5]\nstate v = 1 in [1e-4, 1e4]\nv' = 0.1 + b*v + 0.1*r^2\nvariance = v`;
    expect(() => family.fit(train, specOf(program))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_FIT_FAILED' }),
    );
  });
});

/** Fitted values at the starts of the program. */
const atStart = (program: string) => ({
  values: checkedProgram(program).params.map((p) => p.start),
  shock_nu: 5,
  variance: 1.3e-6,
  nu: 5,
  scale: 0.9,
});

describe('the graph and the native walk agree', () => {
  it.each(Object.entries(PROGRAMS))('on every path of %s', async (_name, program) => {
    const spec = specOf(program);
    const { got, want } = await bothWays(recursionVolatility, spec, atStart(program), {
      steps: 60,
      paths: 60,
    });
    const scale = Math.max(...want.map(Math.abs));
    const worst = want.reduce((m, v, k) => Math.max(m, Math.abs(v - (got[k] ?? 0))), 0);
    expect(worst / scale).toBeLessThan(2e-5);
  });

  it('for 40 random programs: to 1e-3 on 99 of 100 paths', async () => {
    const shares: number[] = [];
    for (let k = 0; k < 40; k++) {
      const program = randomProgram(`graph ${k}`);
      const spec = specOf(program, { history_bars: 64 });
      const [steps, paths] = [25, 40];
      const { got, want } = await bothWays(recursionVolatility, spec, atStart(program), { steps, paths });
      const scale = Math.max(...want.map(Math.abs));
      let near = 0;
      for (let i = 0; i < paths; i++) {
        let worst = 0;
        for (let h = 0; h < steps; h++)
          worst = Math.max(worst, Math.abs((want[h * paths + i] ?? 0) - (got[h * paths + i] ?? 0)));
        near += Number(worst / scale < 1e-3);
      }
      shares.push(near / paths);
      expect(got.every(Number.isFinite)).toBe(true);
    }
    expect(Math.min(...shares)).toBeGreaterThan(0.9);
    expect(shares.reduce((a, b) => a + b, 0) / shares.length).toBeGreaterThan(0.99);
  });

  it('over the history in double precision, for random programs', async () => {
    const bars = 80;
    const history = new Float64Array(bars);
    const random = rng('history');
    for (let i = 1; i < bars; i++) history[i] = (history[i - 1] as number) + random.normal();
    for (let k = 0; k < 40; k++) {
      const program = checkedProgram(randomProgram(`history ${k}`));
      const tape = compiled(
        program,
        program.params.map((p) => p.start),
      );
      const m = machine(tape);
      for (let i = 1; i < bars; i++) {
        m.open();
        const r = (history[i] as number) - (history[i - 1] as number);
        m.close(r, r / m.deviation());
      }
      const model = buildModel(bars, (g) => {
        const slice = (from: number, to: number) =>
          g.op('Slice', ['history', g.ints([from], [1]), g.ints([to], [1])]);
        const states = statesAfter(g, tape, g.op('Sub', [slice(1, bars), slice(0, bars - 1)]));
        const column = g.op('Unsqueeze', [g.op('Concat', states, { axis: 0 }), g.ints([1], [1])]);
        return g.op('Cast', [column], { to: 1 });
      });
      const sim = await openInProcess(model);
      const steps = m.states.length;
      const got = await sim.simulate({ history, start_s: 0, step_s: STEP, steps, paths: 1, seed: 'x' });
      await sim.close();
      m.states.forEach((v, i) => {
        expect(Math.abs((got[i] as number) - v)).toBeLessThan(1e-6 * Math.max(1, Math.abs(v)));
      });
    }
  });
});
