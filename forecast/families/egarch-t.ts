// egarch_t: exponential GARCH; the log variance reacts to the size and the sign of every simulated step.
// Promises: the history sets the first variance inside the graph by the same recursion that was fitted.
// Leaves to others: the training window, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import { expectedSums } from '../compose/expected.js';
import type { Law, Volatility } from '../compose/volatility.js';
import { egarchNext, fitEgarch, LOG_REACH } from '../fit/egarch.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { noiseAxis, toFloat } from './innovation.js';

export const egarchTSchema = z
  .strictObject({
    family: z.literal('egarch_t'),
    ...componentFields,
    /** Bars that set the first variance; the recursion forgets the rest by beta^bars. */
    history_bars: z.number().int().min(64).max(2880),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
type EgarchTSpec = z.infer<typeof egarchTSchema>;

const params = z.object({
  alpha: z.number(),
  gamma: z.number(),
  beta: z.number().min(0).lt(1),
  mean: z.number(),
  size: z.number().positive(),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

export const egarchVolatility: Volatility<EgarchTSpec, Params> = {
  name: 'egarch_t',
  schema: egarchTSchema,
  params,
  knobs: { history_bars: { min: 128, max: 1440, log: true, integer: true } },
  ownNoise: false,
  start: (_asset, horizon_s) => ({
    family: 'egarch_t',
    horizon_s,
    history_bars: 432,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars: (spec) => spec.history_bars,
  fit(train, returns, _spec, tail) {
    const { nu, ...p } = fitEgarch(train, returns, tail);
    return { params: { ...p, variance: returns.variance }, nu };
  },
  law: (p, { spec }) => egarchLaw(p, spec.history_bars),
  graph(g, p, _ctx, io) {
    const recursion = recursionOf(g, p);
    const unit = g.doubles([1 / Math.sqrt(p.variance)]);
    const past = g.op('Unsqueeze', [toFloat(g, g.op('Mul', [io.returns(), unit])), g.ints([1], [1])]);
    const [now] = g.scan(
      [g.floats([p.mean], [1])],
      [past],
      (b, [l], [r]) => {
        const x = b.op('Mul', [r, b.op('Exp', [b.op('Mul', [l, recursion.minusHalf])])]);
        return { states: [recursion.next(b, l, x)], outputs: [] };
      },
      'one',
    );
    const variance = () => {
      const h = g.op('Exp', [g.op('Cast', [now], { to: ELEMENT.DOUBLE })]);
      return g.op('Mul', [h, g.doubles([p.variance])]);
    };
    const state = g.op('Expand', [now, noiseAxis(g, 1)]);
    const [, logs] = g.scan([state], [io.shocks(variance)], (b, [l], [x]) => ({
      states: [recursion.next(b, l, x)],
      outputs: [b.op('Mul', [x, b.op('Exp', [b.op('Mul', [l, recursion.half])])])],
    }));
    return g.op('Mul', [logs, g.floats([io.scale * Math.sqrt(p.variance)])]);
  },
};

export const egarchT = composed(egarchVolatility);

/** egarchNext as nodes, with the state not centred. */
function recursionOf(g: GraphBuilder, p: Params) {
  const [alpha, gamma, beta, low, high] = [
    p.alpha,
    p.gamma,
    p.beta,
    p.mean - LOG_REACH,
    p.mean + LOG_REACH,
  ].map((v) => g.floats([v]));
  const base = g.floats([p.mean * (1 - p.beta) - p.alpha * p.size]);
  return {
    half: g.floats([0.5]),
    minusHalf: g.floats([-0.5]),
    next(b: GraphBuilder, l: string, x: string): string {
      const kept = b.op('Add', [b.op('Mul', [l, beta]), base]);
      const sized = b.op('Add', [kept, b.op('Mul', [b.op('Abs', [x]), alpha])]);
      return b.op('Clip', [b.op('Add', [sized, b.op('Mul', [x, gamma])]), low, high]);
    },
  };
}

function egarchLaw(p: Params, bars: number): Law {
  const unit = Math.sqrt(p.variance);
  // Of the log variance's innovation alpha (|x| - size) + gamma x.
  const noise = p.alpha ** 2 * (1 - p.size ** 2) + p.gamma ** 2;
  const spread = noise / (1 - p.beta ** 2);
  /** Mean of a log-normal h steps ahead; exact but for the shocks' own tails. */
  const expected = (l: number, h: number): number => {
    const kept = p.beta ** h;
    return Math.exp(p.mean + kept * (l - p.mean) + 0.5 * spread * (1 - kept * kept));
  };
  return {
    filter(runs) {
      const states = runs.map((run) => {
        let l = p.mean;
        return run.map((r, i) => {
          l = egarchNext(p, l, (r / unit) * Math.exp(-0.5 * l));
          return i + 2 < bars ? Number.NaN : l;
        });
      });
      const sums = expectedSums((run, i, h) => p.variance * expected(states[run][i], h));
      return { variance: states.map((run) => run.map((l) => p.variance * Math.exp(l))), blockVariance: sums };
    },
    start(history) {
      const first = (history ?? new Float64Array()).reduce(
        (l, r) => egarchNext(p, l, (r / unit) * Math.exp(-0.5 * l)),
        p.mean,
      );
      return {
        unit,
        expected: (h) => expected(first, h),
        walker() {
          let l = first;
          return {
            step(shock) {
              const r = Math.exp(0.5 * l) * shock;
              l = egarchNext(p, l, shock);
              return r;
            },
          };
        },
      };
    },
  };
}
