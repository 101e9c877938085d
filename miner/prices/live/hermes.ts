// Pyth Hermes: GET /v2/price_feeds for the ids of symbols, GET /v2/updates/price/latest for their prices.
// Promises: a price is an integer and a power of ten, read without loss; feeds that were not asked for are dropped.
// Leaves to others: waiting and retrying (sources/http.ts), and what a minute is. Contract-tested, not run live.
import { z } from 'zod';
import { SwarmError } from '../../../blackboard/errors.js';
import type { Requester } from '../sources/http.js';
import type { Pace } from '../sources/source.js';
import type { Quote } from './minutes.js';

/** 30 requests per 10 s is Pyth's general limit; a breach is answered with 429 for a minute. */
export const HERMES_PACE: Pace = { spacing_ms: 1000, limited_ms: 60_000 };
const BASE_URL = 'https://hermes.pyth.network';

const feeds = z.array(z.object({ id: z.string(), attributes: z.object({ symbol: z.string() }) }));
const price = z.object({ price: z.string().regex(/^-?\d+$/), expo: z.int(), publish_time: z.int() });
const latest = z.object({ parsed: z.array(z.object({ id: z.string(), price })) });

/** An integer and its power of ten as a price. */
export const scaledPrice = (digits: string, expo: number): number => Number(`${digits}e${expo}`);

const bare = (id: string): string => id.replace(/^0x/, '').toLowerCase();

export interface HermesOptions {
  readonly requester: Requester;
  readonly base_url?: string;
  /** Symbol by asset, such as `Crypto.BTC/USD`. */
  readonly symbols: ReadonlyMap<string, string>;
}

/** Asks for the latest price of every asset, again and again; ids are looked up once. */
export class Hermes {
  #assets: ReadonlyMap<string, string> | null = null;

  constructor(readonly options: HermesOptions) {}

  async poll(): Promise<Quote[]> {
    this.#assets ??= await this.#lookUp();
    const url = this.#url('/v2/updates/price/latest');
    for (const id of this.#assets.keys()) url.searchParams.append('ids[]', id);
    url.searchParams.set('parsed', 'true');
    const { parsed } = await this.options.requester.ask({ url: url.toString() }, latest);
    return parsed.flatMap(({ id, price: p }) => {
      const asset = this.#assets?.get(bare(id));
      return asset === undefined
        ? []
        : [{ asset, at_s: p.publish_time, price: scaledPrice(p.price, p.expo) }];
    });
  }

  async #lookUp(): Promise<ReadonlyMap<string, string>> {
    const url = this.#url('/v2/price_feeds').toString();
    const known = await this.options.requester.ask({ url }, feeds);
    const found = new Map<string, string>();
    for (const [asset, symbol] of this.options.symbols) {
      const feed = known.find(({ attributes }) => attributes.symbol === symbol);
      if (feed !== undefined) found.set(bare(feed.id), asset);
    }
    if (found.size > 0) return found;
    throw new SwarmError(
      'SWARM_E_SOURCE_REFUSED',
      `${url} knows none of ${[...this.options.symbols.values()].join(', ')}`,
      'Check the symbols of the profile.',
    );
  }

  #url(path: string): URL {
    return new URL(`${(this.options.base_url ?? BASE_URL).replace(/\/+$/, '')}${path}`);
  }
}
