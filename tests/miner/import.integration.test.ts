// Bars from files: everything or nothing, never two versions of one bar, and errors that name file and line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAdmin, migrateAll } from '../../cli/admin.js';
import { barsDigest, parseBarsCsv } from '../../forecast/bars.js';
import { type ImportedSeries, importBars } from '../../miner/prices/import.js';
import { readRecorded, recordedFile } from '../forecast/recorded-bars.js';
import { type FreshDatabase, freshDatabase } from '../postgres.js';

let database: FreshDatabase;
let admin: pg.Client;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bars-'));
  database = await freshDatabase('import');
  await migrateAll(database.url);
  admin = await connectAdmin(database.url);
});
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await admin.end();
  await database.drop();
});

const START_S = 1_700_000_100;

/** CSV of `n` five-minute bars from number `from` on; the price of a bar follows from its number. */
function csv(from: number, n: number, price = (i: number): number => 100 + i): string {
  const rows = Array.from({ length: n }, (_, k) => {
    const close = price(from + k);
    return `${START_S + 300 * (from + k)},${close},${close},${close + 1},${close - 1}`;
  });
  return `timestamp_s,close,open,high,low\n${rows.join('\n')}\n`;
}

const put = (name: string, text: string): void =>
  writeFileSync(join(directory, name), name.endsWith('.gz') ? gzipSync(text) : text);
const load = (assets?: string[]): Promise<ImportedSeries[]> =>
  importBars(admin, directory, assets, () => undefined);
const stored = async (): Promise<number> =>
  Number((await admin.query('select count(*) as n from market.bar')).rows[0].n);
const series = async (): Promise<number> =>
  Number((await admin.query('select count(*) as n from market.series')).rows[0].n);

