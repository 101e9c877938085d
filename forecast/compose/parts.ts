// Fitted parameters of a composed model, told apart by component.
// Promises: what no component of the spec has is refused, and so is what one of them lacks.
// Leaves to others: fitting (compose.ts), and what the parameters mean.
import { z } from 'zod';
import type { CompileContext, Fitted } from '../families/family.js';
import { parseParams } from '../families/params.js';
import { type Components, innovationOf } from './components.js';
import { recalibrationParams } from './recalibration.js';
import { profileOf } from './season.js';
import type { Volatility } from './volatility.js';

export interface Parts<P> {
  readonly params: P;
  readonly fitted: Fitted;
  readonly profile: Fitted;
  readonly bounce: readonly number[] | undefined;
  readonly scale: number;
}

const numbers = z.array(z.number());
const SHAPE_PARAMS = {
  gaussian: {},
  student_t: { nu: z.number().min(2.1) },
  johnson_su: { skew: z.number(), tail: z.number().positive() },
  mixture: { mixture_weights: numbers, mixture_sizes: numbers },
  historical: { residuals: numbers.min(2) },
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
    ...(innovation.jumps ? { jump_per_day: z.number().min(0), jump_size: z.number().positive() } : {}),
    ...(spec.dynamics ? { bounce: numbers.length(spec.dynamics.lags) } : {}),
    ...recalibrationParams(spec, step_s),
    scale: z.number().positive(),
  });
  parseParams(volatility.name, schema, others);
  const known = z.object({ scale: z.number(), bounce: numbers.optional() });
  const { scale, bounce } = parseParams(volatility.name, known, others);
  const params = parseParams(volatility.name, volatility.params, others);
  return { params, fitted: others, profile, bounce, scale };
}
