// What a market is measured on: the stored series behind its slots, and one digest over them.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { findCompetition, type Profile, parseSlot } from '../../miner/sn50/profile.js';

/** Assets of some slots, sorted. */
export const assetsOf = (slots: readonly string[]): string[] =>
  [...new Set(slots.map((slot) => parseSlot(slot).asset))].sort();

/** The series behind some slots, as `ASSET/step`, sorted. */
export function usedSeries(profile: Profile, slots: readonly string[]): string[] {
  const keys = slots.map((slot) => {
    const { competition, asset } = parseSlot(slot);
    return `${asset}/${findCompetition(profile, competition).increment_s}`;
  });
  return [...new Set(keys)].sort();
}

/** Digest over the stored series, their first bar, and the moment up to which all of them reach. */
export async function dataset(
  admin: pg.Client,
  used: readonly string[],
): Promise<{ digest: string; first_s: number; last_s: number }> {
  const { rows } = await admin.query<{ key: string; digest: string; first_s: string; last_s: string }>(
    `select s.asset || '/' || s.step_s as key, s.digest, min(b.open_s) as first_s, max(b.open_s) + s.step_s as last_s
     from market.series s join market.bar b on b.series_id = s.id where s.asset || '/' || s.step_s = any ($1) group by s.id`,
    [used],
  );
  const digest = createHash('sha256');
  for (const key of used) digest.update(`${key} ${rows.find((r) => r.key === key)!.digest}\n`);
  return {
    digest: digest.digest('hex'),
    first_s: Math.min(...rows.map((r) => Number(r.first_s))),
    last_s: Math.min(...rows.map((r) => Number(r.last_s))),
  };
}
