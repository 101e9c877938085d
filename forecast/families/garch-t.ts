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
    const state = g.op('Expand', [toFloat(g, first()), noiseAxis(g, 1)]);
    const shocks = io.shocks(() => g.op('Mul', [first(), g.doubles([p.variance])]));
    return g.op('Mul', [simulate(g, p, state, shocks), g.floats([io.scale * Math.sqrt(p.variance)])]);
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

/** Scan over steps: unit log returns, float [steps, paths]. */
function simulate(g: GraphBuilder, p: GarchLaw, state: string, shocks: string): string {
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
