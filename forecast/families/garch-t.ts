// garch_t: GARCH(1,1) or GJR; the variance reacts to every simulated step.
// Promises: the history sets the first variance inside the graph by the same recursion that was fitted.
// Leaves to others: the training window, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import type { GraphInputs, Law, Volatility } from '../compose/volatility.js';
import { fitGarch, type GarchLaw, garchStates, persistence } from '../fit/garch.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { blockVariance } from './ewma-states.js';
import { noiseAxis, toFloat, total } from './innovation.js';

export const garchTSchema = z
  .strictObject({
    family: z.literal('garch_t'),
    ...componentFields,
    /** A separate reaction to falls (Glosten, Jagannathan & Runkle 1993). */
    gjr: z.boolean(),
    /** Bars that set the first variance; the recursion forgets the rest by beta^bars. */
    history_bars: z.number().int().min(64).max(8640),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
export type GarchTSpec = z.infer<typeof garchTSchema>;

const params = z.object({
  alpha: z.number().nonnegative(),
  gamma: z.number(),
  beta: z.number().min(0).max(1),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

export const garchVolatility: Volatility<GarchTSpec, Params> = {
  name: 'garch_t',
  schema: garchTSchema,
  params,
  knobs: { history_bars: { min: 128, max: 2880, log: true, integer: true } },
  ownNoise: false,
  start: (_asset, horizon_s) => ({
    family: 'garch_t',
    horizon_s,
    gjr: false,
    history_bars: 576,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars: (spec) => spec.history_bars,
  fit(train, returns, spec, tail) {
    const { alpha, gamma, beta, nu } = fitGarch(train, returns, { gjr: spec.gjr, nu: tail });
    return { params: { alpha, gamma, beta, variance: returns.variance }, nu };
  },
  law: (p, { spec }) => garchLaw(p, spec.history_bars),
  graph(g, p, _ctx, io) {
    let known: string | undefined;
    const first = () => {
      known ??= firstVariance(g, p, io);
      return known;
    };
    const shocks = io.shocks(() => g.op('Mul', [first(), g.doubles([p.variance])]));
    return simulate(g, p, first(), shocks, io.scale * io.scale * p.variance);
  },
};

export const garchT = composed(garchVolatility);

function garchLaw(p: Params, bars: number): Law {
  const omega = 1 - persistence(p);
  const next = (u: number, r: number) => omega + (p.alpha + (r < 0 ? p.gamma : 0)) * r * r + p.beta * u;
  return {
    filter(runs) {
      const states = garchStates(runs, p.variance, p);
      const rho = persistence(p);
      return {
        variance: states.map((run) => run.map((u, i) => (i + 2 < bars ? Number.NaN : p.variance * u))),
        blockVariance: (run, i, block) =>
          i + 2 < bars ? Number.NaN : p.variance * blockVariance(states[run][i], 1, rho, block),
      };
    },
    start(history) {
      const unit = Math.sqrt(p.variance);
      const first = history ? history.reduce((u, r) => next(u, r / unit), 1) : 1;
      return {
        unit,
        expected: (h) => blockVariance(first, 1, persistence(p), { lead: h, length: 1 }),
        walker() {
          let u = first;
          return {
            step(shock) {
              const r = Math.sqrt(u) * shock;
              u = next(u, r);
              return r;
            },
          };
        },
      };
    },
  };
}

/**
 * The variance after the history, double [1], in long-run units. Unrolled, the recursion from u = 1 is a weighted sum:
 * beta^n + omega (1 - beta^n) / (1 - beta) + sum over age of beta^age (alpha + gamma [r < 0]) r^2.
 */
function firstVariance(g: GraphBuilder, p: Params, io: GraphInputs): string {
  const n = io.bars - 1;
  const returns = io.returns();
  const falls = g.op('Less', [returns, g.doubles([0])]);
  const reaction = g.op('Where', [falls, g.doubles([p.alpha + p.gamma]), g.doubles([p.alpha])]);
  const weights = new Float64Array(n).map((_, i) => p.beta ** (n - 1 - i) / p.variance);
  const squares = g.op('Mul', [g.op('Mul', [returns, returns]), reaction]);
  const left = p.beta ** n;
  const constant = left + (p.beta < 1 ? ((1 - persistence(p)) * (1 - left)) / (1 - p.beta) : 0);
  return g.op('Add', [total(g, g.op('Mul', [squares, g.doubles(weights)])), g.doubles([constant])]);
}

/**
 * Log returns, float [steps, paths]. A return is the deviation times its shock, so the recursion is linear in the
 * variance: v' = omega + (beta + (alpha + gamma [shock < 0]) shock^2) v. Its factors are known for all steps at once
 * and leave three operations to the Scan, which costs more per operation than any of them.
 */
function simulate(g: GraphBuilder, p: GarchLaw, first: string, shocks: string, level: number): string {
  const times = (x: string, factor: number) => g.op('Mul', [x, g.floats([factor])]);
  const rise = times(shocks, Math.sqrt(p.alpha));
  // One of the two is positive: the size of a shock, in the unit of the side that it is on.
  const size =
    p.gamma === 0 ? rise : g.op('Max', [rise, times(shocks, -Math.sqrt(Math.max(0, p.alpha + p.gamma)))]);
  const factors = g.op('Add', [g.op('Mul', [size, size]), g.floats([p.beta])]);
  const omega = g.floats([(1 - persistence(p)) * level]);
  const now = toFloat(g, g.op('Mul', [first, g.doubles([level])]));
  const [, deviations] = g.scan([g.op('Expand', [now, noiseAxis(g, 1)])], [factors], (b, [v], [factor]) => ({
    states: [b.op('Add', [b.op('Mul', [v, factor]), omega])],
    outputs: [b.op('Sqrt', [v])],
  }));
  return g.op('Mul', [deviations, shocks]);
}
