// What a source of candles is, and what every candle must satisfy whoever sends it.
// Promises: a page that passes `checkPage` is on the grid, increasing, positive and finite; errors name the URL.
// Leaves to others: the wire forms (binance, hyperliquid, pyth), waiting and retrying (http), asking on (range).
import { SwarmError } from '../../../blackboard/errors.js';
import type { Requester } from './http.js';

export interface Candle {
  /** Unix seconds. */
  readonly open_s: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

export interface PageRequest {
  readonly symbol: string;
  readonly step_s: number;
  /** First and one past the last bar open, unix seconds on the grid. */
  readonly from_s: number;
  readonly to_s: number;
}

export interface Page {
  /** Names the request in errors. */
  readonly url: string;
  readonly candles: readonly Candle[];
}

export interface CandleSource {
  readonly name: SourceName;
  /** Most bars that one request may ask for. */
  readonly page_bars: number;
  /** How far back the source goes, in bars before now; absent when it has no such limit. */
  readonly history_bars?: number;
  page(request: PageRequest): Promise<Page>;
}

export const SOURCE_NAMES = ['binance', 'hyperliquid', 'pyth'] as const;
export type SourceName = (typeof SOURCE_NAMES)[number];

/** How a source's requests are paced. */
export interface Pace {
  /** Least milliseconds between two requests. */
  readonly spacing_ms: number;
  /** Wait after a 429 that names no Retry-After. */
  readonly limited_ms: number;
}

export interface SourceOptions {
  readonly base_url?: string;
  /** Bearer token, where a source wants one. */
  readonly token?: string;
  readonly requester: Requester;
}

export const STEPS = { '1m': 60, '5m': 300 } as const;

/** The name of a step in every contract here: 60 is 1m, 300 is 5m. */
export const stepName = (step_s: number): string => `${step_s / 60}m`;

const RANGE_TOLERANCE = 1e-9;

/** Throws SWARM_E_SOURCE_RESPONSE for the first candle of a page that cannot be a bar. */
export function checkPage(page: Page, step_s: number): void {
  let before = Number.NEGATIVE_INFINITY;
  for (const candle of page.candles) {
    const wrong = whyNotABar(candle, step_s, before);
    if (wrong !== undefined) throw badResponse(page.url, wrong);
    before = candle.open_s;
  }
}

function whyNotABar(c: Candle, step_s: number, before: number): string | undefined {
  const at = `the candle of ${instant(c.open_s)}`;
  if (!Number.isInteger(c.open_s) || c.open_s % step_s !== 0) return `${at} is off the ${step_s} s grid`;
  if (c.open_s <= before) return `${at} does not come after ${instant(before)}`;
  for (const price of [c.open, c.high, c.low, c.close])
    if (!(price > 0 && Number.isFinite(price))) return `${at} has the price ${price}`;
  const slack = RANGE_TOLERANCE * c.close;
  if (c.high < c.low || c.close > c.high + slack || c.close < c.low - slack)
    return `${at} closes at ${c.close}, outside [${c.low}, ${c.high}]`;
  return undefined;
}

export function badResponse(url: string, what: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_SOURCE_RESPONSE',
    `${url}: ${what}`,
    'Nothing of this answer was kept. Try again later; if it stays, the source has changed its contract.',
    { cause },
  );
}

/** ISO time without fractions; a number that is no time is printed as it is. */
export function instant(unix_s: number): string {
  return Math.abs(unix_s) < 8.64e12
    ? new Date(unix_s * 1000).toISOString().replace('.000Z', 'Z')
    : String(unix_s);
}
