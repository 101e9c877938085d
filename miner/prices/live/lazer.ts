// Pyth Lazer: a WebSocket that is subscribed to feeds by number and sends a price of each several times a second.
// Promises: connects again for ever, with waits that grow; a line that falls silent is cut; nothing that comes over it
// ends the process. Leaves to others: what a minute is. Contract-tested, not run live.
import type { Logger } from 'pino';
import WebSocket from 'ws';
import { z } from 'zod';
import { scaledPrice } from './hermes.js';
import type { Quote } from './minutes.js';

const BASE_URL = 'wss://pyth-lazer.dourolabs.app/v1/stream';
/** Prices come every 200 ms: a line without any for this long is dead. */
const SILENT_MS = 15_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const MOST_BYTES = 256 * 1024;

const digits = z.string().regex(/^-?\d+$/);
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('subscribed') }),
  z.object({
    type: z.literal('streamUpdated'),
    parsed: z.object({
      timestampUs: digits,
      priceFeeds: z.array(
        z.object({ priceFeedId: z.int(), price: digits.optional(), exponent: z.int().optional() }),
      ),
    }),
  }),
  z.object({ type: z.enum(['error', 'subscriptionError']), error: z.string() }),
]);

export interface LazerOptions {
  readonly url?: string;
  readonly token: string;
  /** Asset by Lazer's number. */
  readonly feeds: ReadonlyMap<number, string>;
  readonly log: Logger;
  take(quote: Quote): void;
  readonly silent_ms?: number;
}

/** Listens until it is closed. */
export class Lazer {
  #socket: WebSocket | null = null;
  #closed = false;
  #failures = 0;
  #again: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(readonly options: LazerOptions) {
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
    clearTimeout(this.#silence);
    this.#socket?.terminate();
  }

  #connect(): void {
    const { url = BASE_URL, token } = this.options;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: MOST_BYTES,
    });
    this.#socket = socket;
    this.#listen();
    socket.on('open', () => socket.send(JSON.stringify(this.#subscription())));
    socket.on('message', (data) => this.#hear(String(data)));
    // A close follows every error.
    socket.on('error', (error) => this.options.log.warn({ err: error }, 'Lazer: the line broke'));
    socket.on('close', () => this.#later());
  }

  #subscription(): object {
    return {
      type: 'subscribe',
      subscriptionId: 1,
      priceFeedIds: [...this.options.feeds.keys()],
      properties: ['price', 'exponent'],
      formats: [],
      deliveryFormat: 'json',
      channel: 'fixed_rate@200ms',
      parsed: true,
    };
  }

  /** Cuts the line unless something comes in time. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket?.terminate(), this.options.silent_ms ?? SILENT_MS);
    this.#silence.unref();
  }

  #later(): void {
    clearTimeout(this.#silence);
    if (this.#closed) return;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#again = setTimeout(() => this.#connect(), wait);
    this.#again.unref();
  }

  #hear(text: string): void {
    const said = message.safeParse(parsed(text));
    if (!said.success) {
      this.options.log.warn('Lazer: a message that is none of its contract');
      return;
    }
    if ('error' in said.data) this.options.log.warn({ error: said.data.error }, 'Lazer refuses');
    if (!('parsed' in said.data)) return;
    this.#listen();
    this.#failures = 0;
    const { timestampUs, priceFeeds } = said.data.parsed;
    for (const { priceFeedId, price, exponent } of priceFeeds) {
      const asset = this.options.feeds.get(priceFeedId);
      if (asset === undefined || price === undefined || exponent === undefined) continue;
      this.options.take({ asset, at_s: Number(timestampUs) / 1e6, price: scaledPrice(price, exponent) });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
