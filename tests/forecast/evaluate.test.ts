// Judging: gains with honest errors on made numbers, and the order of models on recorded markets.
import { describe, expect, it } from 'vitest';
import { type Bars, segments } from '../../forecast/bars.js';
import { evaluate } from '../../forecast/evaluate.js';
import {
  families,
  fitAndCompile,
  referenceSpec,
  type Spec,
  yardstickSpec,
} from '../../forecast/families/index.js';
import { openInProcess } from '../../forecast/onnx/index.js';
import { rng } from '../../forecast/rng.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { usableWindows, windowStarts } from '../../forecast/windows.js';
import { HIGH, LOW } from './competitions.js';
import { readRecorded, recordedFile } from './recorded-bars.js';

describe('pairedGain', () => {
  it('is the relative difference of means, with its standard error', () => {
    const g = pairedGain(Float64Array.of(10, 12, 14, 12), Float64Array.of(9, 12, 12, 11), { lag: 0 });
    expect(g).toMatchObject({ n: 4, mean_base: 12, mean_model: 11 });
    expect(g.gain).toBeCloseTo(1 / 12, 14);
    // differences 1 0 2 1: variance 0.5 (divided by n), so se = sqrt(0.5 / 4) / 12
    expect(g.se).toBeCloseTo(Math.sqrt(0.125) / 12, 14);
  });
  it('widens when windows repeat each other and the lag says so', () => {
    const z = rng('pairs');
    const base = new Float64Array(400).fill(100);
    const each = Array.from({ length: 100 }, () => 99 + z.normal());
    const model = Float64Array.from({ length: 400 }, (_, i) => each[i >> 2]);
    const [naive, honest] = [0, 12].map((lag) => pairedGain(base, model, { lag }).se);
    expect(honest / naive).toBeGreaterThan(1.5);
  });
  it('is zero for a model against itself, and refuses what has no answer', () => {
    const x = Float64Array.of(1, 2, 3);
    expect(pairedGain(x, x, { lag: 1 })).toMatchObject({ gain: 0, t: 0, se: 0 });
    const bad: [Float64Array, Float64Array][] = [
      [Float64Array.of(1), Float64Array.of(1)],
      [x, Float64Array.of(1, 2, Number.NaN)],
      [x, Float64Array.of(1, 2)],
    ];
    for (const [a, b] of bad) {
      expect(() => pairedGain(a, b, { lag: 0 })).toThrow(
        expect.objectContaining({ code: 'SWARM_E_SCORE_INPUT' }),
      );
    }
  });
});

describe('evaluate', () => {
  it('does not change when the future of the window changes the past it must not see', async () => {
    const n = 400;
    const z = rng('bars');
    let log = 5;
    const close = Float64Array.from({ length: n }, () => {
      log += 1e-3 * z.normal();
      return Math.exp(log);
    });
    const b: Bars = {
      asset: 'X',
      step: 60,
      open_s: Float64Array.from({ length: n }, (_, i) => i * 60),
      close,
    };
    const t0 = 300 * 60;
    const asked: Float64Array[] = [];
    const spy = {
      simulate: async (req: { history: Float64Array; steps: number; paths: number }) => {
        asked.push(req.history);
        return new Float32Array(req.steps * req.paths);
      },
      close: async () => undefined,
    };
    const competition = { horizon_s: 3600, increment_s: 60, intervals: HIGH };
    await evaluate(spy, b, [t0], competition, { paths: 2, model: { history_bars: 3 }, seedOf: String });
    // Closed by t0 - 60: the last visible bar opened two minutes before t0.
    expect([...asked[0]]).toEqual([296, 297, 298].map((i) => Math.log(close[i])));
  });
});

const DAY = 86_400;
async function gains(b: Bars, horizon_s: number, trainDays: number, specs: Spec[], base: Spec) {
  const end = b.open_s[b.open_s.length - 1];
  const from = end - 40 * DAY;
  const lo = b.open_s.findIndex((t) => t >= from - trainDays * DAY);
  const hi = b.open_s.findIndex((t) => t >= from - horizon_s);
  const past: Bars = { ...b, open_s: b.open_s.subarray(lo, hi), close: b.close.subarray(lo, hi) };
  const runs = segments(past).map((s) => past.close.slice(s.from, s.to).map(Math.log));
  const train = { asset: b.asset, step_s: b.step, segments: runs, starts_s: runs.map((_, i) => i) };
  const meta = { data_cutoff_s: from, dataset_digest: '0'.repeat(64), code_version: 'test' };
  const increment_s = b.step;
  const plan = { stride_s: 3600, horizon_s, max: horizon_s === DAY ? 40 : 150 };
  const starts = usableWindows(b, windowStarts(from, end, plan), { history: 2600, horizon_s, increment_s });
  const competition = { horizon_s, increment_s, intervals: horizon_s === DAY ? LOW : HIGH };
  const scored: Float64Array[] = [];
  for (const spec of [base, ...specs]) {
    const { onnx, manifest } = fitAndCompile(spec, train, meta);
    const sim = await openInProcess(onnx);
    const opts = { paths: 400, model: manifest, seedOf: (t0: number) => `w${t0}` };
    scored.push(await evaluate(sim, b, starts, competition, opts));
    await sim.close();
  }
  return scored.slice(1).map((s) => pairedGain(scored[0], s, { lag: 3 }));
}

describe('on recorded BTC, out of sample', () => {
  const five = recordedFile('BTC', 5);
  const one = recordedFile('BTC', 1);
  it.skipIf(!five)(
    'ewma_t and garch_t beat the reference over 24 h [needs recorded bars]',
    { timeout: 60_000 },
    async () => {
      const specs = [
        yardstickSpec('BTC', DAY),
        families.ewma_t.start('BTC', DAY),
        families.garch_t.start('BTC', DAY),
      ];
      const found = await gains(readRecorded(five!, 'BTC', 5), DAY, 90, specs, referenceSpec('BTC'));
      console.info(
        '24h',
        found.map(
          (g) =>
            `${(100 * g.gain).toFixed(2)} +- ${(100 * g.se).toFixed(2)}% of ${g.mean_base.toFixed(0)}, n ${g.n}`,
        ),
      );
      for (const g of found) expect(g.gain).toBeGreaterThan(0);
    },
  );
  it.skipIf(!one)(
    'ewma_t and garch_t beat the reference over 1 h [needs recorded bars]',
    { timeout: 60_000 },
    async () => {
      const specs = [
        yardstickSpec('BTC', 3600),
        families.ewma_t.start('BTC', 3600),
        families.garch_t.start('BTC', 3600),
      ];
      const found = await gains(readRecorded(one!, 'BTC', 1), 3600, 28, specs, referenceSpec('BTC'));
      console.info(
        '1h',
        found.map(
          (g) =>
            `${(100 * g.gain).toFixed(2)} +- ${(100 * g.se).toFixed(2)}% of ${g.mean_base.toFixed(0)}, n ${g.n}`,
        ),
      );
      for (const g of found) expect(g.gain).toBeGreaterThan(0);
    },
  );
});
