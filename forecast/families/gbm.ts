// gbm: the subnet's reference miner. Gaussian simple returns with a fixed hourly sigma, nothing learned.
// Promises: exactly its law: each step multiplies the price by 1 + sigma z.
// Leaves to others: being any good. It is the yardstick that everybody knows.
import { z } from 'zod';
import { buildModel, type GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import type { CompileContext, Fitted, MemberFamily } from './family.js';
import { innovations, toFloat } from './innovation.js';
import { parseParams } from './params.js';
import { REFERENCE_HOURLY_SIGMA } from './reference.js';

export const gbmSchema = z.strictObject({
  family: z.literal('gbm'),
  /** Standard deviation of an hour's simple return. */
  sigma_hourly: z.number().min(1e-5).max(0.1),
});
export type GbmSpec = z.infer<typeof gbmSchema>;

const params = z.strictObject({ sigma_hourly: z.number().positive() });
/** Used only where the subnet's reference names no sigma: about a large cryptocurrency's. */
const START_SIGMA = 0.006;

const SHAPE = { historyBars: 2, calendarColumns: 4, noiseColumns: 1 };

export const gbm: MemberFamily<GbmSpec> = {
  name: 'gbm',
  schema: gbmSchema,
  knobs: { sigma_hourly: { min: 1e-4, max: 0.05, log: true } },
  start: (asset) => ({ family: 'gbm', sigma_hourly: REFERENCE_HOURLY_SIGMA[asset] ?? START_SIGMA }),
  historyBars: () => SHAPE.historyBars,
  wholeBars: () => SHAPE.historyBars,
  fit: (_train, spec) => ({ sigma_hourly: spec.sigma_hourly }),
  compile: (fitted, ctx) => buildModel(SHAPE.historyBars, (g) => graph(g, fitted, ctx)),
  part: {
    shape: () => SHAPE,
    graph,
    simulator(fitted, { step_s }) {
      const sigma = parseParams('gbm', params, fitted).sigma_hourly * Math.sqrt(step_s / 3600);
      return ({ noise }) => Float64Array.from(noise[0], (z) => Math.log1p(sigma * z));
    },
    week: () => undefined,
  },
};

function graph(g: GraphBuilder, fitted: Fitted, { step_s }: CompileContext<GbmSpec>): string {
  const { sigma_hourly } = parseParams('gbm', params, fitted);
  // In double: log(1 + x) of a float x near 1e-3 would keep only four digits.
  const noise = g.op('Cast', [innovations(g, Number.POSITIVE_INFINITY)], { to: ELEMENT.DOUBLE });
  const change = g.op('Mul', [noise, g.doubles([sigma_hourly * Math.sqrt(step_s / 3600)])]);
  return toFloat(g, g.op('Log', [g.op('Add', [change, g.doubles([1])])]));
}
