// Opening a live market: every slot of the profile that can be founded, a clock that is the wall's, and series that the feed
// goes on with: empty, or with recorded bars as their past.
// Promises: recorded bars end before the present, and 5-minute bars are made of 1-minute ones where only those were given.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { SwarmError } from '../../blackboard/errors.js';
import { REFERENCE_HOURLY_SIGMA } from '../../forecast/families/reference.js';
import { barFiles, storeBars } from '../../miner/prices/import.js';
import { assertAssets, type Profile, profileAssets, slots as slotsOf } from '../../miner/sn50/profile.js';

/** Minutes, and the five minutes that are made of them. */
const [MINUTE_S, FIVE_S] = [60, 300] as const;

interface LiveOpening {
  readonly slots: string[];
  readonly dataset_digest: string;
  readonly market_at: Date;
  readonly data_from: Date;
  readonly data_to: null;
}

/** `bars`: a directory of bar files to begin with. Throws SWARM_E_DATA_END where they reach beyond the present. */
export async function liveMarket(
  admin: pg.Client,
  profile: Profile,
  wanted: readonly string[] | undefined,
  bars?: string,
  progress: (line: string) => void = () => undefined,
): Promise<LiveOpening> {
  if (wanted !== undefined) assertAssets(profile, wanted);
  // An asset without a reference miner has nobody to begin with.
  const assets = wanted ?? profileAssets(profile).filter((asset) => asset in REFERENCE_HOURLY_SIGMA);
  const now = new Date();
  if (bars !== undefined) await past(admin, assets, bars, now, progress);
  const digest = createHash('sha256').update(`live ${profile.id} ${assets.join()}`);
  for (const asset of assets)
    for (const step_s of [MINUTE_S, FIVE_S]) {
      const { rows } = await admin.query<{ digest: string }>(
        'select digest from market.series where asset = $1 and step_s = $2',
        [asset, step_s],
      );
      if (rows[0] !== undefined) digest.update(`${asset}/${step_s} ${rows[0].digest}\n`);
    }
  const dataset_digest = digest.digest('hex');
  for (const asset of assets)
    for (const step_s of [MINUTE_S, FIVE_S])
      await admin.query(
        `insert into market.series (asset, step_s, source, digest, rows) values ($1, $2, 'live', $3, 0) on conflict do nothing`,
        [asset, step_s, dataset_digest],
      );
  for (const asset of bars === undefined ? [] : assets) await fivesOfMinutes(admin, asset);
  const { rows } = await admin.query<{ first: Date | null }>(
    'select to_timestamp(min(open_s)) as first from market.bar',
  );
  return {
    slots: slotsOf(profile, assets),
    dataset_digest,
    market_at: now,
    data_from: rows[0]!.first ?? now,
    data_to: null,
  };
}

/** Stores the files of those assets that have any. */
async function past(
  admin: pg.Client,
  assets: readonly string[],
  bars: string,
  now: Date,
  progress: (line: string) => void,
): Promise<void> {
  const there = new Set(barFiles(bars).map(({ asset }) => asset));
  const known = assets.filter((asset) => there.has(asset));
  if (known.length === 0)
    throw new SwarmError(
      'SWARM_E_DATA_MISSING',
      `${bars} has bars of none of ${assets.join(', ')}`,
      'Files are named like BTC_1m.csv.gz; `swarm data download` writes them.',
    );
  await storeBars(admin, bars, known, (one) => progress(`${one.file}: ${one.rows} bars`));
  const { rows } = await admin.query<{ asset: string; until: Date }>(
    `select s.asset, to_timestamp(max(b.open_s + s.step_s)) as until
     from market.series s join market.bar b on b.series_id = s.id group by s.asset order by until desc`,
  );
  const { asset, until } = rows[0]!;
  if (until > now)
    throw new SwarmError(
      'SWARM_E_DATA_END',
      `the bars of ${asset} end at ${until.toISOString()}, after the present`,
      'A live market begins now: give bars that have closed, and set the clock if it is behind.',
    );
}

/** Where an asset has recorded minutes alone: the whole five minutes of them, as the feed makes them. */
async function fivesOfMinutes(admin: pg.Client, asset: string): Promise<void> {
  await admin.query(
    `insert into market.bar (series_id, open_s, open, high, low, close)
     select five.id, b.open_s / $2 * $2, (array_agg(b.open order by b.open_s))[1], max(b.high), min(b.low),
            (array_agg(b.close order by b.open_s desc))[1]
     from market.series five
       join market.series minute on minute.asset = five.asset and minute.step_s = $3
       join market.bar b on b.series_id = minute.id
     where five.asset = $1 and five.step_s = $2 and not exists (select 1 from market.bar known where known.series_id = five.id)
       and b.open_s < (select max(open_s) + $3 from market.bar where series_id = minute.id) / $2 * $2
     group by five.id, b.open_s / $2`,
    [asset, FIVE_S, MINUTE_S],
  );
}
