// Fitted parameters at the compiler's door.
// Promises: parameters of another family, or broken ones, are refused by name. Leaves fitting to the families.
import type { ZodType } from 'zod';
import { ForecastError } from '../errors.js';
import type { Fitted } from './family.js';

/** Parses fitted parameters. Throws SWARM_E_SPEC_INVALID. */
export function parseParams<P>(family: string, schema: ZodType<P>, fitted: Fitted): P {
  const parsed = schema.safeParse(fitted);
  if (parsed.success) return parsed.data;
  const hint = 'compile what this family’s fit returned';
  throw new ForecastError(
    'SWARM_E_SPEC_INVALID',
    `${family}: parameters do not fit: ${parsed.error.message}`,
    hint,
  );
}
