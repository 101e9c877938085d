// Opening a live market: every slot of the profile that can be founded, empty series that the feed fills, a clock that is the wall's.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { REFERENCE_HOURLY_SIGMA } from '../../forecast/families/reference.js';
import { assertAssets, type Profile, profileAssets, slots as slotsOf } from '../../miner/sn50/profile.js';

/** Minutes, and the five minutes that are made of them. */
const STEPS = [60, 300] as const;

export async function liveMarket(
  admin: pg.Client,
  profile: Profile,
  wanted: readonly string[] | undefined,
): Promise<{ slots: string[]; dataset_digest: string; market_at: Date; data_from: Date; data_to: null }> {
  if (wanted !== undefined) assertAssets(profile, wanted);
  // An asset without a reference miner has nobody to begin with.
  const assets = wanted ?? profileAssets(profile).filter((asset) => asset in REFERENCE_HOURLY_SIGMA);
  const dataset_digest = createHash('sha256').update(`live ${profile.id} ${assets.join()}`).digest('hex');
  for (const asset of assets)
    for (const step_s of STEPS)
      await admin.query(
        `insert into market.series (asset, step_s, source, digest, rows) values ($1, $2, 'live', $3, 0)`,
        [asset, step_s, dataset_digest],
      );
  const now = new Date();
  return { slots: slotsOf(profile, assets), dataset_digest, market_at: now, data_from: now, data_to: null };
}
