// Opening the market of a home: recorded bars or a simulation, once; later starts continue where the clock stood.
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { sha256 } from '../../blackboard/artifacts.js';
import { SwarmError } from '../../blackboard/errors.js';
import type { MarketSource } from '../../blackboard/market.js';
import { referenceSpec } from '../../forecast/families/index.js';
import { simulatedMarket } from '../../miner/market/simulated.js';
import { AHEAD_DAYS } from '../../miner/prices/feed.js';
import { importBars, inTransaction, storeBars } from '../../miner/prices/import.js';
import { columnsOf, SIMULATED_STEPS, simulatedBars } from '../../miner/prices/simulated.js';
import { assertAssets, type Profile, slots as slotsOf } from '../../miner/sn50/profile.js';
import { assetsOf, dataset, usedSeries } from './dataset.js';
import { liveMarket } from './live.js';

export interface MarketChoice {
  readonly source: MarketSource;
  /** Directory of bar files: a replay's own, or a live market's past, read when its home is opened. */
  readonly bars?: string | undefined;
  readonly assets?: readonly string[] | undefined;
  readonly speed: number;
  readonly seed: string;
  readonly profile: Profile;
  /** Market instant at which a replay begins; default: REPLAY_DAYS before its bars end. */
  readonly from?: Date | undefined;
  /** The beacon is drawn from the seed instead of at random: for runs that must repeat. */
  readonly repeatable?: boolean;
}

export interface OpenedMarket {
  readonly slots: readonly string[];
  readonly dataset_digest: string;
  readonly market_at: Date;
  readonly data_to: Date | null;
  readonly continued: boolean;
}

type Progress = (line: string) => void;

const DAY_S = 86_400;
/** What agents need before a market's first instant: hidden, public and training windows with their gaps (see docs/forecast.md). */
const SIMULATED_HISTORY_DAYS = 160;
/** 2024-06-10: the simulation's epoch, 2024-01-01, plus its history. */
const SIMULATED_START_S = 1_704_067_200 + (SIMULATED_HISTORY_DAYS + 1) * DAY_S;
const SIMULATED_ASSETS = ['BTC', 'ETH'];
/** A replay begins this long before its bars end, so that as much as possible lies before it. */
const REPLAY_DAYS = 17;

/** Stores bars, writes the clock's first (held) row, and says what the market is. */
export async function openMarket(
  admin: pg.Client,
  choice: MarketChoice,
  progress: Progress,
): Promise<OpenedMarket> {
  const known = await admin.query<KnownClock>(
    'select source, dataset_digest, seed, profile, slots, data_to from market.clock order by id desc limit 1',
  );
  if (known.rows[0] !== undefined) return continueMarket(admin, choice, known.rows[0], progress);
  await admin.query('insert into board.beacon (secret) values ($1) on conflict do nothing', [
    choice.repeatable ? sha256(`beacon ${choice.seed}`) : randomBytes(32).toString('hex'),
  ]);
  // Bars and clock in one transaction: a start that fails or is killed leaves a home that can still become any market.
  const opened = await inTransaction(admin, async () => {
    const open = { simulated: openSimulated, replay: openReplay, live: openLive }[choice.source];
    const fresh = await open(admin, choice, progress);
    // Every slot is founded with the reference miner: an asset it does not know cannot be opened.
    for (const asset of assetsOf(fresh.slots)) referenceSpec(asset);
    await admin.query(
      `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed, note) values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 'opened')`,
      [
        choice.source,
        fresh.dataset_digest,
        choice.seed,
        choice.profile.id,
        fresh.slots,
        fresh.market_at,
        fresh.data_from,
        fresh.data_to,
      ],
    );
    return fresh;
  });
  await admin.query('analyze market.bar');
  return { ...opened, continued: false };
}

interface KnownClock {
  readonly source: string;
  readonly dataset_digest: string;
  readonly seed: string;
  readonly profile: string;
  readonly slots: string[];
  readonly data_to: Date | null;
}

/** Lets market time run, or holds it at its present reading with speed 0. */
export async function setSpeed(admin: pg.Client, speed: number, note: string): Promise<void> {
  await admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed, note)
     select source, dataset_digest, seed, profile, slots, market.now(), data_from, data_to, $1, $2 from market.clock order by id desc limit 1`,
    [speed, note],
  );
}

/** Throws SWARM_E_DATA_CONFLICT when the arguments ask for another market than the home's. */
function assertSameMarket(choice: MarketChoice, known: KnownClock): void {
  const conflict = (has: string, hint: string): SwarmError =>
    new SwarmError('SWARM_E_DATA_CONFLICT', `this home runs ${has}`, `${hint}, or name another with --home.`);
  if (known.source !== choice.source)
    throw conflict(
      `a ${known.source} market, not a ${choice.source} one`,
      'A home keeps one market: start it with the market it has',
    );
  if (known.profile !== choice.profile.id)
    throw conflict(`profile ${known.profile}, not ${choice.profile.id}`, `Give --profile ${known.profile}`);
  if (known.source === 'simulated' && known.seed !== choice.seed)
    throw conflict(
      `the simulated market of seed ${known.seed}, not of ${choice.seed}`,
      `Give --seed ${known.seed}`,
    );
  const assets = assetsOf(known.slots);
  const wanted = [...new Set(choice.assets ?? assets)].sort();
  if (wanted.join() !== assets.join())
    throw conflict(known.slots.join(', '), `Leave --assets out, or as it was: ${assets.join()}`);
}

async function continueMarket(
  admin: pg.Client,
  choice: MarketChoice,
  known: KnownClock,
  progress: Progress,
): Promise<OpenedMarket> {
  assertSameMarket(choice, known);
  const { slots } = known;
  let { dataset_digest, data_to } = known;
  if (choice.source === 'replay' && choice.bars !== undefined) {
    for (const one of await importBars(admin, choice.bars, assetsOf(slots), () => undefined))
      if (one.added > 0) progress(`${one.added} new bars from ${one.file}`);
    // Also bars that `swarm data import` brought meanwhile: the clock runs on to their end.
    const data = await dataset(admin, usedSeries(choice.profile, slots));
    dataset_digest = data.digest;
    data_to = new Date(data.last_s * 1000);
  }
  // A swarm that was killed did not hold its clock: it stood where it was last seen alive.
  const seen = await admin.query<{ market_at: Date }>(
    `select least(market.now(), greatest((select market_at from market.clock order by id desc limit 1), (select max(market_at) from board.presence))) as market_at`,
  );
  const market_at = choice.source === 'live' ? new Date() : seen.rows[0]!.market_at;
  await admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed, note)
     select source, $2, seed, profile, slots, $1, data_from, $3, 0, 'continued' from market.clock order by id desc limit 1`,
    [market_at, dataset_digest, data_to],
  );
  return { slots, dataset_digest, market_at, data_to, continued: true };
}

