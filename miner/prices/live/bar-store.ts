// Where live bars are kept: minutes as they were believed, and five-minute bars of them once their time is over.
// Promises: what is stored is never changed; a bar that was stored before is left as it is, so that a restart repeats nothing.
import type { Db } from '../../../blackboard/db.js';
import type { Candle } from '../sources/source.js';

const MINUTE_S = 60;
const FIVE_S = 300;

export class BarStore {
  readonly #series = new Map<string, number>();

  constructor(readonly db: Db) {}

  /** The newest minute of an asset. */
  async last(asset: string): Promise<Candle | null> {
    const row = await this.db
      .selectFrom('market.bar')
      .select(['open_s', 'open', 'high', 'low', 'close'])
      .where('series_id', '=', await this.#id(asset, MINUTE_S))
      .orderBy('open_s', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : { ...row, open_s: Number(row.open_s) };
  }

  /** Minutes in order of time. */
  async add(asset: string, minutes: readonly Candle[]): Promise<void> {
    const newest = minutes.at(-1);
    if (newest === undefined) return;
    await this.#insert(await this.#id(asset, MINUTE_S), minutes);
    const from_s = Math.floor(minutes[0]!.open_s / FIVE_S) * FIVE_S;
    // The bar that is still open comes with its last minute, or with the first one after it.
    const to_s = Math.floor((newest.open_s + MINUTE_S) / FIVE_S) * FIVE_S;
    const rows = await this.db
      .selectFrom('market.bar')
      .select(['open_s', 'open', 'high', 'low', 'close'])
      .where('series_id', '=', await this.#id(asset, MINUTE_S))
      .where('open_s', '>=', from_s - FIVE_S)
      .where('open_s', '<', to_s)
      .orderBy('open_s')
      .execute();
    await this.#insert(
      await this.#id(asset, FIVE_S),
      fives(rows.map((r) => ({ ...r, open_s: Number(r.open_s) }))),
    );
  }

  async #insert(series_id: number, candles: readonly Candle[]): Promise<void> {
    const BATCH = 5000;
    for (let at = 0; at < candles.length; at += BATCH)
      await this.db
        .insertInto('market.bar')
        .values(candles.slice(at, at + BATCH).map((c) => ({ series_id, ...c })))
        .onConflict((c) => c.doNothing())
        .execute();
  }

  async #id(asset: string, step_s: number): Promise<number> {
    const key = `${asset}/${step_s}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const { id } = await this.db
      .selectFrom('market.series')
      .select('id')
      .where('asset', '=', asset)
      .where('step_s', '=', step_s)
      .executeTakeFirstOrThrow();
    this.#series.set(key, id);
    return id;
  }
}

/** Five-minute bars of the minutes that there are. */
function fives(minutes: readonly Candle[]): Candle[] {
  const bars = new Map<number, Candle>();
  for (const m of minutes) {
    const open_s = Math.floor(m.open_s / FIVE_S) * FIVE_S;
    const bar = bars.get(open_s) ?? { ...m, open_s };
    bars.set(open_s, {
      ...bar,
      high: Math.max(bar.high, m.high),
      low: Math.min(bar.low, m.low),
      close: m.close,
    });
  }
  return [...bars.values()];
}
