// The subnet's rules as dated data: one JSON file per state of the subnet, checked when it is loaded.
// Promises a frozen, self-consistent profile (every asset of a competition has a coefficient, a price source and
// exactly one place in its prompt cadence). Leaves the meaning of each rule to prompt, response and reward.
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { Sn50Error } from './errors.js';
import { OTHER } from './slot.js';

export {
  assertAssets,
  competitionFor,
  findCompetition,
  OTHER,
  parseSlot,
  profileAssets,
  type Slot,
  scoringIntervals,
  slotId,
  slots,
} from './slot.js';

const positive = z.number().positive();
const wholeMinutes = z.int().nonnegative().multipleOf(60);
const asset = z.string().regex(/^[A-Z0-9]{2,12}$/);
const assets = z.array(asset).nonempty().readonly();

/** One name the subnet scores under: `_abs` and `_gaps` in the name change how (crps_calculation.py). */
const interval = z.strictObject({ name: z.string().min(1), seconds: z.int().positive() }).readonly();

/** One validator process: a prompt every `every_s`, rotating over `assets`, on minutes = offset_s mod every_s. */
const cadence = z
  .strictObject({ assets, every_s: wholeMinutes.positive(), offset_s: wholeMinutes })
  .readonly();

const competition = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9_]+$/),
    label: z.string(),
    aliases: z.array(z.string()).readonly(),
    /** In rotation order. */
    assets,
    length_s: z.int().positive(),
    increment_s: z.int().positive(),
    num_simulations: z.int().positive(),
    intervals: z.array(interval).nonempty().readonly(),
    window_days: positive,
    softmax_beta: z.number().negative(),
    /** Share of the reward before normalisation. */
    coefficient: positive,
    /** start_time = floor_minute(now + 60 s) + this (round_time_to_minutes). */
    timeout_extra_s: wholeMinutes,
    thin: z
      .strictObject({
        older_than_s: z.int().positive(),
        bucket_s: z.int().positive(),
        key: z.enum(['smallest_id', 'salted_md5']),
      })
      .readonly(),
    cadence: z.array(cadence).nonempty().readonly(),
    /** Volatility term of the 1 h score; weight per block size, CRPS of block standard deviations in bps. */
    vol_crps: z
      .strictObject({
        enabled: z.boolean(),
        blocks: z
          .array(
            z.strictObject({ name: z.string(), seconds: z.int().positive(), weight: positive }).readonly(),
          )
          .readonly(),
      })
      .readonly()
      .optional(),
  })
  .readonly();

const schema = z
  .strictObject({
    id: z.string().regex(/^\d{4}-\d{2}$/),
    /** Where the rules were read, and how far to trust them. */
    status: z.string().min(1),
    notes: z.array(z.string()).readonly(),
    response_rule: z.enum(['digits8', 'float32e7']),
    prompt_score_rule: z.enum(['p90', 'cap10xmedian_p95']),
    /** A request may be scored once start + length + this has passed. */
    scoring_delay_s: z.int().nonnegative(),
    /** The subnet's advice to miners; null where it gives none. */
    answer_within_s: z.int().positive().nullable(),
    owner_burn: z
      .strictObject({ enabled: z.boolean(), uid: z.int().nonnegative(), test_uid: z.int().nonnegative() })
      .readonly(),
    coefficients: z.record(asset, positive).readonly(),
    default_coefficient: positive,
    price_sources: z
      .record(
        asset,
        z.strictObject({ kind: z.enum(['pyth', 'hyperliquid', 'binance']), symbol: z.string() }).readonly(),
      )
      .readonly(),
    competitions: z.array(competition).nonempty().readonly(),
  })
  .readonly()
  .superRefine((profile, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    const names = profile.competitions.flatMap((each) => [each.id, ...each.aliases]);
    if (new Set(names).size !== names.length) complain('competition ids and aliases must be unique');
    if (names.includes(OTHER)) complain(`no competition may be called ${OTHER}`);
    for (const each of profile.competitions) {
      const prompted = each.cadence.flatMap((process) => process.assets).sort();
      if (prompted.join() !== [...each.assets].sort().join())
        complain(`${each.id}: the cadence must prompt every asset of the competition exactly once`);
      if (each.length_s % each.increment_s !== 0)
        complain(`${each.id}: length is not a multiple of increment`);
      for (const { name, seconds } of each.intervals)
        if (seconds % each.increment_s !== 0 || seconds > each.length_s)
          complain(`${each.id}: interval ${name} does not fit the grid`);
      for (const name of each.assets) {
        if (!(name in profile.coefficients)) complain(`${each.id}: ${name} has no coefficient`);
        if (!(name in profile.price_sources)) complain(`${each.id}: ${name} has no price source`);
      }
    }
  });

export type Profile = z.infer<typeof schema>;
export type Competition = z.infer<typeof competition>;
export type ResponseRule = Profile['response_rule'];
export type PromptScoreRule = Profile['prompt_score_rule'];
export type PriceSource = Profile['price_sources'][string];

const folder = new URL('./profiles/', import.meta.url);
const loaded = new Map<string, Profile>();

/** Ids of the profiles that ship, oldest first. */
export function profileIds(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** Checks one profile's data. Throws `SWARM_E_PROFILE_INVALID` naming every fault. */
export function parseProfile(data: unknown, name: string): Profile {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new Sn50Error(
    'SWARM_E_PROFILE_INVALID',
    `profile ${name} is invalid: ${z.prettifyError(result.error)}`,
    'correct the profile file; every rule of the subnet lives there',
  );
}

/**
 * One dated state of the subnet's rules. Loaded once per process.
 * Throws `SWARM_E_UNKNOWN_PROFILE` listing the known ids.
 */
export function loadProfile(id: string): Profile {
  const known = loaded.get(id);
  if (known) return known;
  const ids = profileIds();
  if (!ids.includes(id))
    throw new Sn50Error(
      'SWARM_E_UNKNOWN_PROFILE',
      `unknown subnet profile ${JSON.stringify(id)}`,
      `use one of: ${ids.join(', ')}`,
    );
  const profile = parseProfile(JSON.parse(readFileSync(new URL(`${id}.json`, folder), 'utf8')), id);
  loaded.set(id, profile);
  return profile;
}
