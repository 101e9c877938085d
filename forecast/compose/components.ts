// The optional components of a spec: profile, innovation, dynamics and recalibration, beside the level of every model.
// Promises: a spec without any of them means what it meant before there were any.
// Leaves to others: the volatility process, which names the family.
import { z } from 'zod';
import { horizon, level, tail } from '../families/spec-fields.js';
import { MIN_NU } from '../fit/student.js';
import { profileSchema } from '../profile/index.js';

const fitted = (min: number, max: number) => z.union([z.literal('fit'), z.number().min(min).max(max)]);

/** Rare shocks of their own, of either sign; mean size in standard deviations of the other shocks. */
const jumps = z.strictObject({ per_day: fitted(0, 48), size: fitted(0.5, 20) }).optional();

const innovationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('gaussian'), jumps }),
  z.strictObject({ kind: z.literal('student_t'), nu: tail, jumps }),
  /** z -> sinh((z - skew) / tail), standardised. */
  z.strictObject({ kind: z.literal('johnson_su'), skew: fitted(-2, 2), tail: fitted(0.7, 20), jumps }),
  /** Normals of several sizes, each with its chance. */
  z.strictObject({ kind: z.literal('mixture'), components: z.number().int().min(2).max(3), jumps }),
  /** Past residuals themselves (filtered historical simulation), in blocks of consecutive ones. */
  z.strictObject({ kind: z.literal('historical'), block: z.number().int().min(1).max(288), jumps }),
]);
export type Innovation = z.infer<typeof innovationSchema>;
export type Jumps = NonNullable<Innovation['jumps']>;

/** Coefficients that add up to less than 1 in size make a stationary autoregression. */
export const MAX_BOUNCE = 0.8;

export function sizeOf(coefficients: readonly number[]): number {
  return coefficients.reduce((sum, c) => sum + Math.abs(c), 0);
}

/** Autoregression of standardised returns at short lags. There is no drift. */
const dynamicsSchema = z
  .strictObject({
    kind: z.literal('bounce'),
    lags: z.number().int().min(1).max(5),
    coefficients: z.union([z.literal('fit'), z.array(z.number().min(-0.5).max(0.5)).min(1).max(5)]),
  })
  .refine((d) => d.coefficients === 'fit' || d.coefficients.length === d.lags, {
    message: 'as many coefficients as lags',
  })
  .refine((d) => d.coefficients === 'fit' || sizeOf(d.coefficients) <= MAX_BOUNCE, {
    message: `coefficients must add up to at most ${MAX_BOUNCE} in size, to stay stationary`,
  });
export type Dynamics = z.infer<typeof dynamicsSchema>;

const source_paths = z.number().int().min(1000).max(50_000).optional();

/** Paths placed on quantiles instead of drawn; absent: drawn. */
export const recalibrationSchema = z.discriminatedUnion('kind', [
  /** Of the law as it is simulated. */
  z.strictObject({ kind: z.literal('identity'), source_paths }),
  /** Of that law with a fitted scale and tail per scored block length. */
  z.strictObject({ kind: z.literal('interval'), source_paths }),
]);

/** Fields of every composed spec. */
export const componentFields = {
  horizon_s: horizon,
  scale: level,
  /** Short for a Student-t innovation. Exactly one of nu and innovation. */
  nu: tail.optional(),
  innovation: innovationSchema.optional(),
  profile: profileSchema.optional(),
  dynamics: dynamicsSchema.optional(),
  recalibration: recalibrationSchema.optional(),
};
const componentsSchema = z.strictObject(componentFields);
export type Components = z.infer<typeof componentsSchema>;

/** For refine: whether a spec names its innovation once. */
export const namesOneInnovation = (s: Pick<Components, 'nu' | 'innovation'>): boolean =>
  (s.nu === undefined) !== (s.innovation === undefined);
export const ONE_INNOVATION = { message: 'give exactly one of nu and innovation' };

export function innovationOf(spec: Components): Innovation {
  return spec.innovation ?? { kind: 'student_t', nu: spec.nu ?? MIN_NU };
}
