// Trading time: a market that closes goes on from its last open bar, in the fit, natively and in the graph.
import { describe, expect, it } from 'vitest';
import { historyFor } from '../../forecast/bars.js';
import { openReturns } from '../../forecast/compose/trading-time.js';
import type { MemberFamily, TrainingData } from '../../forecast/families/family.js';
import { families, fitAndCompile, parseSpec, type Spec } from '../../forecast/families/index.js';
import { trainingGrid } from '../../forecast/fit/training.js';
import { openInProcess } from '../../forecast/onnx/index.js';
import { homeWeek } from '../../forecast/profile/home-week.js';
import { newestOpen_s } from '../../forecast/profile/index.js';
import { rng } from '../../forecast/rng.js';
import { garchPrices, MONDAY_S, STEP } from './composed-models.js';

const DAY_S = 86_400;
const meta = { data_cutoff_s: 1_700_000_000, dataset_digest: 'ab'.repeat(32), code_version: 'test' };
const SESSION = 96;
const SESSIONS = 80;
/** Open of a session's first bar after local midnight in New York, winter: 14:30 UTC. */
const OPEN_S = 14.5 * 3600;

/** Sessions of eight hours on weekdays, whose returns are those of one GARCH from session to session. */
function sessions(): TrainingData {
  const prices = garchPrices(SESSION * SESSIONS, 'sessions');
  const segments: Float64Array[] = [];
  const starts_s: number[] = [];
  for (let day = 0; segments.length < SESSIONS; day++) {
    if (day % 7 > 4) continue;
    segments.push(prices.slice(segments.length * SESSION, (segments.length + 1) * SESSION));
    starts_s.push(MONDAY_S + day * DAY_S + OPEN_S);
  }
  return { asset: 'AAPLX', step_s: STEP, segments, starts_s };
}
const train = sessions();
const grid = trainingGrid(train);
const names = (Object.keys(families) as Spec['family'][]).filter(
  (name) => families[name].choices?.['innovation'] !== undefined,
);

/** Log closes that an answer at start_s sees, NaN where there is none. */
function historyAt(start_s: number, bars: number): Float64Array {
  const end = (newestOpen_s(start_s, STEP) - grid.start_s) / STEP + 1;
  return Float64Array.from({ length: bars }, (_, k) => grid.logs[end - bars + k] ?? Number.NaN);
}

describe('a market with sessions', () => {
  it('counts a return where two bars follow each other in open hours', () => {
    const logs = Float64Array.of(0, 1, Number.NaN, 3, 5, 8);
    const factors = Float64Array.of(1, 2, 1, 1, 1e-3, 2);
    expect([...openReturns(logs, homeWeek('AAPLX'), factors)]).toEqual([0.5, 1.5]);
  });

  it('starts every composed family from its hours, and reads enough of the calendar', () => {
    for (const name of names) {
      const spec = families[name].start('AAPLX', DAY_S);
      expect((spec as { profile?: unknown }).profile).toEqual(homeWeek('AAPLX'));
      expect(families[name].wholeBars(spec, STEP)).toBe(1);
      expect(families[name].historyBars(spec, STEP)).toBeGreaterThan(
        6 * families[name].observedBars!(spec, STEP)!,
      );
    }
  });

  // Ten minutes before the close of a Tuesday, in the night, and on a Saturday.
  it.each([
    ['in the session', 71 * DAY_S + OPEN_S + 7.8 * 3600],
    ['at night', 71 * DAY_S + 3 * 3600],
    ['at the weekend', 75 * DAY_S + 12 * 3600],
  ])(
    'is simulated alike natively and in the graph: %s',
    async (_, after_s) => {
      const start_s = MONDAY_S + Math.round(after_s / STEP) * STEP;
      for (const name of names) {
        const first = families[name].start('AAPLX', 10_800) as Spec & { nu?: unknown };
        const spec = parseSpec({
          ...first,
          ...(name === 'ewma_t' ? { half_life_s: 7200 } : {}),
          scale: 0.9,
          dynamics: { kind: 'bounce', lags: 2, coefficients: [-0.1, 0.05] },
        });
        const { onnx, manifest } = fitAndCompile(spec, train, meta);
        const [steps, paths] = [180, 12];
        const history = historyAt(start_s, manifest.history_bars);
        const sim = await openInProcess(onnx);
        const request = { history, start_s, steps, paths };
        const got = await sim.simulate({ ...request, step_s: STEP, seed: 'hours' });
        await sim.close();
        const noise = [0, 1, 2, 3].map((k) => {
          const column = new Float32Array(steps * paths);
          rng(k === 0 ? 'hours' : `hours#${k}`).fillNormal(column);
          return column;
        });
        const part = (families[name] as MemberFamily<Spec>).part;
        const want = part.simulator(manifest.params, { spec, step_s: STEP })({ ...request, noise });
        const scale = Math.max(...want.map(Math.abs));
        const worst = want.reduce((m, v, k) => Math.max(m, Math.abs(v - got[k])), 0);
        expect(worst / scale, name).toBeLessThan(2e-5);
        expect(scale).toBeGreaterThan(0);
      }
    },
    60_000,
  );

  it('moves in open hours alone, by what the session before says', async () => {
    const spec = parseSpec({ ...families.garch_t.start('AAPLX', DAY_S), history_bars: 288 });
    const { onnx, manifest } = fitAndCompile(spec, train, meta);
    expect(manifest.history_gaps).toBe(true);
    expect(manifest.history_observed).toBe(288);
    const sim = await openInProcess(onnx);
    // Saturday noon to Sunday noon, and Monday midnight to Tuesday midnight.
    const spread = async (from_s: number) => {
      const start_s = MONDAY_S + from_s;
      const history = historyAt(start_s, manifest.history_bars);
      const paths = 500;
      const x = await sim.simulate({ history, start_s, step_s: STEP, steps: 288, paths, seed: 'open' });
      return Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / paths);
    };
    const [shut, open] = [await spread(75 * DAY_S + 12 * 3600), await spread(77 * DAY_S)];
    await sim.close();
    expect(shut).toBeLessThan(0.005 * open);
  });

  it('is refused a history of too few bars', () => {
    const open_s = train.segments.flatMap((run, r) =>
      Array.from(run, (_, i) => train.starts_s[r] + i * STEP),
    );
    const close = Float64Array.from(train.segments.flatMap((run) => Array.from(run, Math.exp)));
    const bars = { asset: 'AAPLX', step: STEP, open_s: Float64Array.from(open_s), close };
    const need = { history_bars: 3000, history_gaps: true as const, history_observed: 288 };
    const at = (sessions: number) => historyFor(bars, train.starts_s[sessions] + 3600, need);
    expect(at(20).filter((v) => !Number.isNaN(v)).length).toBeGreaterThan(288);
    expect(() => at(2)).toThrow(expect.objectContaining({ code: 'SWARM_E_BARS_TOO_FEW' }));
  });
});
