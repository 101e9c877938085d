// The shared market as an agent sees it: the clock's reading and closed bars up to the login's own horizon.
// Visibility is decided by the database (market.visible_until); this module only decodes and keeps what it has read.
import { sql } from 'kysely';
import type { Db } from './db.js';
import { SwarmError } from './errors.js';

export type MarketSource = 'replay' | 'simulated' | 'live';

export interface MarketClock {
  readonly source: MarketSource;
  readonly dataset_digest: string;
  readonly seed: string;
  readonly profile: string;
  /** The slots that this market opens. */
  readonly slots: readonly string[];
  /** Market seconds per wall second. */
  readonly speed: number;
  readonly data_from: Date;
  readonly data_to: Date | null;
  readonly note: string;
  /** Market time when it was read. */
  readonly market_now: Date;
}

/** Bars of one series: `open_s` unix seconds, `close` prices, strictly increasing in time, gaps left as they are. */
export interface BarSeries {
  readonly asset: string;
  readonly step: number;
  readonly open_s: Float64Array;
  readonly close: Float64Array;
}

export async function readClock(db: Db): Promise<MarketClock> {
  const row = await db.selectFrom('fleet.clock').selectAll().executeTakeFirst();
  if (row === undefined || row.market_now === null)
    throw new SwarmError(
      'SWARM_E_DATA_MISSING',
      'no market has been opened on this blackboard',
      'Start one with `swarm up --bars DIR`, `--market simulated` or `--market live`.',
    );
  return row as unknown as MarketClock;
}

export async function marketNow(db: Db): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select market.now() as now`.execute(db);
  return rows[0]!.now;
}

const BAR_BYTES = 16;

function decode(packed: Buffer): { open_s: Float64Array; close: Float64Array } {
  const n = packed.length / BAR_BYTES;
  const open_s = new Float64Array(n);
  const close = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    open_s[i] = packed.readInt32BE(i * BAR_BYTES) * 4294967296 + packed.readUInt32BE(i * BAR_BYTES + 4);
    close[i] = packed.readDoubleBE(i * BAR_BYTES + 8);
  }
  return { open_s, close };
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

/** Visible bars of one series in [from_s, to_s), straight from the database. */
export async function readBars(
  db: Db,
  asset: string,
  step: number,
  from_s: number,
  to_s: number,
): Promise<BarSeries> {
  const { rows } = await sql<{
    packed: Buffer;
  }>`select market.bars(${asset}, ${step}::int, ${Math.floor(from_s)}::bigint, ${Math.floor(to_s)}::bigint) as packed`.execute(
    db,
  );
  return { asset, step, ...decode(rows[0]!.packed) };
}

const FOREVER_S = 4_000_000_000;

/** A stretch of so many steps up to the present, which moves with it: what a process that runs for months may keep. */
export interface RecentBars {
  readonly now_s: number;
  readonly steps: number;
}

/** Keeps the bars of the series it was asked for and reads only what is new. One reader per process. */
export class BarReader {
  readonly #kept = new Map<string, BarSeries>();

  constructor(
    readonly db: Db,
    /** Where history starts for this reader. */
    readonly from: number | RecentBars,
  ) {}

  /** All visible bars of a series from where history starts. */
  async series(asset: string, step: number): Promise<BarSeries> {
    const key = `${asset}/${step}`;
    const kept = this.#kept.get(key);
    const from_s =
      kept === undefined || kept.open_s.length === 0
        ? this.#start(step)
        : kept.open_s[kept.open_s.length - 1]! + step;
    const fresh = await readBars(this.db, asset, step, from_s, FOREVER_S);
    const all = kept === undefined ? fresh : fresh.open_s.length === 0 ? kept : this.#extended(kept, fresh);
    this.#kept.set(key, all);
    return all;
  }

  #start(step: number): number {
    return typeof this.from === 'number' ? this.from : this.from.now_s - this.from.steps * step;
  }

  #extended(kept: BarSeries, fresh: BarSeries): BarSeries {
    const { asset, step } = kept;
    const open_s = joined(kept.open_s, fresh.open_s);
    const close = joined(kept.close, fresh.close);
    if (typeof this.from === 'number') return { asset, step, open_s, close };
    const oldest_s = open_s[open_s.length - 1]! - this.from.steps * step;
    let dropped = 0;
    while (open_s[dropped]! < oldest_s) dropped += 1;
    return { asset, step, open_s: open_s.subarray(dropped), close: close.subarray(dropped) };
  }
}
