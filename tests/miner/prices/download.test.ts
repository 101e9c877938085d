// Downloading a series: what ends up in the files, what an interruption leaves, and what is refused without a change.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadSeries, type Wanted } from '../../../miner/prices/download/series.js';
import { parseBarFile, readSidecar } from '../../../miner/prices/files.js';
import { inspectDirectory } from '../../../miner/prices/info.js';
import type { SourceName } from '../../../miner/prices/sources/source.js';
import {
  barAt,
  DAY,
  DAY_S,
  type Exchange,
  openExchange,
  sourceOn,
  temporaryDirectory,
  wave,
  world,
} from './exchange.js';

/** Half-way through a bar. */
const NOW = DAY + 10 * DAY_S + 130;
let exchange: Exchange;
let out: ReturnType<typeof temporaryDirectory>;
beforeEach(async () => {
  exchange = await openExchange(NOW);
  out = temporaryDirectory();
});
afterEach(async () => {
  await exchange.close();
  out.remove();
});

const file = () => join(out.path, 'BTC_5m.csv.gz');
const bars = () => parseBarFile(file(), readFileSync(file()), 'BTC', 300);
const wanted = (o: Partial<Wanted> = {}): Wanted => ({
  directory: out.path,
  asset: 'BTC',
  symbol: 'BTCUSDT',
  step_s: 300,
  from_s: DAY,
  to_s: NOW,
  ...o,
});
function download(o: Partial<Wanted> = {}, name: SourceName = 'binance', w = world(NOW)) {
  return downloadSeries(sourceOn(exchange, name, w), wanted(o), w);
}
const snapshot = () =>
  readdirSync(out.path).map((name) => [
    name,
    name.startsWith('.') ? '' : readFileSync(join(out.path, name), 'hex'),
  ]);

describe('a fresh download', () => {
  it('is every closed bar, with a sidecar that tells the same, and nothing else', async () => {
    const done = await download();
    const b = bars();
    expect(b.open_s.length).toBe(10 * 288);
    expect(b.open_s.at(-1)! + 300).toBeLessThanOrEqual(NOW);
    expect([...b.close].every((c, i) => c === wave(b.open_s[i]!))).toBe(true);
    expect(readdirSync(out.path).sort()).toEqual(['BTC_5m.csv.gz', 'BTC_5m.json']);
    expect(readSidecar(file())).toMatchObject({
      source: 'binance',
      symbol: 'BTCUSDT',
      step_s: 300,
      from: '2025-03-14T00:00:00Z',
      to: '2025-03-24T00:00:00Z',
      rows: 2880,
      gaps: [],
      sha256: done.sha256,
      digest: done.digest,
    });
    expect(inspectDirectory(out.path)[0]).toMatchObject({ checksum: 'verified', problems: [] });
    expect(done).toMatchObject({ rows: 2880, added: 2880, missing_before: 0 });
  });

  it.each(['hyperliquid', 'pyth'] as const)('is the same bars from %s', async (name) => {
    await download({}, name);
    expect(bars().open_s.length).toBe(2880);
  });

  it('does not count a bar as closed in the seconds after its end', async () => {
    await download({}, 'binance', world(DAY + 10 * DAY_S + 9));
    expect(bars().open_s.at(-1)).toBe(DAY + 10 * DAY_S - 600);
  });

  it('leaves holes as they are, and lists them', async () => {
    exchange.price = (t) => (t >= DAY + DAY_S && t < DAY + 2 * DAY_S ? undefined : wave(t));
    const done = await download();
    expect(done).toMatchObject({ rows: 9 * 288, gaps: 1, missing_bars: 288 });
    expect(readSidecar(file())!.gaps).toEqual([
      { from: '2025-03-15T00:00:00Z', to: '2025-03-16T00:00:00Z', bars: 288 },
    ]);
  });

  it('of a source that lags says so, and asks for the rest next time', async () => {
    const lag = DAY + 10 * DAY_S - 900;
    exchange.price = (t) => (t < lag ? wave(t) : undefined);
    const w = world(NOW);
    expect(await download({}, 'binance', w)).toMatchObject({ rows: 2877, missing_after: 3 });
    expect(w.notices).toEqual([expect.stringMatching(/nothing after 2025-03-23T23:45:00Z yet; 3 bars/)]);
    exchange.price = wave;
    expect(await download()).toMatchObject({ rows: 2880, added: 3, gaps: 0, missing_after: 0 });
  });

  it('of an empty market is an error that leaves nothing behind', async () => {
    exchange.price = () => undefined;
    await expect(download()).rejects.toThrow(expect.objectContaining({ code: 'SWARM_E_DATA_MISSING' }));
    expect(existsSync(file())).toBe(false);
  });

  it('in the future is wrong use', async () => {
    await expect(download({ from_s: NOW + 600 })).rejects.toThrow(
      expect.objectContaining({ code: 'SWARM_E_USAGE' }),
    );
  });
});

describe('a source with a short memory', () => {
  it('is asked only as far back as it goes, and both shortfalls are said', async () => {
    const w = world(NOW);
    // Even less is there than the contract promises.
    exchange.price = (t) => (t >= DAY ? wave(t) : undefined);
    const done = await download({ from_s: DAY - 30 * DAY_S }, 'hyperliquid', w);
    expect(exchange.asked[0]!.from_s).toBeGreaterThan(DAY - 8 * DAY_S);
    expect(done).toMatchObject({ rows: 2880, missing_before: 30 * 288 });
    expect(w.notices).toEqual([
      expect.stringMatching(/keeps only the last 5000 bars of 5m; asked from 2025-02-12/),
      expect.stringMatching(/has nothing before 2025-03-14T00:00:00Z; 8640 bars/),
    ]);
  });
});

