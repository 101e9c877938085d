// Spec fields that several families share.
// Promises: one meaning and one range per name. Leaves combining them to the families.
import { z } from 'zod';
import { MAX_LEVEL, MIN_LEVEL } from '../fit/level.js';
import { MIN_NU } from '../fit/student.js';

/** Horizon in seconds that the level is fitted for. */
export const horizon = z
  .number()
  .int()
  .min(300)
  .max(7 * 86_400);
/** Factor on standard deviations: a number, or 'fit' to minimise CRPS on the training bars. */
export const level = z.union([z.literal('fit'), z.number().min(MIN_LEVEL).max(MAX_LEVEL)]);
/** Degrees of freedom: a number (200 and more: Gaussian), or 'fit' for maximum likelihood. */
export const tail = z.union([z.literal('fit'), z.number().min(MIN_NU).max(1000)]);

/** Lengths of the blocks, seconds ascending, that competitions with a horizon like this one score one after the other. */
export function scoredBlocks_s(horizon_s: number): number[] {
  return horizon_s > 3 * 3600 ? [300, 1800, 10_800, 86_400] : [60, 120, 300, 900, 1800, 3600];
}
