// A spec: the declarative description of one model, and its identity.
// Promises: parsed strictly (unknown fields are refused); equal specs have equal digests.
// Leaves to others: what to try next.
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../canonical.js';
import { ForecastError } from '../errors.js';
import { constantSchema } from './constant.js';
import { egarchTSchema } from './egarch-t.js';
import { ewmaTSchema } from './ewma-t.js';
import { garchTSchema } from './garch-t.js';
import { gbmSchema } from './gbm.js';
import { harRvSchema } from './har-rv.js';
import { harSeasonMixSchema } from './har-season-mix-spec.js';
import { logSvSchema } from './log-sv.js';
import { poolSchemaOf } from './pool-schema.js';
import { recursionSchema } from './recursion.js';
import { regimeTSchema } from './regime-t.js';

const memberSchema = z.discriminatedUnion('family', [
  gbmSchema,
  ewmaTSchema,
  garchTSchema,
  constantSchema,
  egarchTSchema,
  harRvSchema,
  harSeasonMixSchema,
  logSvSchema,
  regimeTSchema,
  recursionSchema,
]);
export type MemberSpec = z.infer<typeof memberSchema>;
export const poolSchema = poolSchemaOf(memberSchema);
export type PoolSpec = z.infer<typeof poolSchema>;

export const specSchema = z.discriminatedUnion('family', [...memberSchema.options, poolSchema]);
export type Spec = z.infer<typeof specSchema>;

/** Parses unknown data as a spec. Throws SWARM_E_SPEC_INVALID naming the fields at fault. */
export function parseSpec(value: unknown): Spec {
  const parsed = specSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const what = parsed.error.issues.map((i) => `${i.path.join('.') || 'spec'}: ${i.message}`).join('; ');
  throw new ForecastError('SWARM_E_SPEC_INVALID', `not a spec: ${what}`, 'correct the named fields');
}

/** sha256 (hex) of the spec's canonical JSON. */
export function specDigest(spec: Spec): string {
  return sha256Hex(canonicalJson(spec));
}
