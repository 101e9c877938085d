// The three candle contracts against a local server: what is asked, what is waited for, what is refused and with which words.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requester } from '../../../miner/prices/sources/http.js';
import { defaultSymbol } from '../../../miner/prices/sources/open.js';
import { candlesOf } from '../../../miner/prices/sources/range.js';
import type { SourceName } from '../../../miner/prices/sources/source.js';
import { barAt, DAY, DAY_S, type Exchange, openExchange, type Reply, sourceOn, world } from './exchange.js';

let exchange: Exchange;
beforeEach(async () => {
  exchange = await openExchange(DAY + 30 * DAY_S);
});
afterEach(() => exchange.close());

const SYMBOL: Record<SourceName, string> = {
  binance: 'BTCUSDT',
  hyperliquid: 'xyz:CL',
  pyth: 'Crypto.BTC/USD',
};

async function hour(name: SourceName, ...script: (Reply | undefined)[]) {
  exchange.script.push(...script);
  const w = world(exchange.now_s);
  const source = sourceOn(exchange, name, w);
  const request = { symbol: SYMBOL[name], step_s: 300, from_s: DAY, to_s: DAY + 3600 };
  return { w, candles: await candlesOf(source, request, new Map()) };
}
const code = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe.each(['binance', 'hyperliquid', 'pyth'] as const)('%s', (name) => {
  it('is asked for the symbol, step and stretch, and its candles are read', async () => {
    const { candles } = await hour(name);
    expect(exchange.asked).toEqual([
      expect.objectContaining({ symbol: SYMBOL[name], step_s: 300, from_s: DAY, to_s: DAY + 3600 }),
    ]);
    expect(candles.map((c) => c.open_s)).toEqual(Array.from({ length: 12 }, (_, i) => DAY + i * 300));
    const { t, o, h, l, c } = barAt(DAY, exchange.price(DAY)!);
    expect(candles[0]).toEqual({ open_s: t, open: o, high: h, low: l, close: c });
  });

  it('is given the rest it asks for after 429, and asked again', async () => {
    const { w, candles } = await hour(name, { status: 429, headers: { 'retry-after': '7' }, body: '{}' });
    expect(candles).toHaveLength(12);
    expect(w.slept).toEqual([7000]);
    expect(w.notices).toEqual(['waiting 7 s, as the source asks']);
  });

  it('is retried with growing pauses after 500 twice', async () => {
    const { w, candles } = await hour(name, { status: 500, body: '' }, { status: 500, body: '' });
    expect(candles).toHaveLength(12);
    expect(w.slept[1]).toBeGreaterThanOrEqual(w.slept[0]!);
    expect(exchange.asked).toHaveLength(3);
  });

  it('is retried after truncated JSON, and named when that stays', async () => {
    const cut = { body: '[{"t":17419' };
    expect((await hour(name, cut)).candles).toHaveLength(12);
    const asked = exchange.asked.length;
    await expect(hour(name, ...Array<Reply>(6).fill(cut))).rejects.toThrow(
      code('SWARM_E_SOURCE_RESPONSE', /^http:\/\/127.*no whole JSON/),
    );
    expect(exchange.asked.length - asked).toBe(6);
  });

  it('is refused an answer of another shape, naming URL and place', async () => {
    await expect(hour(name, { body: '{"s":"ok","t":["x"]}' })).rejects.toThrow(
      code('SWARM_E_SOURCE_RESPONSE', /^http:\/\/127.*malformed answer/),
    );
  });

  it.each([
    ['out of order', [DAY + 300, DAY], /does not come after/],
    ['off the grid', [DAY + 1], /off the 300 s grid/],
    ['from before what was asked', [DAY - 600, DAY - 300], /does not advance/],
  ])('is refused a page %s', async (_what, opens, message) => {
    const bars = opens.map((t) => barAt(t, 100));
    await expect(hour(name, { bars })).rejects.toThrow(code('SWARM_E_SOURCE_RESPONSE', message));
  });

  it('is refused a candle that closes outside its range, and one without a price', async () => {
    await expect(hour(name, { bars: [{ ...barAt(DAY, 100), c: 102 }] })).rejects.toThrow(
      /outside \[99.5, 100.5\]/,
    );
    await expect(hour(name, { bars: [{ ...barAt(DAY, 100), o: 0 }] })).rejects.toThrow(/has the price 0/);
  });

  it('may serve less than a page: the rest is asked for, and a repeated bar counts once', async () => {
    const head = [DAY, DAY + 300, DAY + 600].map((t) => barAt(t, exchange.price(t)!));
    const tail = Array.from({ length: 10 }, (_, i) => DAY + 600 + i * 300).map((t) =>
      barAt(t, exchange.price(t)!),
    );
    const { candles } = await hour(name, { bars: head }, { bars: tail });
    expect(candles.map((c) => c.open_s)).toEqual(Array.from({ length: 12 }, (_, i) => DAY + i * 300));
  });

  it('may not contradict an earlier page', async () => {
    const head = [DAY, DAY + 300].map((t) => barAt(t, 100));
    const tail = [DAY + 300, DAY + 600].map((t) => barAt(t, 100.1));
    await expect(hour(name, { bars: head }, { bars: tail })).rejects.toThrow(
      code('SWARM_E_SOURCE_RESPONSE', /contradicts an earlier page.*closed at 100, now at 100.1/),
    );
  });

  it('of an empty market gives nothing', async () => {
    exchange.price = () => undefined;
    expect((await hour(name)).candles).toEqual([]);
    expect(exchange.asked).toHaveLength(1);
  });

  it('that wants more rest than five minutes is left alone', async () => {
    await expect(hour(name, { status: 418, headers: { 'retry-after': '7200' }, body: '{}' })).rejects.toThrow(
      code('SWARM_E_SOURCE_LIMITED', /status 418.*7200 s of rest/),
    );
    expect(exchange.asked).toHaveLength(1);
  });
});

