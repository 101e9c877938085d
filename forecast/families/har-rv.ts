// har_rv: a regression of the horizon's log realised variance on that of several pasts; a variance path, known at once.
// Promises: the fitted regression inside the graph; steps beyond the fitted horizon keep its last variance.
// Leaves to others: variance that reacts inside the horizon, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import { expectedSums } from '../compose/expected.js';
import type { Law, Volatility } from '../compose/volatility.js';
import { fitHar, logMean, squareSums } from '../fit/har.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { stepNumbers, toFloat, total } from './innovation.js';

export const harRvSchema = z
  .strictObject({
    family: z.literal('har_rv'),
    ...componentFields,
    /** Pull of the coefficients to zero, in shares of the regressors' own variance. */
    ridge: z.number().min(0).max(1),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
type HarRvSpec = z.infer<typeof harRvSchema>;

const params = z.object({
  intercepts: z.array(z.number()).min(1),
  coefficients: z.array(z.number()).min(1),
  /** Added to mean squares: no stretch is so quiet that its logarithm runs away. */
  floor: z.number().positive(),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

const HOUR_S = 3600;
const LONG_PAST_S = [HOUR_S, 6 * HOUR_S, 24 * HOUR_S, 120 * HOUR_S];
const SHORT_PAST_S = [300, 900, HOUR_S, 6 * HOUR_S];
const SHORT_HORIZON_S = 3 * HOUR_S;
/** Stretches of the horizon end at these shares of it. */
const ENDS = [1 / 24, 1 / 8, 1 / 4, 1 / 2, 1];
const FLOOR = 1e-3;

function shapeOf({ horizon_s }: HarRvSpec, step_s: number) {
  const pasts = horizon_s <= SHORT_HORIZON_S ? SHORT_PAST_S : LONG_PAST_S;
  const steps = Math.max(1, Math.round(horizon_s / step_s));
  const past = [...new Set(pasts.map((s) => Math.max(2, Math.round(s / step_s))))];
  const bounds = [0, ...new Set(ENDS.map((share) => Math.max(1, Math.round(steps * share))))];
  return { past, bounds };
}

export const harVolatility: Volatility<HarRvSpec, Params> = {
  name: 'har_rv',
  schema: harRvSchema,
  params,
  knobs: { ridge: { min: 1e-4, max: 0.3, log: true } },
  ownNoise: false,
  start: (_asset, horizon_s) => ({ family: 'har_rv', horizon_s, ridge: 0.01, scale: 'fit', nu: 'fit' }),
  historyBars,
  fit(train, { runs, variance }, spec) {
    const shape = shapeOf(spec, train.step_s);
    const floor = FLOOR * variance;
    const { intercepts, coefficients } = fitHar(train, runs, shape, spec.ridge, floor);
    return { params: { intercepts: [...intercepts], coefficients: [...coefficients], floor, variance } };
  },
  law: (p, { spec, step_s }) => harLaw(p, shapeOf(spec, step_s)),
  graph(g, p, { spec, step_s }, io) {
    const shape = shapeOf(spec, step_s);
    const variances = stretchVariances(g, p, shape, io.returns());
    const last = shape.bounds[shape.bounds.length - 1] - 1;
    const stretch = Array.from({ length: last + 1 }, (_, h) => stretchOf(shape.bounds, h));
    const step = g.op('Min', [stepNumbers(g), g.ints([last])]);
    const perStep = g.op('Gather', [variances, g.op('Gather', [g.ints(stretch, [last + 1]), step])]);
    const deviation = toFloat(g, g.op('Mul', [g.op('Sqrt', [perStep]), g.doubles([io.scale])]));
    const shocks = io.shocks(() => g.op('Slice', [variances, g.ints([0], [1]), g.ints([1], [1])]));
    return g.op('Mul', [shocks, g.op('Unsqueeze', [deviation, g.ints([1], [1])])]);
  },
};

export const harRv = composed(harVolatility);

function historyBars(spec: HarRvSpec, step_s: number): number {
  const { past } = shapeOf(spec, step_s);
  return past[past.length - 1] + 1;
}

type HarShape = ReturnType<typeof shapeOf>;

/** Variance of a step in each stretch of the horizon, double [stretches]. */
function stretchVariances(g: GraphBuilder, p: Params, { past, bounds }: HarShape, returns: string): string {
  const n = past[past.length - 1];
  const squares = g.op('Mul', [returns, returns]);
  const logs = past.map((count) => {
    const some = count === n ? squares : g.op('Slice', [squares, g.ints([n - count], [1]), g.ints([n], [1])]);
    const mean = g.op('Div', [total(g, some), g.doubles([count])]);
    return g.op('Log', [g.op('Add', [mean, g.doubles([p.floor])])]);
  });
  const regressors = g.op('Concat', logs, { axis: 0 });
  const stretches = bounds.length - 1;
  const products = g.op('Mul', [g.doubles(p.coefficients, [stretches, past.length]), regressors]);
  const sums = g.op('ReduceSum', [products, g.ints([1], [1])], { keepdims: 0 });
  return g.op('Exp', [g.op('Add', [sums, g.doubles(p.intercepts, [stretches])])]);
}

function stretchOf(bounds: readonly number[], h: number): number {
  let k = 0;
  while (k + 2 < bounds.length && h >= bounds[k + 1]) k++;
  return k;
}

function harLaw(p: Params, { past, bounds }: HarShape): Law {
  const longest = past[past.length - 1];
  const forecast = (sums: Float64Array, i: number, stretch: number): number => {
    let log = p.intercepts[stretch];
    for (let j = 0; j < past.length; j++)
      log += p.coefficients[stretch * past.length + j] * logMean(sums, i, past[j], p.floor);
    return Math.exp(log);
  };
  return {
    filter(runs) {
      const sums = runs.map(squareSums);
      const at = (run: number, i: number, h: number) =>
        i + 1 < longest ? Number.NaN : forecast(sums[run], i, stretchOf(bounds, h));
      return {
        variance: runs.map((run, r) => run.map((_, i) => at(r, i, 0))),
        blockVariance: expectedSums(at),
      };
    },
    start(history) {
      const unit = Math.sqrt(p.variance);
      const sums = history && squareSums(history);
      const expected = (h: number) =>
        sums ? forecast(sums, sums.length - 2, stretchOf(bounds, h)) / p.variance : 1;
      return {
        unit,
        expected,
        walker: () => ({ step: (shock, _own, h) => Math.sqrt(expected(h)) * shock }),
      };
    },
  };
}
