// ewma_t: exponentially weighted variance of one or several speeds, held (or pulled back to its long-run level).
// Promises: with numbers for scale and nu, one or two given speeds and no reversion, nothing is fitted and no bars are read.
// Leaves to others: variance that reacts inside the horizon (garch_t), and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import type { Law, Volatility } from '../compose/volatility.js';
import { ForecastError } from '../errors.js';
import { fitSpeedShares } from '../fit/speeds.js';
import { MAX_HISTORY_BARS } from '../onnx/contract.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { blockVariance, ewmaStates, type Speed } from './ewma-states.js';
import { stepNumbers, toFloat, total } from './innovation.js';

const halfLife = z
  .number()
  .min(60)
  .max(30 * 86_400);
export const ewmaTSchema = z
  .strictObject({
    family: z.literal('ewma_t'),
    ...componentFields,
    half_life_s: halfLife.optional(),
    /** A second, slower variance, and its share of the sum. Both or neither. */
    half_life_slow_s: halfLife.optional(),
    mix: z.number().min(0).max(1).optional(),
    /** Instead of half_life_s: several, ascending, whose shares of the sum are fitted. */
    half_lives_s: z.array(halfLife).min(2).max(5).optional(),
    /** Time in which the variance comes half-way back to the training mean; absent: it stays. */
    revert_half_life_s: halfLife.optional(),
  })
  .refine(namesOneInnovation, ONE_INNOVATION)
  .refine((s) => (s.half_life_s === undefined) !== (s.half_lives_s === undefined), {
    message: 'give exactly one of half_life_s and half_lives_s',
  })
  .refine((s) => s.half_lives_s?.every((v, i, all) => i === 0 || v > all[i - 1]) ?? true, {
    message: 'half_lives_s must ascend',
  })
  .refine((s) => (s.half_life_slow_s === undefined) === (s.mix === undefined), {
    message: 'half_life_slow_s and mix come together',
  })
  .refine((s) => s.half_life_slow_s === undefined || s.half_life_slow_s > (s.half_life_s ?? Infinity), {
    message: 'half_life_slow_s must be longer than half_life_s',
  });
export type EwmaTSpec = z.infer<typeof ewmaTSchema>;

const params = z.object({
  long_run_variance: z.number().nonnegative(),
  /** Shares of half_lives_s. */
  shares: z.array(z.number().min(0).max(1)).optional(),
});
type Params = z.infer<typeof params>;

/** Weight left outside the window: 2^-6, under 2%. More would demand history that gaps make rare. */
const HALF_LIVES = 6;
const MIN_BARS = 32;
/** Per step; (0.01 bps)^2. Keeps a stale feed from forecasting that nothing can ever move. */
const VARIANCE_FLOOR = 1e-12;

function speedsOf(spec: EwmaTSpec, shares: readonly number[] = []): Speed[] {
  if (spec.half_lives_s)
    return spec.half_lives_s.map((half_life_s, k) => ({ half_life_s, share: shares[k] }));
  const [half_life_s, share] = [spec.half_life_s as number, 1 - (spec.mix ?? 0)];
  if (spec.half_life_slow_s === undefined) return [{ half_life_s, share }];
  return [
    { half_life_s, share },
    { half_life_s: spec.half_life_slow_s, share: spec.mix ?? 0 },
  ];
}

function historyBars(spec: EwmaTSpec, step_s: number): number {
  const slowest = Math.max(...speedsOf(spec).map((s) => s.half_life_s));
  const bars = Math.max(MIN_BARS, Math.ceil((HALF_LIVES * slowest) / step_s) + 1);
  if (bars <= MAX_HISTORY_BARS) return bars;
  const hint = `at a step of ${step_s} s the slowest half-life is ${Math.floor((MAX_HISTORY_BARS * step_s) / HALF_LIVES)} s`;
  throw new ForecastError('SWARM_E_SPEC_INVALID', `ewma_t would read ${bars} bars`, hint);
}

/** Weights of squared returns, oldest first, summing to 1. */
export function ewmaWeights(spec: EwmaTSpec, step_s: number, shares?: readonly number[]): Float64Array {
  const n = historyBars(spec, step_s) - 1;
  const each = speedsOf(spec, shares).map(({ half_life_s, share }) => {
    const w = new Float64Array(n).map((_, i) => 2 ** ((-(n - 1 - i) * step_s) / half_life_s));
    const sum = w.reduce((a, b) => a + b, 0);
    return w.map((v) => (share * v) / sum);
  });
  return each.reduce((sum, w) => sum.map((v, i) => v + w[i]));
}

