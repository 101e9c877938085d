// The live feed over sources that agree, differ, jump, fail and hang: what is stored is what can be believed.
import pino from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { agreement } from '../../../miner/prices/live/agreement.js';
import { LiveFeed } from '../../../miner/prices/live/feed.js';
import type { MinuteSource } from '../../../miner/prices/live/minutes.js';
import type { Candle } from '../../../miner/prices/sources/source.js';

const NOW_S = 1_741_910_400;
const candle = (open_s: number, close: number): Candle => ({
  open_s,
  open: close,
  high: close,
  low: close,
  close,
});
const told = (...closes: number[]) =>
  closes.map((close, i) => ({ source: `s${i}`, candle: candle(0, close) }));

describe('agreement', () => {
  it.each([
    ['one, near the last close', [100], 99, 100, []],
    ['one, with nothing to compare', [100], null, 100, []],
    ['one that jumps', [120], 100, null, ['s0']],
    ['two that agree: the first', [100, 100.5], null, 100, []],
    ['two that differ: the one near the last close', [150, 100], 101, 100, ['s0']],
    ['two that differ, nothing to compare: none', [150, 100], null, null, ['s0', 's1']],
    ['two that differ and both are near: none', [100, 103], 101, null, ['s0', 's1']],
    ['three, the first off the median', [150, 100, 100.2], null, 100, ['s0']],
    ['three that jump together', [130, 130.1, 130.2], 100, 130, []],
  ])('of %s', (_, closes, last, close, outliers) => {
    const found = agreement(told(...closes), last);
    expect([found.candle?.close ?? null, found.outliers]).toEqual([close, outliers]);
  });
});

describe('the feed', () => {
  let now_s = NOW_S;
  const stored: Candle[] = [];
  const alert = vi.fn((..._: unknown[]) => Promise.resolve());
  const store = {
    last: async () => stored.at(-1) ?? null,
    add: async (_: string, candles: readonly Candle[]) => void stored.push(...candles),
  };
  const source = (name: string, price: (t: number) => number | undefined): MinuteSource => ({
    name,
    knows: () => true,
    async minutes(_, from_s, to_s) {
      const out: Candle[] = [];
      for (let t = Math.max(from_s, NOW_S - 600); t < to_s; t += 60) {
        const close = price(t);
        if (close !== undefined) out.push(candle(t, close));
      }
      return out;
    },
  });
  const feed = (...sources: MinuteSource[]): LiveFeed =>
    new LiveFeed(
      { alert, log: pino({ level: 'silent' }), stopping: new AbortController().signal },
      { assets: [{ asset: 'BTC', sources }], store, now_s: () => now_s, patience_ms: 50 },
    );
  const codes = (): unknown[] => alert.mock.calls.map(([, code]) => code);
  const closes = (): number[] => stored.map(({ close }) => close);

  beforeEach(() => {
    now_s = NOW_S + 3;
    stored.length = 0;
    alert.mockClear();
  });

  it('stores the minutes that closed, then only what is new, also after a restart', async () => {
    const one = source('a', (t) => 100 + (t - NOW_S) / 600);
    const live = feed(one);
    expect(await live.step()).toBe(true);
    expect(stored.map(({ open_s }) => open_s)).toEqual(
      Array.from({ length: 10 }, (_, i) => NOW_S - 600 + 60 * i),
    );
    expect(await live.step()).toBe(false);
    now_s += 60;
    await feed(one).step();
    expect(stored.at(-1)!.open_s).toBe(NOW_S);
    expect(stored).toHaveLength(11);
  });

  it('catches up after stored bars in pieces of a day, a month at most, and asks for three days where there are none', async () => {
    const asked: [from: number, to: number][] = [];
    const all: MinuteSource = {
      name: 'all',
      knows: () => true,
      async minutes(_, from_s, to_s) {
        asked.push([from_s, to_s]);
        return [candle(from_s, 100), candle(to_s - 60, 100)];
      },
    };
    const reach = () => [asked.length, (NOW_S - asked[0]![0]) / 86_400];
    await feed(all).step();
    expect(reach()).toEqual([3, 3]);
    for (const [i, [from_s]] of asked.entries()) if (i > 0) expect(from_s).toBe(asked[i - 1]![1]);
    expect(asked.at(-1)![1]).toBe(NOW_S);
    for (const [days, pieces, back] of [
      [10, 10, 10 - 1 / 1440],
      [90, 30, 30],
    ] as const) {
      stored.splice(0, stored.length, candle(NOW_S - days * 86_400, 100));
      asked.length = 0;
      await feed(all).step();
      expect(reach()).toEqual([pieces, back]);
    }
  });

  it('waits for nobody: a source that hangs and one that fails leave the third', async () => {
    const hanging = { ...source('hanging', () => 1), minutes: () => new Promise<never>(() => undefined) };
    const failing = { ...source('failing', () => 1), minutes: () => Promise.reject(new Error('429')) };
    await feed(
      hanging,
      failing,
      source('sound', () => 100),
    ).step();
    expect(closes()).toEqual(Array(10).fill(100));
    expect(codes()).toEqual(['SWARM_E_SOURCE_UNREACHABLE']);
  });

  it('passes over an outlier, with one alert', async () => {
    await feed(
      source('wrong', () => 150),
      source('b', () => 100),
      source('c', () => 100.1),
    ).step();
    expect(closes()).toEqual(Array(10).fill(100));
    expect(codes()).toEqual(['SWARM_W_PRICE_OUTLIER']);
  });

  it('does not believe a jump that one source tells, until it insists', async () => {
    await feed(source('a', (t) => (t >= NOW_S - 300 ? 120 : 100))).step();
    expect(closes()).toEqual([100, 100, 100, 100, 100, 120, 120]);
  });

  it('says when an asset has no price at all', async () => {
    await feed(source('silent', () => undefined)).step();
    expect(codes()).toEqual(['SWARM_W_FEED_SILENT']);
  });
});
