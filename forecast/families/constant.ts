// constant: one standard deviation for ever; what a profile and an innovation do by themselves.
// Promises: the root mean square of the training returns, times the level.
// Leaves to others: variance that moves, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import type { Volatility } from '../compose/volatility.js';

export const constantSchema = z
  .strictObject({ family: z.literal('constant'), ...componentFields })
  .refine(namesOneInnovation, ONE_INNOVATION);
type ConstantSpec = z.infer<typeof constantSchema>;

const params = z.object({ variance: z.number().positive() });
type Params = z.infer<typeof params>;

/** Enough for the last returns that a bounce starts from. */
const HISTORY_BARS = 8;

export const constantVolatility: Volatility<ConstantSpec, Params> = {
  name: 'constant',
  schema: constantSchema,
  params,
  knobs: {},
  ownNoise: false,
  start: (_asset, horizon_s) => ({ family: 'constant', horizon_s, scale: 'fit', nu: 'fit' }),
  historyBars: () => HISTORY_BARS,
  fit: (_train, { variance }) => ({ params: { variance } }),
  law: ({ variance }) => ({
    filter: (runs) => ({
      variance: runs.map((run) => run.map((_, i) => (i + 2 < HISTORY_BARS ? Number.NaN : variance))),
      blockVariance: (_run, i, block) => (i + 2 < HISTORY_BARS ? Number.NaN : variance * block.length),
    }),
    start: () => ({
      unit: Math.sqrt(variance),
      expected: () => 1,
      walker: () => ({ step: (shock) => shock }),
    }),
  }),
  graph: (g, { variance }, _ctx, io) =>
    g.op('Mul', [io.shocks(() => g.doubles([variance], [1])), g.floats([io.scale * Math.sqrt(variance)])]),
};

export const constant = composed(constantVolatility);
