// Binance spot klines: GET /api/v3/klines, string prices, at most 1000 candles a request.
// Promises: Binance's weight header is heeded before its limit is reached. Contract-tested, not run live.
// Leaves to others: waiting, retrying and checking candles.
import { z } from 'zod';
import type { CandleSource, Pace, PageRequest, SourceOptions } from './source.js';
import { stepName } from './source.js';

/** Weight 2 a request: 1200 of the 6000 that an address has per minute. */
export const BINANCE_PACE: Pace = { spacing_ms: 100, limited_ms: 60_000 };
const BASE_URL = 'https://api.binance.com';
const PAGE_BARS = 1000;
/** Other programs may share the address: above this, wait for the next minute. */
const WEIGHT_PAUSE = 4800;

const price = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .transform(Number);
const kline = z.tuple([z.int(), price, price, price, price], z.unknown());
const klines = z.array(kline).max(PAGE_BARS);
const refusal = z.object({ code: z.number(), msg: z.string() });

export function binance(o: SourceOptions): CandleSource {
  return {
    name: 'binance',
    page_bars: PAGE_BARS,
    async page(request) {
      const url = klinesUrl(o.base_url ?? BASE_URL, request);
      const rows = await o.requester.ask({ url, cooldown: weightCooldown, refusal: words, hint }, klines);
      const candles = rows.map(([t, open, high, low, close]) => ({
        open_s: t / 1000,
        open,
        high,
        low,
        close,
      }));
      return { url, candles };
    },
  };
}

function klinesUrl(base: string, r: PageRequest): string {
  const url = new URL(`${base.replace(/\/+$/, '')}/api/v3/klines`);
  url.search = new URLSearchParams({
    symbol: r.symbol,
    interval: stepName(r.step_s),
    startTime: String(r.from_s * 1000),
    // endTime bounds the open time; one millisecond less is right whether or not it is inclusive.
    endTime: String(r.to_s * 1000 - 1),
    limit: String(PAGE_BARS),
  }).toString();
  return url.toString();
}

function weightCooldown(headers: Headers, now_ms: number): number {
  const used = Number(headers.get('x-mbx-used-weight-1m') ?? 0);
  return used > WEIGHT_PAUSE ? 60_000 - (now_ms % 60_000) : 0;
}

function words(body: string): string | undefined {
  try {
    const { code, msg } = refusal.parse(JSON.parse(body));
    return `${msg} (${code})`;
  } catch {
    return undefined;
  }
}

function hint(status: number): string | undefined {
  return status === 451 || status === 403
    ? 'Binance does not serve this place: its public data host may, --base-url https://data-api.binance.vision'
    : undefined;
}
