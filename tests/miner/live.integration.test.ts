// A live market: its series and clock, the feed's bars in the database, and the miner's own answers scored after their horizon.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BarReader } from '../../blackboard/market.js';
import { liveMarket } from '../../cli/up/live.js';
import type { MinerProcess } from '../../miner/context.js';
import { BarStore } from '../../miner/prices/live/bar-store.js';
import { openMiner } from '../../miner/serving/main.js';
import { loadProfile } from '../../miner/sn50/profile.js';
import { formatStart } from '../../miner/sn50/prompt.js';
import { freePorts } from '../ports.js';
import { agedWindow, crown, foundSlots, storeModel } from './reign.js';
import { NOW_S, openWorld, type World } from './world.js';

let world: World;
let miner: MinerProcess;
let port: number;

beforeAll(async () => {
  world = await openWorld('live', { past: 26, slots: ['24h/BTC'] });
  await world.admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed)
     select 'live', dataset_digest, seed, profile, slots, market_at, data_from, data_to, 0 from market.clock`,
  );
  const publisher = await world.agent('publisher');
  await foundSlots(publisher);
  // Reads twenty-four days, 6913 bars.
  const patient = await storeModel(publisher, 'BTC', { half_life_s: 4 * 86_400 });
  await crown(publisher, '24h/BTC', patient, [await agedWindow(world.admin, publisher, '24h/BTC')]);
  [port = 0] = await freePorts(1);
  miner = await openMiner(await world.agent('miner'), port);
});
afterAll(async () => {
  await miner.close();
  await world.close();
});

const outcomes = async (): Promise<{ miner: string; crps: number; validation: string }[]> =>
  (await world.admin.query('select miner, crps, validation from board.outcome order by miner')).rows;

describe('an own answer', () => {
  it('is scored once its horizon has passed, beside the rivals, and once only', async () => {
    const simulation_input = {
      asset: 'BTC',
      start_time: formatStart(NOW_S + 60),
      time_increment: 300,
      time_length: 86_400,
      num_simulations: 1000,
    };
    // The second is of no slot, and scored by nobody.
    for (const asked of [simulation_input, { ...simulation_input, time_increment: 600 }]) {
      const reply = await fetch(`http://127.0.0.1:${port}/Simulation`, {
        method: 'POST',
        body: JSON.stringify({ simulation_input: asked }),
      });
      expect(reply.status).toBe(200);
      await reply.arrayBuffer();
    }
    const { rows } = await world.admin.query('select rank from board.answer where seed <> $1', ['aged']);
    expect(rows).toEqual([{ rank: 'champion' }, { rank: 'champion' }]);
    await miner.step();
    expect(await outcomes()).toEqual([]);
    await world.clock(NOW_S + 86_400 + 600);
    expect(await miner.step()).toBe(true);
    const scored = await outcomes();
    expect(scored.map((o) => o.miner)).toEqual(['calibrated', 'ewma', 'reference', 'swarm']);
    for (const one of scored) expect(one.crps).toBeGreaterThan(0);
    expect(await miner.step()).toBe(false);
    expect(await outcomes()).toEqual(scored);
  });

  it('cannot be scored by its miner where the market is not live', async () => {
    const context = await world.agent('miner', 'other');
    const { rows } = await world.admin.query('select id from board.prompt');
    const row = {
      ...context.stamp(),
      prompt_id: rows[0].id,
      miner: 'other',
      validation: 'CORRECT',
      crps: 1,
      dataset_digest: 'd'.repeat(64),
    };
    // Somebody else's answer, in a live market.
    await expect(context.db.insertInto('board.outcome').values(row).execute()).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('the feed’s bars', () => {
  it('are stored once, and five minutes are made of them', async () => {
    const profile = loadProfile('2026-05');
    await world.admin.query(`delete from market.series where asset = 'ETH'`);
    const { slots } = await liveMarket(world.admin, profile, ['ETH']);
    expect(slots).toEqual(['24h/ETH', '1h/ETH']);
    const context = await world.agent('feed');
    const store = new BarStore(context.db);
    expect(await store.last('ETH')).toBeNull();
    const from_s = NOW_S - 600;
    const minutes = Array.from({ length: 7 }, (_, i) => ({
      open_s: from_s + 60 * i,
      open: 10 + i,
      high: 11 + i,
      low: 9 + i,
      close: 10.5 + i,
    }));
    await store.add('ETH', minutes.slice(0, 3));
    await store.add('ETH', minutes.slice(2));
    expect(await store.last('ETH')).toEqual(minutes.at(-1));
    const reader = new BarReader((await world.agent('checker')).db, 0);
    expect([...(await reader.series('ETH', 60)).close]).toEqual(minutes.map(({ close }) => close));
    const { open_s, close } = await reader.series('ETH', 300);
    expect([[...open_s], [...close]]).toEqual([[from_s], [14.5]]);
  });
});

describe('recorded bars as the past of a live market', () => {
  const put = (name: string, step_s: number, from_s: number, count: number): void => {
    const rows = Array.from(
      { length: count },
      (_, i) => `${from_s + i * step_s},${10 + i},${10 + i},${10 + i},${10 + i}`,
    );
    writeFileSync(join(world.directory, name), `timestamp_s,close,open,high,low\n${rows.join('\n')}\n`);
  };
  const opened = async (asset: string) => {
    await world.admin.query('begin');
    try {
      return await liveMarket(world.admin, loadProfile('2026-05'), [asset], world.directory);
    } finally {
      await world.admin.query('commit');
    }
  };

  it('are where the feed goes on, and five minutes are made of minutes that came alone', async () => {
    const from_s = NOW_S - 3000;
    put('SOL_1m.csv', 60, from_s, 13);
    const { slots, dataset_digest } = await opened('SOL');
    expect(slots).toEqual(['24h/SOL', '1h/SOL']);
    expect(dataset_digest).toMatch(/^[0-9a-f]{64}$/);
    const store = new BarStore((await world.agent('feed', 'feed-2')).db);
    expect(await store.last('SOL')).toMatchObject({ open_s: from_s + 720, close: 22 });
    const { db } = await world.agent('checker', 'checker-2');
    const reader = () => new BarReader(db, 0);
    expect([...(await reader().series('SOL', 300)).close]).toEqual([14, 19]);
    await store.add(
      'SOL',
      [13, 14].map((i) => ({ open_s: from_s + 60 * i, open: 1, high: 1, low: 1, close: 50 })),
    );
    expect([...(await reader().series('SOL', 300)).close]).toEqual([14, 19, 50]);
  });

  it('that are of none of its assets, or reach beyond the present, are refused', async () => {
    await expect(opened('XRP')).rejects.toMatchObject({ code: 'SWARM_E_DATA_MISSING' });
    put('XRP_5m.csv', 300, Math.floor(Date.now() / 300_000) * 300 - 300, 4);
    await expect(opened('XRP')).rejects.toMatchObject({ code: 'SWARM_E_DATA_END' });
  });
});
