// Opening the market of a home: what it begins with, where it continues, and what it refuses to become.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import { connectAdmin, migrateAll } from '../../cli/admin.js';
import { type MarketChoice, type OpenedMarket, openMarket, setSpeed } from '../../cli/up/market.js';
import { loadProfile } from '../../miner/sn50/profile.js';
import { homeOf } from '../blackboard/board.js';
import { type FreshDatabase, freshDatabase } from '../postgres.js';

let database: FreshDatabase;
let admin: pg.Client;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bars-'));
  database = await freshDatabase('market');
  await migrateAll(database.url);
  admin = await connectAdmin(database.url);
});
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await admin.end();
  await database.drop();
});

const DAY_S = 86_400;
const FROM_S = 19_700 * DAY_S;

/** Bars of `days` whole days. */
function put(name: string, step_s: number, days: number, price = 100): void {
  const rows = Array.from({ length: (days * DAY_S) / step_s }, (_, i) => {
    const close = price + (i % 7) / 100;
    return `${FROM_S + i * step_s},${close},${close},${close},${close}`;
  });
  writeFileSync(join(directory, name), `timestamp_s,close,open,high,low\n${rows.join('\n')}\n`);
}

const open = (change: Partial<MarketChoice> = {}): Promise<OpenedMarket> =>
  openMarket(
    admin,
    { source: 'replay', bars: directory, speed: 1440, seed: '1', profile: loadProfile('2026-05'), ...change },
    () => undefined,
  );
const one = async <T>(sql: string): Promise<T> => Object.values((await admin.query(sql)).rows[0])[0] as T;
const conflict = { code: 'SWARM_E_DATA_CONFLICT' };