describe('importBars', () => {
  it('stores plain and gzipped files under the asset and step of their name', async () => {
    put('BTC_5m.csv', csv(0, 20));
    put('ETH_1h.csv.gz', csv(0, 0).replace('\n\n', '\n1700002800,5,5,6,4\n'));
    const done = await load();
    expect(done.map(({ asset, step_s, rows, added }) => ({ asset, step_s, rows, added }))).toEqual([
      { asset: 'BTC', step_s: 300, rows: 20, added: 20 },
      { asset: 'ETH', step_s: 3600, rows: 1, added: 1 },
    ]);
    expect(await stored()).toBe(21);
  });

  it('adds nothing and keeps the digest when the same file comes again', async () => {
    put('BTC_5m.csv', csv(0, 20));
    const [first] = await load();
    const [again] = await load();
    expect(again).toEqual({ ...first, added: 0 });
    expect(await stored()).toBe(20);
  });

  it('appends an extension and then has the digest of the whole', async () => {
    put('BTC_5m.csv', csv(0, 20));
    const [first] = await load();
    put('BTC_5m.csv', csv(10, 25));
    const [extended] = await load();
    expect(extended).toMatchObject({ rows: 25, added: 15 });
    expect(extended!.digest).not.toBe(first!.digest);
    const whole = parseBarsCsv(csv(0, 35), { file: 'whole', asset: 'BTC', step: 300 });
    expect(extended!.digest).toBe(barsDigest(whole));
  });

  it('refuses a file that contradicts stored bars, and undoes the other files of the call', async () => {
    put('BTC_5m.csv', csv(0, 20));
    await load();
    put('AAA_5m.csv', csv(0, 5));
    put(
      'BTC_5m.csv',
      csv(19, 5, (i) => (i === 19 ? 7 : 100 + i)),
    );
    await expect(load()).rejects.toMatchObject({
      code: 'SWARM_E_DATA_CONFLICT',
      message: expect.stringContaining('BTC_5m.csv contradicts the stored BTC bar of'),
    });
    expect(await stored()).toBe(20);
    expect(await series()).toBe(1);
  });

  it('refuses recorded bars for a series that a simulation wrote, even where none overlaps', async () => {
    await admin.query(
      `insert into market.series (asset, step_s, source, digest, rows) values ('BTC', 300, 'simulated', 'x', 0)`,
    );
    put('BTC_5m.csv', csv(0, 3));
    await expect(load()).rejects.toMatchObject({ code: 'SWARM_E_DATA_CONFLICT' });
    expect(await stored()).toBe(0);
  });

  it.each([
    [
      'a broken number',
      '1700000400,1,x,2,1',
      'SWARM_E_BARS_FORMAT',
      'BTC_5m.csv:3: "x" is not a plain number',
    ],
    ['an off-grid time', '1700000401,1,1,2,1', 'SWARM_E_BARS_FORMAT', 'BTC_5m.csv:3'],
    ['an unsorted time', '1699999800,1,1,2,1', 'SWARM_E_BARS_ORDER', 'BTC_5m.csv:3'],
    ['a duplicate time', '1700000100,1,1,2,1', 'SWARM_E_BARS_ORDER', 'BTC_5m.csv:3'],
    ['a missing column', '1700000400,1,1,2', 'SWARM_E_BARS_FORMAT', 'BTC_5m.csv:3: 4 columns, expected 5'],
  ])('names file and line of %s and writes nothing', async (_, line, code, message) => {
    put('AAA_5m.csv', csv(0, 5));
    put('BTC_5m.csv', `${csv(0, 1)}${line}\n`);
    await expect(load()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(await series()).toBe(0);
  });

  it('names a file that is no gzip and a file without bars', async () => {
    put('AAA_5m.csv', csv(0, 5));
    writeFileSync(join(directory, 'BTC_5m.csv.gz'), 'not gzip');
    await expect(load()).rejects.toMatchObject({
      code: 'SWARM_E_DATA_MISSING',
      message: expect.stringContaining('BTC_5m.csv.gz cannot be read'),
    });
    put('BTC_5m.csv.gz', 'timestamp_s,close,open,high,low\n');
    await expect(load()).rejects.toMatchObject({
      code: 'SWARM_E_DATA_MISSING',
      message: expect.stringContaining('BTC_5m.csv.gz holds no bars'),
    });
    expect(await series()).toBe(0);
  });

  it('lists what the directory has when an asset has no file', async () => {
    put('BTC_5m.csv', csv(0, 5));
    put('ETH_5m.csv', csv(0, 5));
    await expect(load(['BTC', 'XRP'])).rejects.toMatchObject({
      code: 'SWARM_E_DATA_MISSING',
      message: expect.stringContaining('no bars of XRP'),
      hint: expect.stringContaining('this directory has BTC, ETH'),
    });
    expect(await series()).toBe(0);
  });

  it('refuses a directory that is missing or holds no bar files', async () => {
    await expect(load()).rejects.toMatchObject({ code: 'SWARM_E_DATA_MISSING' });
    await expect(
      importBars(admin, join(directory, 'nowhere'), undefined, () => undefined),
    ).rejects.toMatchObject({
      code: 'SWARM_E_DATA_MISSING',
    });
  });

  it('reads only the assets that were asked for', async () => {
    put('BTC_5m.csv', csv(0, 5));
    put('ETH_5m.csv', 'broken');
    expect((await load(['BTC'])).map((s) => s.asset)).toEqual(['BTC']);
  });
});

const recorded = recordedFile('BTC', 5);

describe.skipIf(recorded === undefined)(
  'importBars of recorded bars (set SWARM_TEST_DATA where they lie)',
  () => {
    it('stores a series of years, and takes the same file again without adding a bar', async () => {
      const first = await importBars(admin, dirname(recorded!), ['BTC'], () => undefined);
      const five = first.find((s) => s.step_s === 300)!;
      expect(five.added).toBe(five.rows);
      expect(five.digest).toBe(barsDigest(readRecorded(recorded!, 'BTC', 5)));
      const again = await importBars(admin, dirname(recorded!), ['BTC'], () => undefined);
      expect(again.map((s) => s.added)).toEqual(again.map(() => 0));
      expect(await stored()).toBe(first.reduce((n, s) => n + s.rows, 0));
    });
  },
);
