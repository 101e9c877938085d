// Hyperliquid candles: POST /info candleSnapshot, string prices; coins of builder-deployed markets carry their dex ("xyz:CL").
// Promises: says how far back the source goes, so that nobody takes its short memory for a market that did not trade.
// Leaves to others: waiting, retrying and checking candles. Contract-tested, not run live.
import { z } from 'zod';
import { badResponse, type CandleSource, type Pace, type SourceOptions, stepName } from './source.js';

/** Weight 20 and 1 per 60 candles: 500 candles cost 29 of the 1200 that an address has per minute. */
export const HYPERLIQUID_PACE: Pace = { spacing_ms: 1500, limited_ms: 30_000 };
const BASE_URL = 'https://api.hyperliquid.xyz';
const PAGE_BARS = 500;
/** Only the most recent candles of each interval exist. */
const HISTORY_BARS = 5000;

const price = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .transform(Number);
const candle = z.object({ t: z.int(), s: z.string(), i: z.string(), o: price, h: price, l: price, c: price });
/** Unknown coins may be answered with null. */
const snapshot = z.array(candle).nullable();

export function hyperliquid(o: SourceOptions): CandleSource {
  const url = `${(o.base_url ?? BASE_URL).replace(/\/+$/, '')}/info`;
  return {
    name: 'hyperliquid',
    page_bars: PAGE_BARS,
    history_bars: HISTORY_BARS,
    async page({ symbol, step_s, from_s, to_s }) {
      const interval = stepName(step_s);
      // As for Binance, right whether or not the end is inclusive.
      const req = { coin: symbol, interval, startTime: from_s * 1000, endTime: to_s * 1000 - 1 };
      const named = `${url} (candleSnapshot ${symbol} ${interval} from ${req.startTime})`;
      const rows =
        (await o.requester.ask({ url, body: { type: 'candleSnapshot', req }, hint }, snapshot)) ?? [];
      const stranger = rows.find((r) => r.s !== symbol || r.i !== interval);
      if (stranger !== undefined)
        throw badResponse(named, `a candle of ${stranger.s} ${stranger.i} came back`);
      const candles = rows.map((r) => ({ open_s: r.t / 1000, open: r.o, high: r.h, low: r.l, close: r.c }));
      return { url: named, candles };
    },
  };
}

function hint(status: number): string | undefined {
  return status === 422 || status === 500
    ? 'Hyperliquid answers so to a coin it does not know: names are case-sensitive and carry their dex, such as xyz:CL.'
    : undefined;
}
