// Pyth candles in TradingView's UDF form: GET <base>/history?symbol&resolution&from&to, arrays of numbers.
// Promises: long ranges are split, an error in a 200 answer is an error. Contract-tested, not run live.
// Leaves to others: waiting, retrying and checking candles, and getting a token where Pyth wants one.

import { z } from 'zod';
import { SwarmError } from '../../../blackboard/errors.js';
import { badResponse, type CandleSource, type Pace, type PageRequest, type SourceOptions } from './source.js';

/** 30 requests per 10 s is Pyth's general limit; a breach is answered with 429 for a minute. */
export const PYTH_PACE: Pace = { spacing_ms: 350, limited_ms: 60_000 };
/** The Benchmarks shim. Pyth's successor speaks the same form under another base, see docs/data.md. */
const BASE_URL = 'https://benchmarks.pyth.network/v1/shims/tradingview';
/** A day of minutes: no limit is documented, and this much has long been safe. */
const PAGE_BARS = 1440;

const prices = z.array(z.number());
const history = z.discriminatedUnion('s', [
  z.object({ s: z.literal('ok'), t: z.array(z.int()), o: prices, h: prices, l: prices, c: prices }),
  z.object({ s: z.literal('no_data') }),
  z.object({ s: z.literal('error'), errmsg: z.string().nullish() }),
]);

export function pyth(o: SourceOptions): CandleSource {
  return {
    name: 'pyth',
    page_bars: PAGE_BARS,
    async page(request) {
      const url = historyUrl(o.base_url ?? BASE_URL, request);
      const token = o.token === undefined ? {} : { token: o.token };
      const answer = await o.requester.ask({ url, hint, ...token }, history);
      if (answer.s === 'error') throw refused(url, answer.errmsg ?? 'no reason given');
      if (answer.s === 'no_data') return { url, candles: [] };
      const { t, o: open, h: high, l: low, c: close } = answer;
      if ([open, high, low, close].some((column) => column.length !== t.length))
        throw badResponse(url, 'malformed answer, t, o, h, l and c have different lengths');
      const candles = t.map((open_s, i) => ({
        open_s,
        open: open[i]!,
        high: high[i]!,
        low: low[i]!,
        close: close[i]!,
      }));
      return { url, candles };
    },
  };
}

function historyUrl(base: string, r: PageRequest): string {
  const url = new URL(`${base.replace(/\/+$/, '')}/history`);
  url.search = new URLSearchParams({
    symbol: r.symbol,
    resolution: String(r.step_s / 60),
    from: String(r.from_s),
    to: String(r.to_s - 1),
  }).toString();
  return url.toString();
}

function refused(url: string, reason: string): SwarmError {
  return new SwarmError(
    'SWARM_E_SOURCE_REFUSED',
    `${url}: ${reason}`,
    'Check the symbol, such as Crypto.BTC/USD, or name one with --symbol.',
  );
}

function hint(status: number): string | undefined {
  return [401, 403, 404, 410].includes(status)
    ? "Pyth announced the end of this shim for 2026-08-26: name its successor's base with --base-url and a token in SWARM_PYTH_TOKEN (docs/data.md)."
    : undefined;
}
