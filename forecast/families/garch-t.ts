// garch_t: GARCH(1,1) or GJR with t innovations; the variance reacts to every simulated step.
// Promises: the history sets the first variance inside the graph by the same recursion that was fitted.
// Leaves to others: the training window, and seasonality.
import { z } from 'zod';
import { fitGarch, type Garch, garchStates, persistence } from '../fit/garch.js';
import { fitLevel } from '../fit/level.js';
import { innovation } from '../fit/student.js';
import { trainingReturns } from '../fit/training.js';
import { buildModel, type GraphBuilder } from '../onnx/graph.js';
import { blockVariance } from './ewma-states.js';
import type { Family, Fitted } from './family.js';
import { historyReturns, innovations, noiseAxis, toFloat, total } from './innovation.js';
import { parseParams } from './params.js';
import { horizon, level, tail } from './spec-fields.js';

export const garchTSchema = z.strictObject({
  family: z.literal('garch_t'),
  horizon_s: horizon,
  /** A separate reaction to falls (Glosten, Jagannathan & Runkle 1993). */
  gjr: z.boolean(),
  /** Bars that set the first variance; the recursion forgets the rest by beta^bars. */
  history_bars: z.number().int().min(64).max(8640),
  scale: level,
  nu: tail,
});
export type GarchTSpec = z.infer<typeof garchTSchema>;

const params = z.strictObject({
  alpha: z.number().nonnegative(),
  gamma: z.number(),
  beta: z.number().min(0).max(1),
  nu: z.number().min(2.1),
  variance: z.number().positive(),
  scale: z.number().positive(),
});

export const garchT: Family<GarchTSpec> = {
  name: 'garch_t',
  schema: garchTSchema,
  knobs: {
    history_bars: { min: 128, max: 2880, log: true, integer: true },
    scale: { min: 0.6, max: 1.2 },
    nu: { min: 2.5, max: 200, log: true },
  },
  start: (_asset, horizon_s) => ({
    family: 'garch_t',
    horizon_s,
    gjr: false,
    history_bars: 576,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars: (spec) => spec.history_bars,
  fit(train, spec): Fitted {
    const returns = trainingReturns(train);
    const { runs, variance } = returns;
    const garch = fitGarch(train, returns, { gjr: spec.gjr, nu: spec.nu });
    const { alpha, gamma, beta, nu } = garch;
    if (spec.scale !== 'fit') return { alpha, gamma, beta, nu, variance, scale: spec.scale };
    const states = garchStates(runs, variance, garch);
    const rho = persistence(garch);
    const steps = Math.max(1, Math.round(spec.horizon_s / train.step_s));
    const scale = fitLevel(train, runs, steps, unitWalk(garch), (run, i, block) =>
      i + 2 < spec.history_bars
        ? Number.NaN
        : Math.sqrt(variance * blockVariance(states[run][i], 1, rho, block)),
    );
    return { alpha, gamma, beta, nu, variance, scale };
  },
  compile(fitted, { spec }) {
    const p = parseParams('garch_t', params, fitted);
    return buildModel(spec.history_bars, (g) => {
      const first = toFloat(g, firstVariance(g, p, spec.history_bars));
      const state = g.op('Expand', [first, noiseAxis(g, 1)]);
      const unit = simulate(g, p, state, innovations(g, p.nu));
      return g.op('Mul', [unit, g.floats([p.scale * Math.sqrt(p.variance)])]);
    });
  },
};

/** One path in long-run units from the long-run variance: what the compiled Scan does, for the level fit. */
function unitWalk(garch: Garch): (z: Float32Array, out: Float64Array) => void {
  const shape = innovation(garch.nu);
  const omega = 1 - persistence(garch);
  return (z, out) => {
    let u = 1;
    for (let h = 0; h < out.length; h++) {
      const r = Math.sqrt(u) * shape(z[h]);
      out[h] = r;
      u = omega + (garch.alpha + (r < 0 ? garch.gamma : 0)) * r * r + garch.beta * u;
    }
  };
}

/**
 * The variance after the history, double [1], in long-run units. Unrolled, the recursion from u = 1 is a weighted sum:
 * beta^n + omega (1 - beta^n) / (1 - beta) + sum over age of beta^age (alpha + gamma [r < 0]) r^2.
 */
function firstVariance(g: GraphBuilder, p: Garch & { variance: number }, bars: number): string {
  const n = bars - 1;
  const returns = historyReturns(g, bars);
  const falls = g.op('Less', [returns, g.doubles([0])]);
  const reaction = g.op('Where', [falls, g.doubles([p.alpha + p.gamma]), g.doubles([p.alpha])]);
  const weights = new Float64Array(n).map((_, i) => p.beta ** (n - 1 - i) / p.variance);
  const squares = g.op('Mul', [g.op('Mul', [returns, returns]), reaction]);
  const left = p.beta ** n;
  const constant = left + (p.beta < 1 ? ((1 - persistence(p)) * (1 - left)) / (1 - p.beta) : 0);
  return g.op('Add', [total(g, g.op('Mul', [squares, g.doubles(weights)])), g.doubles([constant])]);
}

/** Scan over steps: unit log returns, float [steps, paths]. */
function simulate(g: GraphBuilder, p: Garch, state: string, shocks: string): string {
  const omega = g.floats([1 - persistence(p)]);
  const [alpha, beta, gamma, zero] = [p.alpha, p.beta, p.gamma, 0].map((v) => g.floats([v]));
  const [, returns] = g.scan([state], [shocks], (b, [u], [shock]) => {
    const r = b.op('Mul', [b.op('Sqrt', [u]), shock]);
    const kept = b.op('Add', [omega, b.op('Mul', [beta, u])]);
    const reacted = b.op('Add', [kept, b.op('Mul', [alpha, b.op('Mul', [r, r])])]);
    if (p.gamma === 0) return { states: [reacted], outputs: [r] };
    const fall = b.op('Min', [r, zero]);
    return {
      states: [b.op('Add', [reacted, b.op('Mul', [gamma, b.op('Mul', [fall, fall])])])],
      outputs: [r],
    };
  });
  return returns;
}
