// The spec of har_season_mix, and where a search for one starts.
// Promises: starts that the skill bench measures as they are.
// Leaves to others: what the fields do (har-season-mix.ts, direct/).
import { z } from 'zod';
import { assetClass } from '../asset-class.js';
import { ALWAYS_OPEN, homeWeek } from '../profile/home-week.js';
import { profileSchema } from '../profile/index.js';
import { horizon, scoredBlocks_s } from './spec-fields.js';

const HOUR = 3600;
const DAY = 86_400;

const seconds = z
  .number()
  .int()
  .min(60)
  .max(90 * 86_400);
const spans = z.array(seconds).max(12);

export const harSeasonMixSchema = z
  .strictObject({
    family: z.literal('har_season_mix'),
    horizon_s: horizon,
    profile: profileSchema,
    /** Half-lives of mean |return|, ascending; `level_s`, one of them, carries the level. */
    half_lives_s: spans.min(2),
    level_s: seconds,
    /** Half-lives of signed returns, and of how rough moves are compared with moves of a block. */
    signed_s: spans,
    rough_s: spans,
    /** Grid of history, seconds. */
    window_s: seconds,
    /** Horizons at which weights are free. */
    knots_s: z.array(z.number().int().min(1)).min(2).max(10),
    /** Lengths of the blocks that are fitted, and of first blocks. */
    blocks_s: z.array(seconds).min(1).max(8),
    first_s: z.array(seconds).max(16),
    ridge: z.number().min(0.001).max(1000),
    season_ridge: z.number().min(0.1).max(1000),
    /** Between training windows. */
    stride_s: seconds,
    /** 'pooled': shared with other assets, which the training data must bring along. */
    weights: z.enum(['own', 'pooled']),
    source_paths: z.number().int().min(1000).max(50_000),
  })
  .refine((s) => s.half_lives_s.includes(s.level_s), { message: 'level_s must be one of half_lives_s' });
export type HarSeasonMixSpec = z.infer<typeof harSeasonMixSchema>;

/** A spec to start from; by asset where its market closes, by horizon as the competitions differ. */
export function harSeasonMixStart(asset: string, horizon_s: number): HarSeasonMixSpec {
  const spec = horizon_s > 3 * HOUR ? dayStart(horizon_s) : hourStart(horizon_s);
  return assetClass(asset) === 'crypto' ? spec : closingStart(spec, asset, horizon_s);
}

/** Markets that close at night or at weekends, shares on New York's holidays too. They have less history: fewer spans over a day, and a strong ridge. */
function closingStart(spec: HarSeasonMixSpec, asset: string, horizon_s: number): HarSeasonMixSpec {
  const profile = homeWeek(asset);
  if (horizon_s <= 3 * HOUR) return { ...spec, profile };
  return {
    ...spec,
    profile,
    half_lives_s: [HOUR, 6 * HOUR, DAY, 3 * DAY, 10 * DAY],
    signed_s: [],
    rough_s: [],
    ridge: 20,
    season_ridge: 30,
    stride_s: HOUR,
    window_s: 40 * DAY,
  };
}

function dayStart(horizon_s: number): HarSeasonMixSpec {
  return {
    family: 'har_season_mix',
    horizon_s,
    profile: ALWAYS_OPEN,
    half_lives_s: [1800, HOUR, 3 * HOUR, 8 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 25 * DAY],
    level_s: DAY,
    signed_s: [HOUR, 8 * HOUR, 3 * DAY],
    rough_s: [12 * HOUR, 3 * DAY],
    window_s: 60 * DAY,
    knots_s: [300, 900, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR],
    blocks_s: scoredBlocks_s(horizon_s),
    first_s: [],
    ridge: 2,
    season_ridge: 3,
    stride_s: 2 * HOUR,
    weights: 'own',
    source_paths: 4000,
  };
}

function hourStart(horizon_s: number): HarSeasonMixSpec {
  return {
    family: 'har_season_mix',
    horizon_s,
    profile: ALWAYS_OPEN,
    half_lives_s: [120, 300, 600, 1800, HOUR, 3 * HOUR, 8 * HOUR, DAY, 3 * DAY],
    level_s: 1800,
    signed_s: [300, 1800, 4 * HOUR],
    rough_s: [HOUR, 6 * HOUR],
    window_s: 10 * DAY,
    knots_s: [60, 240, 900, HOUR],
    blocks_s: scoredBlocks_s(horizon_s),
    first_s: [300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300],
    ridge: 2,
    season_ridge: 3,
    stride_s: 1200,
    weights: 'own',
    source_paths: 4000,
  };
}
