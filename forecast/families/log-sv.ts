// log_sv: log variance with a life of its own, begun where an average of past squares puts it.
// Promises: each path draws its own beginning within the average's error, and its own way from there.
// Leaves to others: reaction to the simulated returns, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import { expectedSums } from '../compose/expected.js';
import type { Law, Volatility } from '../compose/volatility.js';
import { fitLogSv } from '../fit/log-sv.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ewmaStates } from './ewma-states.js';
import type { CompileContext } from './family.js';
import { noiseAxis, toFloat, total } from './innovation.js';

export const logSvSchema = z
  .strictObject({
    family: z.literal('log_sv'),
    ...componentFields,
    /** Of the average of past squares. */
    half_life_s: z
      .number()
      .min(300)
      .max(5 * 86_400),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
type LogSvSpec = z.infer<typeof logSvSchema>;

const params = z.object({
  mean: z.number(),
  persistence: z.number().positive().lt(1),
  spread: z.number().nonnegative(),
  gain: z.number(),
  centre: z.number(),
  error: z.number().nonnegative(),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

const HALF_LIVES = 6;
const MIN_BARS = 32;
/** Added to averages over the long-run variance before their logarithm. */
const FLOOR = 1e-3;

function historyBars(spec: LogSvSpec, step_s: number): number {
  return Math.max(MIN_BARS, Math.ceil((HALF_LIVES * spec.half_life_s) / step_s) + 1);
}

export const logSvVolatility: Volatility<LogSvSpec, Params> = {
  name: 'log_sv',
  schema: logSvSchema,
  params,
  knobs: { half_life_s: { min: 600, max: 3 * 86_400, log: true } },
  ownNoise: true,
  start: (_asset, horizon_s) => ({
    family: 'log_sv',
    horizon_s,
    half_life_s: horizon_s <= 3 * 3600 ? 1800 : 6 * 3600,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars,
  fit(train, { runs, variance }, spec) {
    const states = averages(runs, spec, train.step_s);
    return { params: { ...fitLogSv(train, runs, states, variance), variance } };
  },
  law: logSvLaw,
  graph(g, p, ctx, io) {
    const known = knownLog(g, p, ctx, io.returns());
    const own = io.own();
    const first = g.op('Mul', [firstRow(g, own), g.floats([p.error])]);
    const begun = g.op('Add', [g.op('Expand', [toFloat(g, known), noiseAxis(g, 1)]), first]);
    const half = g.floats([0.5]);
    const [keep, noise] = [p.persistence, noiseOf(p)].map((v) => g.floats([v]));
    // The first step's own normal is spent on the beginning: each step hands on the state before its successor's noise.
    const [, deviations] = g.scan([begun], [shifted(g, own)], (b, [f], [z]) => ({
      states: [b.op('Add', [b.op('Mul', [f, keep]), b.op('Mul', [z, noise])])],
      outputs: [b.op('Exp', [b.op('Mul', [f, half])])],
    }));
    const variance = () => {
      const mean = g.op('Add', [known, g.doubles([p.mean + 0.5 * p.error ** 2])]);
      return g.op('Exp', [mean]);
    };
    const level = g.floats([io.scale * Math.exp(0.5 * p.mean)]);
    return g.op('Mul', [g.op('Mul', [io.shocks(variance), deviations]), level]);
  },
};

export const logSv = composed(logSvVolatility);

function averages(runs: readonly Float64Array[], spec: LogSvSpec, step_s: number): Float64Array[] {
  const speeds = [{ half_life_s: spec.half_life_s, share: 1 }];
  return ewmaStates(runs, speeds, step_s, historyBars(spec, step_s) - 1);
}

/** Standard deviation of one step's noise. */
function noiseOf(p: Params): number {
  return p.spread * Math.sqrt(1 - p.persistence ** 2);
}

function weightsOf(spec: LogSvSpec, step_s: number): Float64Array {
  const n = historyBars(spec, step_s) - 1;
  const w = new Float64Array(n).map((_, i) => 2 ** ((-(n - 1 - i) * step_s) / spec.half_life_s));
  const sum = w.reduce((a, b) => a + b, 0);
  return w.map((v) => v / sum);
}

/** What the history says of f, double [1]. */
function knownLog(
  g: GraphBuilder,
  p: Params,
  { spec, step_s }: CompileContext<LogSvSpec>,
  returns: string,
): string {
  const weights = g.doubles(weightsOf(spec, step_s).map((w) => w / p.variance));
  const average = total(g, g.op('Mul', [g.op('Mul', [returns, returns]), weights]));
  const log = g.op('Log', [g.op('Add', [average, g.doubles([FLOOR])])]);
  return g.op('Mul', [g.op('Sub', [log, g.doubles([p.centre])]), g.doubles([p.gain])]);
}

/** Row 0 of [steps, paths] as [paths]. */
function firstRow(g: GraphBuilder, rows: string): string {
  return g.op('Squeeze', [g.op('Slice', [rows, g.ints([0], [1]), g.ints([1], [1])]), g.ints([0], [1])]);
}

/** Rows 1, 2, ..., and the last one again: what leads from each step to the next. */
function shifted(g: GraphBuilder, rows: string): string {
  const end = g.ints([2 ** 31], [1]);
  const later = g.op('Slice', [rows, g.ints([1], [1]), end]);
  return g.op('Concat', [later, g.op('Slice', [rows, g.ints([-1], [1]), end])], { axis: 0 });
}

function logSvLaw(p: Params, { spec, step_s }: CompileContext<LogSvSpec>): Law {
  const noise = noiseOf(p);
  const knownAt = (average: number) => p.gain * (Math.log(average / p.variance + FLOOR) - p.centre);
  /** Mean of a log-normal h steps after f was known with a variance of `doubt`. */
  const expected = (known: number, doubt: number, h: number): number => {
    const kept = p.persistence ** (2 * h);
    const variance = kept * doubt + (1 - kept) * p.spread ** 2;
    return Math.exp(p.mean + p.persistence ** h * known + 0.5 * variance);
  };
  const doubt = p.error ** 2;
  return {
    filter(runs) {
      const states = averages(runs, spec, step_s).map((run) => run.map(knownAt));
      return {
        variance: states.map((run) => run.map((f) => expected(f, doubt, 0))),
        blockVariance: expectedSums((run, i, h) => expected(states[run][i], doubt, h)),
      };
    },
    start(history) {
      const weights = weightsOf(spec, step_s);
      const known = history ? knownAt(weights.reduce((sum, w, k) => sum + w * history[k] ** 2, 0)) : 0;
      const unit = Math.exp(0.5 * p.mean);
      return {
        unit,
        expected: (h) => expected(known, doubt, h) / unit ** 2,
        walker() {
          let f = 0;
          return {
            step(shock, own, h) {
              f = h === 0 ? known + p.error * own : p.persistence * f + noise * own;
              return Math.exp(0.5 * f) * shock;
            },
          };
        },
      };
    },
  };
}