export const ewmaVolatility: Volatility<EwmaTSpec, Params> = {
  name: 'ewma_t',
  schema: ewmaTSchema,
  params,
  knobs: {
    half_life_s: { min: 300, max: 10 * 86_400, log: true },
    half_life_slow_s: { min: 1800, max: 10 * 86_400, log: true },
    mix: { min: 0, max: 1 },
    revert_half_life_s: { min: 1800, max: 20 * 86_400, log: true },
  },
  ownNoise: false,
  start: (_asset, horizon_s) => ({
    family: 'ewma_t',
    horizon_s,
    half_life_s: horizon_s <= 3 * 3600 ? 1800 : 1.5 * 86_400,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars,
  given: (spec) =>
    spec.revert_half_life_s === undefined && spec.half_lives_s === undefined
      ? { long_run_variance: 0 }
      : undefined,
  fit(train, { runs, variance }, spec) {
    const long_run_variance = spec.revert_half_life_s === undefined ? 0 : variance;
    if (spec.half_lives_s === undefined) return { params: { long_run_variance } };
    const warmup = historyBars(spec, train.step_s) - 1;
    const states = spec.half_lives_s.map((half_life_s) =>
      ewmaStates(runs, [{ half_life_s, share: 1 }], train.step_s, warmup),
    );
    return { params: { long_run_variance, shares: fitSpeedShares(train, runs, states) } };
  },
  law: ewmaLaw,
  graph(g, p, { spec, step_s }, io) {
    const returns = io.returns();
    const squares = g.op('Mul', [returns, returns]);
    const weighted = g.op('Mul', [squares, g.doubles(ewmaWeights(spec, step_s, p.shares))]);
    const now = g.op('Max', [total(g, weighted), g.doubles([VARIANCE_FLOOR])]);
    const variance = spec.revert_half_life_s === undefined ? now : reverting(g, now, p, spec, step_s);
    const deviation = toFloat(g, g.op('Mul', [g.op('Sqrt', [variance]), g.doubles([io.scale])]));
    return g.op('Mul', [io.shocks(() => now), g.op('Unsqueeze', [deviation, g.ints([1], [1])])]);
  },
};

export const ewmaT = composed(ewmaVolatility);

function reversion(spec: EwmaTSpec, step_s: number): number {
  return spec.revert_half_life_s === undefined ? 1 : 2 ** (-step_s / spec.revert_half_life_s);
}

function ewmaLaw(p: Params, { spec, step_s }: { readonly spec: EwmaTSpec; readonly step_s: number }): Law {
  const rho = reversion(spec, step_s);
  const far = p.long_run_variance;
  return {
    filter(runs) {
      const states = ewmaStates(runs, speedsOf(spec, p.shares), step_s, historyBars(spec, step_s) - 1);
      return {
        variance: states,
        blockVariance: (run, i, block) => blockVariance(states[run][i], far, rho, block),
      };
    },
    start(history) {
      const weights = history ? ewmaWeights(spec, step_s, p.shares) : undefined;
      const now = weights
        ? Math.max(
            VARIANCE_FLOOR,
            weights.reduce((sum, w, k) => sum + w * (history?.[k] ?? 0) ** 2, 0),
          )
        : 1;
      const at = (h: number) => (weights && rho < 1 ? far + (now - far) * rho ** h : now);
      return {
        unit: 1,
        expected: at,
        walker: () => ({ step: (shock, _own, h) => Math.sqrt(at(h)) * shock }),
      };
    },
  };
}

/** Variance of each step, double [steps], on its way from `now` to the long run. */
function reverting(g: GraphBuilder, now: string, p: Params, spec: EwmaTSpec, step_s: number): string {
  const h = g.op('Cast', [stepNumbers(g)], { to: ELEMENT.DOUBLE });
  const rate = (-Math.LN2 * step_s) / (spec.revert_half_life_s as number);
  const decay = g.op('Exp', [g.op('Mul', [h, g.doubles([rate])])]);
  const away = g.op('Sub', [now, g.doubles([p.long_run_variance])]);
  return g.op('Add', [g.op('Mul', [away, decay]), g.doubles([p.long_run_variance])]);
}
