// A local server that speaks the three candle contracts over one made-up market, and can be told to misbehave.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Surroundings } from '../../../miner/prices/sources/http.js';
import { openSource } from '../../../miner/prices/sources/open.js';
import type { SourceName } from '../../../miner/prices/sources/source.js';

export const DAY_S = 86_400;
/** 2025-03-14T00:00:00Z */
export const DAY = 1_741_910_400;

export interface Bar {
  t: number;
  o: number;
  h: number;
  l: number;
  c: number;
}

export interface Asked {
  url: string;
  symbol: string;
  step_s: number;
  from_s: number;
  /** One past the last open. */
  to_s: number;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  /** Sent as it is. */
  body?: string;
  /** Instead of the market's bars. */
  bars?: Bar[];
}

export interface Exchange {
  readonly url: string;
  readonly asked: Asked[];
  readonly authorization: (string | undefined)[];
  /** Replies before the market answers by itself; undefined lets it answer. */
  readonly script: (Reply | undefined)[];
  /** The close of a bar, or nothing where the market has none. */
  price: (t: number) => number | undefined;
  now_s: number;
  close(): Promise<void>;
}

export const wave = (t: number): number => Math.round(10_000 + 1000 * Math.sin(t / 7000)) / 100;

export function barAt(t: number, c: number): Bar {
  return { t, o: c, h: c + 0.5, l: c - 0.5, c };
}

/** Source by path: /api/v3/klines, /info, or any base with /history. */
export async function openExchange(now_s: number): Promise<Exchange> {
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const speech = speechOf(url, body);
    exchange.asked.push(speech.asked);
    exchange.authorization.push(request.headers.authorization);
    const reply = exchange.script.shift() ?? {};
    const bars = reply.bars ?? marketBars(exchange, speech.asked, speech.limit);
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body ?? JSON.stringify(speech.say(bars)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const exchange: Exchange = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    authorization: [],
    script: [],
    price: wave,
    now_s,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
  return exchange;
}

/** Bars that have opened by now, the open one among them, as real markets serve them. */
function marketBars(exchange: Exchange, asked: Asked, limit: number): Bar[] {
  const bars: Bar[] = [];
  for (let t = Math.ceil(asked.from_s / asked.step_s) * asked.step_s; t < asked.to_s; t += asked.step_s) {
    const close = t <= exchange.now_s ? exchange.price(t) : undefined;
    if (close !== undefined && bars.length < limit) bars.push(barAt(t, close));
  }
  return bars;
}

interface Speech {
  asked: Asked;
  limit: number;
  say(bars: Bar[]): unknown;
}

function speechOf(url: URL, body: string): Speech {
  if (url.pathname === '/info') return hyperliquidSpeech(url, body);
  const get = (name: string): string => url.searchParams.get(name) ?? '';
  if (url.pathname === '/api/v3/klines')
    return {
      asked: {
        url: url.pathname + url.search,
        symbol: get('symbol'),
        step_s: get('interval') === '1m' ? 60 : 300,
        from_s: Number(get('startTime')) / 1000,
        to_s: (Number(get('endTime')) + 1) / 1000,
      },
      limit: Number(get('limit')),
      say: (bars) =>
        bars.map((b) => [
          b.t * 1000,
          ...[b.o, b.h, b.l, b.c].map((p) => p.toFixed(8)),
          '1.5',
          b.t * 1000 + 1,
          '0',
          3,
        ]),
    };
  return {
    asked: {
      url: url.pathname + url.search,
      symbol: get('symbol'),
      step_s: Number(get('resolution')) * 60,
      from_s: Number(get('from')),
      to_s: Number(get('to')) + 1,
    },
    limit: Number.POSITIVE_INFINITY,
    say: (bars) =>
      bars.length === 0
        ? { s: 'no_data', t: [], o: [], h: [], l: [], c: [], v: [] }
        : {
            s: 'ok',
            t: bars.map((b) => b.t),
            o: bars.map((b) => b.o),
            h: bars.map((b) => b.h),
            l: bars.map((b) => b.l),
            c: bars.map((b) => b.c),
            v: bars.map(() => 0),
          },
  };
}

function hyperliquidSpeech(url: URL, body: string): Speech {
  const { type, req } = JSON.parse(body) as {
    type: string;
    req: { coin: string; interval: string; startTime: number; endTime: number };
  };
  if (type !== 'candleSnapshot') throw new Error(`unknown type ${type}`);
  return {
    asked: {
      url: url.pathname,
      symbol: req.coin,
      step_s: req.interval === '1m' ? 60 : 300,
      from_s: req.startTime / 1000,
      to_s: (req.endTime + 1) / 1000,
    },
    limit: 5000,
    say: (bars) =>
      bars.map((b) => ({
        t: b.t * 1000,
        T: b.t * 1000 + 1,
        s: req.coin,
        i: req.interval,
        o: String(b.o),
        h: String(b.h),
        l: String(b.l),
        c: String(b.c),
        v: '1.0',
        n: 3,
      })),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A world whose time passes only by sleeping. */
export function world(now_s: number) {
  const stop = new AbortController();
  const slept: number[] = [];
  const notices: string[] = [];
  let now_ms = now_s * 1000;
  const surroundings: Surroundings = {
    now: () => now_ms,
    sleep: (ms) => {
      slept.push(ms);
      now_ms += ms;
      return Promise.resolve();
    },
    random: () => 0.5,
    signal: stop.signal,
    notice: (text) => notices.push(text),
  };
  return { ...surroundings, slept, notices, stop, progress: (): void => undefined };
}

export function sourceOn(exchange: Exchange, name: SourceName, w: Surroundings, token?: string) {
  return openSource(name, w, { base_url: exchange.url, ...(token === undefined ? {} : { token }) });
}

export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'swarm-bars-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
