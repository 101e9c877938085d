// The live clients against a local server that speaks their contracts, and misbehaves: 429, garbage, silence, clocks that are off.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { HERMES_PACE, Hermes, scaledPrice } from '../../../miner/prices/live/hermes.js';
import { Lazer } from '../../../miner/prices/live/lazer.js';
import { MinuteBook, type Quote } from '../../../miner/prices/live/minutes.js';
import { requester } from '../../../miner/prices/sources/http.js';
import { world } from './exchange.js';

const log = pino({ level: 'silent' });
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const BTC = 'e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43';

interface Reply {
  readonly status?: number;
  readonly body?: string;
}

/** Hermes as it answers, after what the script says instead. */
async function openHermes(script: Reply[] = []) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const feeds = [
      { id: BTC, attributes: { symbol: 'Crypto.BTC/USD', asset_type: 'Crypto' } },
      { id: 'ff', attributes: { symbol: 'Crypto.OTHER/USD' } },
    ];
    const latest = {
      binary: { encoding: 'hex', data: [] },
      parsed: url.searchParams
        .getAll('ids[]')
        .concat('ff')
        .map((id) => ({
          id,
          price: { price: '6140993501000', conf: '3287868567', expo: -8, publish_time: 1_741_910_410 },
          ema_price: { price: '1', conf: '1', expo: -8, publish_time: 1 },
          metadata: { slot: 1 },
        })),
    };
    const scripted = script.shift();
    response.writeHead(scripted?.status ?? 200, { 'content-type': 'application/json' });
    response.end(scripted?.body ?? JSON.stringify(url.pathname === '/v2/price_feeds' ? feeds : latest));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => server.close());
  const w = world(1_741_910_400);
  const client = new Hermes({
    requester: requester(HERMES_PACE, w),
    base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    symbols: new Map([['BTC', 'Crypto.BTC/USD']]),
  });
  return { client, asked, w };
}

describe('Hermes', () => {
  it('is asked for ids once, then for prices, and strangers are dropped', async () => {
    const { client, asked } = await openHermes();
    const told = [{ asset: 'BTC', at_s: 1_741_910_410, price: 61_409.93501 }];
    expect(await client.poll()).toEqual(told);
    expect(await client.poll()).toEqual(told);
    expect(asked).toEqual([
      '/v2/price_feeds',
      ...Array(2).fill(`/v2/updates/price/latest?ids%5B%5D=${BTC}&parsed=true`),
    ]);
  });

  it('is left alone for a minute after a 429, and asked again', async () => {
    const { client, w } = await openHermes([{ status: 429 }]);
    expect(await client.poll()).toHaveLength(1);
    expect(Math.max(...w.slept)).toBeGreaterThanOrEqual(60_000);
  });

  it.each([
    ['another shape', '{"parsed":[{"id":1}]}'],
    [
      'a price that is no integer',
      `{"parsed":[{"id":"${BTC}","price":{"price":"1e9","expo":-8,"publish_time":1}}]}`,
    ],
  ])('that sends %s is an error that names the address', async (_, body) => {
    const { client } = await openHermes([{}, { body }]);
    await expect(client.poll()).rejects.toMatchObject({ code: 'SWARM_E_SOURCE_RESPONSE' });
  });

  it('that knows none of the symbols says which', async () => {
    const { client } = await openHermes([{ body: '[]' }]);
    await expect(client.poll()).rejects.toThrow('Crypto.BTC/USD');
  });
});

/** Lazer's line; `speak` is called for each subscription. */
async function openLazer(speak: (socket: WebSocket, times: number) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  closing.push(() => {
    for (const one of server.clients) one.terminate();
    server.close();
  });
  await new Promise((done) => server.once('listening', done));
  const said: unknown[] = [];
  const tokens: (string | undefined)[] = [];
  let times = 0;
  server.on('connection', (socket, request) => {
    tokens.push(request.headers.authorization);
    socket.on('message', (data) => {
      said.push(JSON.parse(String(data)));
      speak(socket, times++);
    });
  });
  const quotes: Quote[] = [];
  let heard: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const client = new Lazer({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'secret',
    feeds: new Map([[1, 'BTC']]),
    log,
    silent_ms: 300,
    take: (quote) => {
      quotes.push(quote);
      heard();
    },
  });
  closing.push(() => client.close());
  return { said, tokens, quotes, first };
}

const update = JSON.stringify({
  type: 'streamUpdated',
  subscriptionId: 1,
  parsed: {
    timestampUs: '1741910410200000',
    priceFeeds: [
      { priceFeedId: 1, price: '6140993501000', exponent: -8 },
      { priceFeedId: 9, price: '1', exponent: 0 },
    ],
  },
});

describe('Lazer', () => {
  it('is subscribed with its token, and its prices come in', async () => {
    const { said, tokens, quotes, first } = await openLazer((socket) => {
      socket.send('{"type":"subscribed","subscriptionId":1}');
      socket.send(update);
    });
    await first;
    expect(quotes).toEqual([{ asset: 'BTC', at_s: 1_741_910_410.2, price: 61_409.93501 }]);
    expect(tokens).toEqual(['Bearer secret']);
    expect(said).toMatchObject([{ type: 'subscribe', priceFeedIds: [1], channel: 'fixed_rate@200ms' }]);
  });

  it.each<[string, (socket: WebSocket) => void]>([
    ['falls silent', () => undefined],
    ['hangs up', (socket) => socket.terminate()],
    ['sends garbage', (socket) => socket.send('{')],
    ['refuses', (socket) => socket.send('{"type":"error","error":"bad token"}')],
  ])('that %s is connected to again', async (_, fault) => {
    const { quotes, first } = await openLazer((socket, times) =>
      times === 0 ? fault(socket) : socket.send(update),
    );
    await first;
    expect(quotes[0]).toMatchObject({ asset: 'BTC' });
  });
});

describe('a book of minutes', () => {
  const NOW_S = 1_741_910_470;
  const quote = (at_s: number, price: number): Quote => ({ asset: 'BTC', at_s, price });

  it('makes candles of quotes', () => {
    const book = new MinuteBook(() => NOW_S);
    for (const [at_s, price] of [
      [NOW_S - 59, 10],
      [NOW_S - 30, 12],
      [NOW_S - 20, 9],
      [NOW_S, 11],
    ] as const)
      book.add(quote(at_s, price));
    expect(book.between('BTC', NOW_S - 120, NOW_S + 60)).toEqual([
      { open_s: 1_741_910_400, open: 10, high: 12, low: 9, close: 9 },
      { open_s: 1_741_910_460, open: 11, high: 11, low: 11, close: 11 },
    ]);
  });

  it.each([
    ['of the future', NOW_S + 60, 10],
    ['that is old', NOW_S - 61, 10],
    ['of nothing', NOW_S, 0],
    ['that is no number', NOW_S, Number.NaN],
  ])('does not take a quote %s', (_, at_s, price) => {
    expect(new MinuteBook(() => NOW_S).add(quote(at_s, price))).toBe(false);
  });

  it('reads digits and exponent without loss', () => {
    expect(scaledPrice('6140993501000', -8)).toBe(61_409.93501);
    expect(scaledPrice('5', 3)).toBe(5000);
  });
});
