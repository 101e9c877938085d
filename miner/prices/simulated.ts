// The simulated market's bars: written ahead of the clock, day by day, and hidden by it until their time.

import type { Db } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { aggregate, type OhlcBars, type SimulatedMarket } from '../market/simulated.js';

const DAY_S = 86_400;

/** Series of one asset that a simulated market fills: minutes, and five-minute bars made of them. */
export const SIMULATED_STEPS = [60, 300] as const;

/** Unnest-ready columns of bars. */
export const columnsOf = (bars: OhlcBars): number[][] =>
  [bars.open_s, bars.open, bars.high, bars.low, bars.close].map((c) => Array.from(c));

/** Both series of one asset for whole days [from_s, to_s). */
export function simulatedBars(
  market: SimulatedMarket,
  from_s: number,
  to_s: number,
): { step_s: number; bars: OhlcBars }[] {
  const minutes = market.minuteBars(from_s, to_s);
  return SIMULATED_STEPS.map((step_s) => ({
    step_s,
    bars: step_s === 60 ? minutes : aggregate(minutes, step_s),
  }));
}

/** Writes days until `ahead_days` past the market's reading; true when anything was written. */
export async function writeAhead(
  db: Db,
  markets: readonly SimulatedMarket[],
  now_s: number,
  ahead_days: number,
): Promise<boolean> {
  let wrote = false;
  const series = await db.selectFrom('market.series').select(['id', 'asset', 'step_s']).execute();
  for (const market of markets) {
    const mine = series.filter((s) => s.asset === market.asset);
    const newest = await db
      .selectFrom('market.bar')
      .select((eb) => eb.fn.max<number>('open_s').as('open_s'))
      .where(
        'series_id',
        'in',
        mine.map((s) => s.id),
      )
      .groupBy('series_id')
      .execute();
    // From the series that lags: a feed that died between two series of one day completes it.
    const from_s = Math.ceil((Math.min(...newest.map((n) => n.open_s)) + 1) / DAY_S) * DAY_S;
    const to_s = (Math.floor(now_s / DAY_S) + 1 + ahead_days) * DAY_S;
    for (let day = from_s; day < to_s; day += DAY_S) {
      for (const { step_s, bars } of simulatedBars(market, day, day + DAY_S)) {
        const id = mine.find((s) => s.step_s === step_s)!.id;
        const rows = Array.from(bars.open_s, (open_s, i) => ({
          series_id: id,
          open_s,
          open: bars.open[i]!,
          high: bars.high[i]!,
          low: bars.low[i]!,
          close: bars.close[i]!,
        }));
        await db
          .insertInto('market.bar')
          .values(rows)
          .onConflict((c) => c.doNothing())
          .execute();
        await debugPoint('feed.half-day');
      }
      await debugPoint('feed.day-written');
      wrote = true;
    }
  }
  return wrote;
}