describe('an interrupted download', () => {
  const interrupted = async (after: number) => {
    const w = world(NOW);
    const watch = {
      ...w,
      progress: ({ done }: { done: number }) => (done === after ? w.stop.abort() : undefined),
    };
    await expect(downloadSeries(sourceOn(exchange, 'binance', w), wanted(), watch)).rejects.toThrow(/abort/i);
  };

  it('goes on without asking again for what it has', async () => {
    await interrupted(2);
    expect(existsSync(file())).toBe(false);
    const before = exchange.asked.length;
    expect(before).toBe(2);
    await download();
    const whole = bars();
    const again = exchange.asked.slice(before);
    expect(again.every((a) => a.from_s >= exchange.asked[1]!.to_s - 300)).toBe(true);
    expect(whole.open_s.length).toBe(2880);
    expect(existsSync(join(out.path, '.download'))).toBe(false);
  });

  it('fetches again what was altered meanwhile', async () => {
    await interrupted(2);
    const parts = join(out.path, '.download', 'BTC_5m');
    const [first] = readdirSync(parts).sort();
    writeFileSync(join(parts, first!), 'timestamp_s,close,open,high,low\n');
    const before = exchange.asked.length;
    await download();
    expect(exchange.asked[before]!.from_s).toBe(DAY);
    expect(bars().open_s.length).toBe(2880);
  });

  it('is not mixed with another symbol', async () => {
    await interrupted(1);
    await expect(download({ symbol: 'BTCUSDC' })).rejects.toThrow(
      expect.objectContaining({ code: 'SWARM_E_DATA_CONFLICT', message: expect.stringContaining('BTCUSDT') }),
    );
  });

  it('between its two renames still ends with a sidecar that fits', async () => {
    await download({ to_s: DAY + 5 * DAY_S });
    const sidecar = readFileSync(join(out.path, 'BTC_5m.json'), 'utf8');
    await download();
    const owed: unknown = JSON.parse(readFileSync(join(out.path, 'BTC_5m.json'), 'utf8'));
    writeFileSync(join(out.path, 'BTC_5m.json'), sidecar);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(out.path, '.download'));
    const state = {
      version: 1,
      source: 'binance',
      symbol: 'BTCUSDT',
      step_s: 300,
      parts: [],
      publishing: owed,
    };
    writeFileSync(join(out.path, '.download', 'BTC_5m.json'), JSON.stringify(state));
    expect(inspectDirectory(out.path)[0]!.checksum).toBe('mismatch');
    await download();
    expect(inspectDirectory(out.path)[0]!.checksum).toBe('verified');
  });
});

describe('a file that is there', () => {
  it('is extended at both ends, asking only around its edges', async () => {
    await download({ from_s: DAY + 5 * DAY_S, to_s: DAY + 8 * DAY_S });
    const done = await download();
    expect(done).toMatchObject({ rows: 2880, added: 7 * 288, gaps: 0 });
    const asked = exchange.asked.length;
    expect(await download()).toMatchObject({ rows: 2880, added: 0 });
    expect(exchange.asked.length).toBe(asked);
  });

  it('is joined to a later stretch without a hole of our making', async () => {
    await download({ to_s: DAY + 2 * DAY_S });
    expect(await download({ from_s: DAY + 8 * DAY_S })).toMatchObject({ rows: 2880, gaps: 0 });
  });

  it('never shrinks', async () => {
    await download();
    const before = snapshot();
    exchange.price = () => undefined;
    expect(await download({ from_s: DAY + DAY_S, to_s: DAY + 2 * DAY_S })).toMatchObject({
      rows: 2880,
      added: 0,
    });
    expect(snapshot().find(([name]) => name === 'BTC_5m.csv.gz')).toEqual(
      before.find(([name]) => name === 'BTC_5m.csv.gz'),
    );
  });

  it('is left as it is when the source contradicts it', async () => {
    await download({ to_s: DAY + 5 * DAY_S });
    const before = snapshot();
    exchange.price = (t) => wave(t) + 1;
    await expect(download()).rejects.toThrow(
      expect.objectContaining({
        code: 'SWARM_E_DATA_CONFLICT',
        message: expect.stringMatching(/closed at .* there/),
      }),
    );
    expect(snapshot().filter(([name]) => name !== '.download')).toEqual(before);
  });

  it('without a sidecar is compared in full', async () => {
    await download({ to_s: DAY + 5 * DAY_S });
    rmSync(join(out.path, 'BTC_5m.json'));
    exchange.price = (t) => (t === DAY + 600 ? 7 : wave(t));
    await expect(download()).rejects.toThrow(expect.objectContaining({ code: 'SWARM_E_DATA_CONFLICT' }));
  });

  it('from another source, or altered, is refused', async () => {
    await download({ to_s: DAY + 5 * DAY_S });
    await expect(download({}, 'hyperliquid')).rejects.toThrow(
      expect.objectContaining({
        code: 'SWARM_E_DATA_CONFLICT',
        message: expect.stringContaining('from binance'),
      }),
    );
    writeFileSync(file(), gzipSync('timestamp_s,close,open,high,low\n'));
    await expect(download()).rejects.toThrow(expect.objectContaining({ code: 'SWARM_E_DATA_CHECKSUM' }));
  });
});

it('bars that two stretches share must agree', async () => {
  const span = 999 * 300;
  const border = Math.ceil(DAY / span) * span;
  // The second request also asks for the bar before its stretch.
  exchange.script.push(undefined, { bars: [barAt(border - 300, 7)] });
  await expect(download()).rejects.toThrow(
    expect.objectContaining({
      code: 'SWARM_E_SOURCE_RESPONSE',
      message: expect.stringContaining('contradicts'),
    }),
  );
});
