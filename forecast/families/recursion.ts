// recursion: a volatility written as a small program of at most four states, fitted by maximum likelihood.
// Promises: a program is data: checked before anything runs, total, bounded in size; what does not settle is refused.
// Leaves to others: the language (forecast/recursion), and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import type { Volatility } from '../compose/volatility.js';
import { ForecastError } from '../errors.js';
import { checkedProgram, type Program } from '../recursion/checker.js';
import { compiled } from '../recursion/compile.js';
import { fitRecursion } from '../recursion/fit.js';
import { simulated, statesAfter, varianceOf } from '../recursion/graph.js';
import { recursionLaw } from '../recursion/law.js';
import { PROGRAMS } from '../recursion/library.js';
import { refuseUnstable } from '../recursion/stability.js';
import type { Tape } from '../recursion/tape.js';

/** What is wrong with a program; undefined: nothing. */
function faultOf(text: string): string | undefined {
  try {
    compiled(checkedProgram(text));
    return undefined;
  } catch (error) {
    if (error instanceof ForecastError) return `${error.message} (${error.hint})`;
    throw error;
  }
}

export const recursionSchema = z
  .strictObject({
    family: z.literal('recursion'),
    ...componentFields,
    /** See docs/recursion.md. */
    program: z.string().superRefine((text, ctx) => {
      const message = faultOf(text);
      if (message !== undefined) ctx.addIssue({ code: 'custom', message });
    }),
    /** Bars that the states are warmed over, from their initial values. */
    history_bars: z.number().int().min(64).max(2880),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
type RecursionSpec = z.infer<typeof recursionSchema>;

const params = z.object({
  /** Fitted parameters of the program, in its order. */
  values: z.array(z.number()),
  /** Tail of the shocks that expectations are formed with. */
  shock_nu: z.number().min(2.1),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

/** Throws SWARM_E_SPEC_INVALID for values of another program. */
function tapeOf(program: Program, values: readonly number[]): Tape {
  const wanted = program.params;
  const fits =
    wanted.length === values.length && wanted.every((p, i) => values[i] >= p.lo && values[i] <= p.hi);
  if (fits) return compiled(program, values);
  const what = `recursion: ${values.length} values do not fit the ${wanted.length} parameters of the program`;
  throw new ForecastError('SWARM_E_SPEC_INVALID', what, 'compile what this program’s fit returned');
}

export const recursionVolatility: Volatility<RecursionSpec, Params> = {
  name: 'recursion',
  schema: recursionSchema,
  params,
  knobs: { history_bars: { min: 128, max: 1440, log: true, integer: true } },
  choices: { program: Object.values(PROGRAMS) },
  ownNoise: false,
  start: (_asset, horizon_s) => ({
    family: 'recursion',
    horizon_s,
    program: PROGRAMS.gjr,
    history_bars: 576,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars: (spec) => spec.history_bars,
  fit(train, returns, spec, tail) {
    const program = checkedProgram(spec.program);
    const { values, nu } = fitRecursion(train, returns, program, tail);
    refuseUnstable(compiled(program, values), program.states, nu, train.step_s);
    return { params: { values: [...values], shock_nu: nu, variance: returns.variance }, nu };
  },
  law({ values, variance, shock_nu }, { spec, step_s }) {
    const tape = tapeOf(checkedProgram(spec.program), values);
    const horizonSteps = Math.round(spec.horizon_s / step_s);
    return recursionLaw({ tape, variance, nu: shock_nu }, spec.history_bars, horizonSteps);
  },
  graph(g, { values, variance }, { spec }, io) {
    const tape = tapeOf(checkedProgram(spec.program), values);
    const returns = g.op('Mul', [io.returns(), g.doubles([1 / Math.sqrt(variance)])]);
    const states = statesAfter(g, tape, returns);
    const shocks = io.shocks(() => g.op('Mul', [varianceOf(g, tape, states), g.doubles([variance])]));
    return g.op('Mul', [simulated(g, tape, states, shocks), g.floats([io.scale * Math.sqrt(variance)])]);
  },
};

export const recursion = composed(recursionVolatility);