describe('openMarket of recorded bars', () => {
  it('begins 17 days before the bars end, on a held clock', async () => {
    put('BTC_5m.csv', 300, 20);
    const market = await open();
    expect(market.market_at.getTime() / 1000).toBe(FROM_S + 3 * DAY_S);
    expect(market.data_to!.getTime() / 1000).toBe(FROM_S + 20 * DAY_S);
    expect(await one('select market.now()')).toEqual(market.market_at);
  });

  it('begins where --from says, and nowhere outside of the bars', async () => {
    put('BTC_5m.csv', 300, 20);
    await expect(open({ from: new Date((FROM_S + 21 * DAY_S) * 1000) })).rejects.toMatchObject({
      code: 'SWARM_E_DATA_END',
    });
    expect(await one('select count(*) from market.bar')).toBe('0');
    const from = new Date((FROM_S + 5 * DAY_S + 3600) * 1000);
    expect((await open({ from })).market_at).toEqual(from);
  });

  it('opens the slots that have bars of their own step, and no others', async () => {
    put('BTC_5m.csv', 300, 20);
    put('ETH_1m.csv', 60, 19);
    put('XRP_15m.csv', 900, 20);
    const market = await open();
    expect(market.slots).toEqual(['24h/BTC', '1h/ETH']);
    expect(market.data_to!.getTime() / 1000).toBe(FROM_S + 19 * DAY_S);
  });

  it('refuses an asset that was asked for and has bars for no slot', async () => {
    put('BTC_5m.csv', 300, 20);
    put('XRP_15m.csv', 900, 20);
    await expect(open({ assets: ['BTC', 'XRP'] })).rejects.toMatchObject({
      code: 'SWARM_E_DATA_MISSING',
      message: expect.stringContaining('XRP'),
    });
    expect(await one('select count(*) from market.series')).toBe('0');
  });

  it('refuses an asset that the profile does not know', async () => {
    put('BTC_5m.csv', 300, 20);
    await expect(open({ assets: ['DOGE'] })).rejects.toMatchObject({ code: 'SWARM_E_UNKNOWN_ASSET' });
  });

  it('continues after an orderly stop at the moment of the stop', async () => {
    put('BTC_5m.csv', 300, 20);
    await open();
    await setSpeed(admin, 1e5, 'running');
    await setSpeed(admin, 0, 'stopped');
    const stopped = await one<Date>('select market.now()');
    const again = await open();
    expect(again).toMatchObject({ continued: true, market_at: stopped, slots: ['24h/BTC'] });
    expect(await one('select market.now()')).toEqual(stopped);
  });

  it('continues after a kill where the swarm was last seen alive', async () => {
    put('BTC_5m.csv', 300, 20);
    const { market_at } = await open();
    const { credentials } = await enrolIn(admin, homeOf(directory), {
      name: 'miner',
      owner: 'house',
      role: 'miner',
    });
    const seen = new Date(market_at.getTime() + 5 * 3_600_000);
    await setSpeed(admin, 1e6, 'running');
    await admin.query(
      `insert into board.presence (agent_id, beat_at, market_at, pid, host, state) values ($1, now(), $2, 1, 'h', 'ready')`,
      [credentials.id, seen],
    );
    await expect.poll(() => one<Date>('select market.now()')).toSatisfy((now: Date) => now > seen);
    expect((await open()).market_at).toEqual(seen);
    expect(await one('select market.now()')).toEqual(seen);
  });

  it('runs on to the end of bars that were added, under a new dataset digest', async () => {
    put('BTC_5m.csv', 300, 20);
    const before = await open();
    put('BTC_5m.csv', 300, 22);
    const after = await open();
    expect(after.data_to!.getTime() / 1000).toBe(FROM_S + 22 * DAY_S);
    expect(after.dataset_digest).not.toBe(before.dataset_digest);
    expect(await one('select dataset_digest from fleet.clock')).toBe(after.dataset_digest);
    expect(await open()).toMatchObject({ dataset_digest: after.dataset_digest });
  });

  it('refuses to become another market', async () => {
    put('BTC_5m.csv', 300, 20);
    put('ETH_5m.csv', 300, 20);
    await open({ assets: ['BTC'] });
    await expect(open({ source: 'simulated' })).rejects.toMatchObject(conflict);
    await expect(open({ assets: ['ETH'] })).rejects.toMatchObject(conflict);
    await expect(open({ assets: ['BTC', 'ETH'] })).rejects.toMatchObject(conflict);
    await expect(open({ profile: loadProfile('2026-01') })).rejects.toMatchObject(conflict);
    put('BTC_5m.csv', 300, 20, 200);
    await expect(open()).rejects.toMatchObject(conflict);
    expect(await one('select count(*) from market.clock')).toBe('1');
  });
});

describe('openMarket of a simulation', () => {
  it('begins with half a year of bars, the same for the same seed, and keeps its seed', async () => {
    const choice = { source: 'simulated', assets: ['BTC'], bars: undefined } as const;
    const market = await open(choice);
    expect(market).toMatchObject({ slots: ['24h/BTC', '1h/BTC'], data_to: null, continued: false });
    const first = await one<string>('select min(open_s) from market.bar');
    expect(market.market_at.getTime() / 1000 - Number(first)).toBe(160 * DAY_S);
    await expect(open({ ...choice, seed: '2' })).rejects.toMatchObject(conflict);
    expect(await open({ ...choice, assets: undefined })).toMatchObject({
      continued: true,
      dataset_digest: market.dataset_digest,
    });
  });

  it('refuses assets that nobody simulates', async () => {
    await expect(open({ source: 'simulated', assets: ['DOGE'] })).rejects.toMatchObject({
      code: 'SWARM_E_UNKNOWN_ASSET',
    });
    expect(await one('select count(*) from market.clock')).toBe('0');
  });

  it('refuses a database that holds imported bars', async () => {
    await admin.query(
      `insert into market.series (asset, step_s, source, digest, rows) values ('BTC', 300, 'file', 'x', 0)`,
    );
    await expect(open({ source: 'simulated' })).rejects.toMatchObject(conflict);
  });
});
