// Recalibration as a component: what a spec asks of it, its parameters, and what a manifest states.
// Promises: one scale and one tail per block length that a competition of this horizon scores, shortest first.
// Leaves to others: fitting them (fit-recalibration.ts) and applying them (sampler/).
import { z } from 'zod';
import { ForecastError } from '../errors.js';
import type { CompileContext, Fitted } from '../families/family.js';
import { scoredBlocks_s } from '../families/spec-fields.js';
import { correctionSchema } from '../sampler/correction.js';
import { type Sampling, sweepsFor } from '../sampler/plan.js';
import type { Components } from './components.js';

/** What of a spec decides its recalibration: pools have one too. */
type Recalibrated = Pick<Components, 'horizon_s' | 'recalibration'>;

/**
 * Of what 1000 drawn paths score beyond a Gaussian law, placed ones keep 20% from 1000 simulated paths, 10% from 2000,
 * 5% from 4000 and 1% from 20,000, which takes three times as long as 4000.
 */
const SOURCE_PATHS = 4000;

/** Block lengths, seconds ascending. Throws SWARM_E_SPEC_INVALID where the horizon has none. */
export function recalibratedBlocks_s(
  { horizon_s }: Pick<Recalibrated, 'horizon_s'>,
  step_s: number,
): number[] {
  const within = scoredBlocks_s(horizon_s).filter((s) => s < horizon_s && s % step_s === 0);
  if (horizon_s % step_s === 0) return [...within, horizon_s];
  throw new ForecastError(
    'SWARM_E_SPEC_INVALID',
    `a horizon of ${horizon_s} s has no whole number of steps of ${step_s} s to recalibrate`,
    'choose a horizon that is a multiple of the step, or recalibrate by identity',
  );
}

/** Parameters that a spec's recalibration has, for a strict schema. */
export function recalibrationParams(spec: Recalibrated, step_s: number): z.ZodRawShape {
  if (spec.recalibration?.kind !== 'interval') return {};
  const each = recalibratedBlocks_s(spec, step_s).length;
  const { scale, tail } = correctionSchema.shape;
  return {
    recalibration_scales: z.array(scale).length(each),
    recalibration_tails: z.array(tail).length(each),
  };
}

/** Scales and tails under their names. */
export function corrections(scales: readonly number[], tails: readonly number[]): Fitted {
  return { recalibration_scales: scales, recalibration_tails: tails };
}

/** Parameters that correct nothing. */
export function identity(spec: Recalibrated, step_s: number): Fitted {
  const none = recalibratedBlocks_s(spec, step_s).map(() => 1);
  return corrections(none, none);
}

/** What the manifest states; undefined: paths are drawn. `fitted` has passed recalibrationParams. */
export function samplingOf(
  fitted: Fitted,
  { spec, step_s }: CompileContext<Recalibrated>,
): Sampling | undefined {
  const { recalibration, horizon_s } = spec;
  if (recalibration === undefined) return undefined;
  const stated = { source_paths: recalibration.source_paths ?? SOURCE_PATHS, sweeps: sweepsFor(horizon_s) };
  if (recalibration.kind === 'identity') return { ...stated, laws: [] };
  const scales = fitted['recalibration_scales'] as readonly number[];
  const tails = fitted['recalibration_tails'] as readonly number[];
  return {
    ...stated,
    laws: recalibratedBlocks_s(spec, step_s).map((seconds, k) => ({
      seconds,
      first: seconds === horizon_s,
      law: { scale: scales[k], tail: tails[k] },
    })),
  };
}
