// The spec of a pool: its members' specs and their weights.
// Promises: members of one horizon, none of them a pool, whose parameters together fit a manifest.
// Leaves to others: the members' own schemas.
import { z } from 'zod';
import { type Innovation, recalibrationSchema } from '../compose/components.js';
import { horizon } from './spec-fields.js';

type Member = {
  readonly family: string;
  readonly horizon_s?: number;
  readonly innovation?: Innovation | undefined;
  readonly recalibration?: unknown;
};

export function poolSchemaOf<M extends z.ZodType<Member>>(member: M) {
  return z
    .strictObject({
      family: z.literal('pool'),
      horizon_s: horizon,
      members: z.array(member).min(2).max(6),
      /** Shares of the paths, or 'fit' to minimise CRPS on the last part of the training bars. */
      weights: z.union([z.literal('fit'), z.array(z.number().min(0).max(1)).min(2).max(6)]),
      recalibration: recalibrationSchema.optional(),
    })
    .refine((s) => s.members.every((m) => m.recalibration === undefined), {
      message: 'the pool is recalibrated as a whole, its members are not',
    })
    .refine((s) => s.members.every((m) => m.horizon_s === undefined || m.horizon_s === s.horizon_s), {
      message: 'members must have the horizon of the pool',
    })
    .refine((s) => s.weights === 'fit' || s.weights.length === s.members.length, {
      message: 'as many weights as members',
    })
    .refine((s) => s.weights === 'fit' || Math.abs(s.weights.reduce((a, b) => a + b, 0) - 1) < 1e-6, {
      message: 'weights must add up to 1',
    })
    .refine((s) => s.members.reduce((sum, m) => sum + tableSize(m), 0) <= MAX_TABLES, {
      message: 'the residual tables of so many historical members do not fit a manifest',
    });
}

/** Sixty thousand characters, at ten to a number. */
const MAX_TABLES = 6000;

function tableSize({ innovation }: Member): number {
  if (innovation?.kind !== 'historical') return 0;
  return innovation.block === 1 ? 833 : 4096;
}
