// Fitted parameters at the door of a composed model, told apart by component.
// Promises: what is missing, or belongs to another spec, is refused by name.
// Leaves to others: using them.
import { z } from 'zod';
import type { CompileContext, Fitted } from '../families/family.js';
import { parseParams } from '../families/params.js';
import { type Components, innovationOf } from './components.js';
import { recalibrationParams } from './recalibration.js';
import { profileOf } from './season.js';
import type { Volatility } from './volatility.js';

/** Fitted parameters, told apart by component. */
export interface Parts<P> {
  readonly params: P;
  readonly fitted: Fitted;
  readonly profile: Fitted;
  readonly bounce: readonly number[] | undefined;
  /** The level, times the size of the residuals where the innovation has one. */
  readonly scale: number;
  /** Standard deviation of the residuals that the volatility leaves. */
  readonly size: number;
}

const numbers = z.array(z.number());
const SHAPE_PARAMS = {
  gaussian: {},
  student_t: { nu: z.number().min(2.1) },
  johnson_su: { skew: z.number(), tail: z.number().positive(), residual_size: z.number().positive() },
  mixture: { mixture_weights: numbers, mixture_sizes: numbers, residual_size: z.number().positive() },
  historical: { residuals: numbers.min(2), residual_size: z.number().positive() },
} as const;

/** Parses what a fit returned. Throws SWARM_E_SPEC_INVALID for parameters of another spec. */
export function partsOf<S extends Components, P>(
  volatility: Volatility<S, P>,
  fitted: Fitted,
  { spec, step_s }: CompileContext<S>,
): Parts<P> {
  const { profile, others } = profileOf(fitted, spec.profile !== undefined);
  const innovation = innovationOf(spec);
  const schema = z.strictObject({
    ...volatility.params.shape,
    ...SHAPE_PARAMS[innovation.kind],
    ...(innovation.jumps
      ? {
          jump_per_day: z.number().min(0),
          jump_size: z.number().positive(),
          residual_size: z.number().positive(),
        }
      : {}),
    ...(spec.dynamics ? { bounce: numbers.length(spec.dynamics.lags) } : {}),
    ...recalibrationParams(spec, step_s),
    scale: z.number().positive(),
  });
  parseParams(volatility.name, schema, others);
  const known = z.object({
    scale: z.number(),
    residual_size: z.number().default(1),
    bounce: numbers.optional(),
  });
  const { scale, residual_size: size, bounce } = parseParams(volatility.name, known, others);
  const params = parseParams(volatility.name, volatility.params, others);
  return { params, fitted: others, profile, bounce, scale: scale * size, size };
}
