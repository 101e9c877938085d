// ewma_t: exponentially weighted variance, held (or pulled back to its long-run level) over the horizon, t innovations.
// Promises: one fitted level chosen by CRPS; with numbers for scale and nu nothing is fitted and no bars are read.
// Leaves to others: variance that reacts inside the horizon (garch_t).
import { z } from 'zod';
import { ForecastError } from '../errors.js';
import { fitLevel } from '../fit/level.js';
import { innovation } from '../fit/student.js';
import { fitTail } from '../fit/tail.js';
import { trainingReturns } from '../fit/training.js';
import { MAX_HISTORY_BARS } from '../onnx/contract.js';
import { buildModel } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { blockVariance, ewmaStates } from './ewma-states.js';
import type { Family, Fitted } from './family.js';
import { historyReturns, innovations, noiseAxis, toFloat, total } from './innovation.js';
import { parseParams } from './params.js';
import { horizon, level, tail } from './spec-fields.js';

const halfLife = z
  .number()
  .min(60)
  .max(30 * 86_400);
export const ewmaTSchema = z
  .strictObject({
    family: z.literal('ewma_t'),
    horizon_s: horizon,
    half_life_s: halfLife,
    /** A second, slower variance, and its share of the sum. Both or neither. */
    half_life_slow_s: halfLife.optional(),
    mix: z.number().min(0).max(1).optional(),
    /** Time in which the variance comes half-way back to the training mean; absent: it stays. */
    revert_half_life_s: halfLife.optional(),
    scale: level,
    nu: tail,
  })
  .refine((s) => (s.half_life_slow_s === undefined) === (s.mix === undefined), {
    message: 'half_life_slow_s and mix come together',
  })
  .refine((s) => s.half_life_slow_s === undefined || s.half_life_slow_s > s.half_life_s, {
    message: 'half_life_slow_s must be longer than half_life_s',
  });
export type EwmaTSpec = z.infer<typeof ewmaTSchema>;

const params = z.strictObject({
  scale: z.number().positive(),
  nu: z.number().min(2.1),
  long_run_variance: z.number().nonnegative(),
});

/** Weight left outside the window: 2^-6, under 2%. More would demand history that gaps make rare. */
const HALF_LIVES = 6;
const MIN_BARS = 32;
/** Per step; (0.01 bps)^2. Keeps a stale feed from forecasting that nothing can ever move. */
const VARIANCE_FLOOR = 1e-12;

function historyBars(spec: EwmaTSpec, step_s: number): number {
  const slowest = spec.half_life_slow_s ?? spec.half_life_s;
  const bars = Math.max(MIN_BARS, Math.ceil((HALF_LIVES * slowest) / step_s) + 1);
  if (bars <= MAX_HISTORY_BARS) return bars;
  const hint = `at a step of ${step_s} s the slowest half-life is ${Math.floor((MAX_HISTORY_BARS * step_s) / HALF_LIVES)} s`;
  throw new ForecastError('SWARM_E_SPEC_INVALID', `ewma_t would read ${bars} bars`, hint);
}

/** Weights of squared returns, oldest first, summing to 1. */
export function ewmaWeights(spec: EwmaTSpec, step_s: number): Float64Array {
  const n = historyBars(spec, step_s) - 1;
  const one = (halfLife_s: number, share: number): Float64Array => {
    const w = new Float64Array(n).map((_, i) => 2 ** ((-(n - 1 - i) * step_s) / halfLife_s));
    const sum = w.reduce((a, b) => a + b, 0);
    return w.map((v) => (share * v) / sum);
  };
  const fast = one(spec.half_life_s, 1 - (spec.mix ?? 0));
  if (spec.half_life_slow_s === undefined) return fast;
  const slow = one(spec.half_life_slow_s, spec.mix ?? 0);
  return fast.map((v, i) => v + slow[i]);
}

export const ewmaT: Family<EwmaTSpec> = {
  name: 'ewma_t',
  schema: ewmaTSchema,
  knobs: {
    half_life_s: { min: 300, max: 10 * 86_400, log: true },
    half_life_slow_s: { min: 1800, max: 10 * 86_400, log: true },
    mix: { min: 0, max: 1 },
    revert_half_life_s: { min: 1800, max: 20 * 86_400, log: true },
    scale: { min: 0.6, max: 1.2 },
    nu: { min: 2.5, max: 200, log: true },
  },
  start: (_asset, horizon_s) => ({
    family: 'ewma_t',
    horizon_s,
    half_life_s: horizon_s <= 3 * 3600 ? 1800 : 1.5 * 86_400,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars,
  fit(train, spec): Fitted {
    const { scale, nu, revert_half_life_s } = spec;
    if (scale !== 'fit' && nu !== 'fit' && revert_half_life_s === undefined) {
      return { scale, nu, long_run_variance: 0 };
    }
    const { runs, variance } = trainingReturns(train);
    const states = ewmaStates(runs, spec, train.step_s, historyBars(spec, train.step_s) - 1);
    const fittedNu = nu === 'fit' ? fitTail(train, runs, states) : nu;
    const rho = revert_half_life_s === undefined ? 1 : 2 ** (-train.step_s / revert_half_life_s);
    const shape = innovation(fittedNu);
    const fittedScale =
      scale !== 'fit'
        ? scale
        : fitLevel(
            train,
            runs,
            Math.max(1, Math.round(spec.horizon_s / train.step_s)),
            (z, out) => {
              for (let h = 0; h < out.length; h++) out[h] = shape(z[h]);
            },
            (run, i, block) => Math.sqrt(blockVariance(states[run][i], variance, rho, block)),
          );
    return {
      scale: fittedScale,
      nu: fittedNu,
      long_run_variance: revert_half_life_s === undefined ? 0 : variance,
    };
  },
  compile(fitted, { spec, step_s }) {
    const { scale, nu, long_run_variance } = parseParams('ewma_t', params, fitted);
    const bars = historyBars(spec, step_s);
    return buildModel(bars, (g) => {
      const returns = historyReturns(g, bars);
      const weighted = g.op('Mul', [g.op('Mul', [returns, returns]), g.doubles(ewmaWeights(spec, step_s))]);
      let variance = g.op('Max', [total(g, weighted), g.doubles([VARIANCE_FLOOR])]);
      if (spec.revert_half_life_s !== undefined) {
        const steps = g.op('Squeeze', [noiseAxis(g, 0), g.ints([0], [1])]);
        const h = g.op('Cast', [g.op('Range', [g.ints([0]), steps, g.ints([1])])], { to: ELEMENT.DOUBLE });
        const decay = g.op('Exp', [
          g.op('Mul', [h, g.doubles([(-Math.LN2 * step_s) / spec.revert_half_life_s])]),
        ]);
        const away = g.op('Sub', [variance, g.doubles([long_run_variance])]);
        variance = g.op('Add', [g.op('Mul', [away, decay]), g.doubles([long_run_variance])]);
      }
      const deviation = toFloat(g, g.op('Mul', [g.op('Sqrt', [variance]), g.doubles([scale])]));
      return g.op('Mul', [innovations(g, nu), g.op('Unsqueeze', [deviation, g.ints([1], [1])])]);
    });
  },
};