describe('each in its own words', () => {
  it('Binance says why it refuses, and is not asked twice', async () => {
    const body = '{"code":-1121,"msg":"Invalid symbol."}';
    await expect(hour('binance', { status: 400, body })).rejects.toThrow(
      code('SWARM_E_SOURCE_REFUSED', /status 400: Invalid symbol\. \(-1121\)/),
    );
    expect(exchange.asked).toHaveLength(1);
  });

  it('a place that Binance does not serve is told of the public data host', async () => {
    await expect(hour('binance', { status: 451, body: '' })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('data-api.binance.vision') }),
    );
  });

  it("Binance's weight near its limit holds the next request back to the next minute", async () => {
    const headers = { 'x-mbx-used-weight-1m': '5900' };
    const bars = [barAt(DAY, 100)];
    const { w } = await hour('binance', { headers, bars });
    expect(w.slept).toEqual([60_000]);
  });

  it('Pyth says what is wrong in an answer of status 200', async () => {
    const body = '{"s":"error","errmsg":"Symbol not found"}';
    await expect(hour('pyth', { body })).rejects.toThrow(code('SWARM_E_SOURCE_REFUSED', /Symbol not found/));
  });

  it('a retired Pyth shim names the way on', async () => {
    await expect(hour('pyth', { status: 410, body: '' })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('SWARM_PYTH_TOKEN') }),
    );
  });

  it('columns of different lengths are no candles', async () => {
    const body = JSON.stringify({ s: 'ok', t: [DAY], o: [1], h: [1], l: [1], c: [] });
    await expect(hour('pyth', { body })).rejects.toThrow(/different lengths/);
  });

  it('a token travels in the header only when there is one', async () => {
    const w = world(exchange.now_s);
    const request = { symbol: 'BTC', step_s: 60, from_s: DAY, to_s: DAY + 60 };
    await sourceOn(exchange, 'pyth', w, 'secret').page(request);
    await sourceOn(exchange, 'pyth', w).page(request);
    expect(exchange.authorization).toEqual(['Bearer secret', undefined]);
  });

  it('Hyperliquid may not answer with another coin', async () => {
    const body = '[{"t":0,"T":1,"s":"BTC","i":"5m","o":"1","h":"1","l":"1","c":"1","v":"0","n":0}]';
    await expect(hour('hyperliquid', { body })).rejects.toThrow(/a candle of BTC 5m came back/);
  });
});

describe('the requester', () => {
  const pace = { spacing_ms: 100, limited_ms: 9000 };
  it('spaces requests, and waits its own while where a 429 names none', async () => {
    const w = world(DAY);
    const { ask } = requester(pace, w);
    exchange.script.push({ body: '1' }, { body: '2' }, { status: 429, body: '' }, { body: '3' });
    for (const value of [1, 2, 3])
      expect(await ask({ url: `${exchange.url}/history` }, z.number())).toBe(value);
    expect(w.slept).toEqual([100, 100, 9000]);
  });

  it('gives up on a server that does not answer, and on one that is not there', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined);
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const { port } = silent.address() as { port: number };
    const { ask } = requester(pace, world(DAY), 8);
    await expect(ask({ url: `http://127.0.0.1:${port}/` }, z.number())).rejects.toThrow(
      code('SWARM_E_SOURCE_UNREACHABLE', /no answer within 0.008 s/),
    );
    silent.close();
    await exchange.close();
    const gone = requester(pace, world(DAY));
    await expect(gone.ask({ url: exchange.url }, z.number())).rejects.toThrow(
      code('SWARM_E_SOURCE_UNREACHABLE', /ECONNREFUSED/),
    );
  });

  it('stops at once when told to', async () => {
    const w = world(DAY);
    w.stop.abort();
    await expect(requester(pace, w).ask({ url: exchange.url }, z.number())).rejects.toThrow(/abort/i);
    expect(exchange.asked).toEqual([]);
  });
});

describe('defaultSymbol', () => {
  it('takes the profile where its source matches, the table elsewhere, and lists both otherwise', () => {
    expect(defaultSymbol('hyperliquid', 'WTIOIL', '2026-05')).toBe('xyz:CL');
    expect(defaultSymbol('hyperliquid', 'HYPE', '2026-05')).toBe('HYPE');
    expect(defaultSymbol('hyperliquid', 'HYPE', '2026-07')).toBe('@107');
    expect(defaultSymbol('pyth', 'XAU', '2026-05')).toBe('Crypto.XAUT/USD');
    expect(defaultSymbol('binance', 'BTC', '2026-05')).toBe('BTCUSDT');
    expect(() => defaultSymbol('binance', 'XAU', '2026-05')).toThrow(code('SWARM_E_UNKNOWN_ASSET', /XAU/));
  });
});