type Fresh = Omit<OpenedMarket, 'continued'> & { data_from: Date };

async function openReplay(admin: pg.Client, choice: MarketChoice, progress: Progress): Promise<Fresh> {
  if (choice.bars === undefined)
    throw new SwarmError('SWARM_E_USAGE', 'a replay needs bars', 'Name a directory with --bars DIR.');
  if (choice.assets !== undefined) assertAssets(choice.profile, choice.assets);
  const files = await storeBars(admin, choice.bars, choice.assets, (one) =>
    progress(`${one.file}: ${one.rows} bars`),
  );
  const series = new Set(files.map((f) => `${f.asset}/${f.step_s}`));
  const slots = slotsOf(choice.profile, choice.assets).filter((slot) =>
    usedSeries(choice.profile, [slot]).every((key) => series.has(key)),
  );
  const without = (choice.assets ?? []).filter((asset) => !assetsOf(slots).includes(asset));
  if (slots.length === 0 || without.length > 0)
    throw new SwarmError(
      'SWARM_E_DATA_MISSING',
      `${choice.bars} has bars for no slot of ${without.join(', ') || `profile ${choice.profile.id}`}`,
      'A 24 h slot needs 5-minute bars, a 1 h slot 1-minute bars.',
    );
  const { digest, first_s, last_s } = await dataset(admin, usedSeries(choice.profile, slots));
  const market_at = choice.from ?? new Date((Math.floor(last_s / DAY_S) - REPLAY_DAYS) * DAY_S * 1000);
  if (market_at.getTime() / 1000 >= last_s || market_at.getTime() / 1000 <= first_s)
    throw new SwarmError(
      'SWARM_E_DATA_END',
      `the replay would begin at ${market_at.toISOString()}, outside its bars (${iso(first_s)} to ${iso(last_s)})`,
      'Choose another start with --from.',
    );
  return {
    slots,
    dataset_digest: digest,
    market_at,
    data_from: new Date(first_s * 1000),
    data_to: new Date(last_s * 1000),
  };
}

const iso = (s: number): string => new Date(s * 1000).toISOString();

const openLive = (admin: pg.Client, choice: MarketChoice, progress: Progress): Promise<Fresh> =>
  liveMarket(admin, choice.profile, choice.assets, choice.bars, progress);

async function openSimulated(admin: pg.Client, choice: MarketChoice, progress: Progress): Promise<Fresh> {
  const assets = choice.assets ?? SIMULATED_ASSETS;
  assertAssets(choice.profile, assets);
  const slots = slotsOf(choice.profile, assets);
  const from_s = SIMULATED_START_S - SIMULATED_HISTORY_DAYS * DAY_S;
  const to_s = SIMULATED_START_S + (AHEAD_DAYS + 1) * DAY_S;
  const digest = createHash('sha256');
  const imported = await admin.query<{ asset: string }>('select asset from market.series limit 1');
  if (imported.rows[0] !== undefined)
    throw new SwarmError(
      'SWARM_E_DATA_CONFLICT',
      `this home holds imported bars of ${imported.rows[0].asset}`,
      'Recorded and simulated bars never share a home: name another with --home.',
    );
  for (const asset of [...new Set(assets)].sort()) {
    const market = simulatedMarket(choice.seed, asset);
    digest.update(`${market.describe()} seed ${choice.seed}\n`);
    for (const { step_s, bars } of simulatedBars(market, from_s, to_s)) {
      const { rows } = await admin.query<{ id: number }>(
        `insert into market.series (asset, step_s, source, digest, rows) values ($1, $2, 'simulated', $3, $4) returning id`,
        [asset, step_s, sha256(market.describe()), bars.open_s.length],
      );
      const columns = columnsOf(bars);
      for (let at = 0; at < bars.open_s.length; at += 50_000)
        await admin.query(
          'insert into market.bar (series_id, open_s, open, high, low, close) select $1, * from unnest($2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])',
          [rows[0]!.id, ...columns.map((c) => c.slice(at, at + 50_000))],
        );
    }
    progress(
      `${asset}: ${SIMULATED_HISTORY_DAYS} days of simulated bars in steps of ${SIMULATED_STEPS.join(' and ')} s`,
    );
  }
  return {
    slots,
    dataset_digest: digest.digest('hex'),
    market_at: new Date(SIMULATED_START_S * 1000),
    data_from: new Date(from_s * 1000),
    data_to: null,
  };
}
