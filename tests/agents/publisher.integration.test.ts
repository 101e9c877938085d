// The publisher keeps each slot's gate on its own: one slot's trouble is a row, and not the end of the others.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publisher } from '../../agents/publisher/main.js';
import { slotData, slotView } from '../../agents/runtime/slot.js';
import { slotPlan } from '../../agents/runtime/windows.js';
import { shadow } from '../../agents/trainer/shadow.js';
import { BarReader } from '../../blackboard/market.js';
import { storeModel } from '../miner/reign.js';
import { count, DAY_S, NOW_S, openWorld, type World } from '../miner/world.js';

let world: World;
beforeAll(async () => {
  // No reference model exists for the first slot.
  world = await openWorld('publisher', { past: 3, slots: ['24h/SPCX', '24h/BTC'] });
});
afterAll(() => world.close());

describe('a publisher', () => {
  it('founds a slot although the one before it cannot be founded, and says why', async () => {
    const agent = await publisher().open(await world.agent('publisher'));
    expect(await agent.step()).toBe(true);
    expect(await count(world, `select count(*) as n from board.promotion where slot = '24h/BTC'`)).toBe(1);
    const { rows } = await world.admin.query('select slot, stage, code from board.attempt');
    expect(rows).toEqual([{ slot: '24h/SPCX', stage: 'gate', code: 'SWARM_E_SPEC_INVALID' }]);
    expect(await agent.step()).toBe(false);
    await agent.close?.();
    expect(await count(world, 'select count(*) as n from board.lease')).toBe(0);
  });

  it('founds a slot once, however many publishers there are', async () => {
    const agent = await publisher().open(await world.agent('publisher', 'publisher-2'));
    await agent.step();
    await agent.close?.();
    expect(await count(world, 'select count(*) as n from board.promotion')).toBe(1);
  });
});

describe('a shadow', () => {
  it('scores a prompt like the miner would have, and has none where it lacks bars', async () => {
    const context = await world.agent('publisher', 'publisher-3');
    const view = slotView(context.profile, '24h/BTC');
    const series = await new BarReader(context.db, 0).series('BTC', 300);
    const plan = slotPlan(context.constants, view.competition, 0);
    const start_s = NOW_S - DAY_S - 300;
    const at = (
      data_until_s: number,
    ): {
      start_s: number;
      forecast_start_s: number;
      data_until_s: number;
      anchor: number;
      seed: string;
    } => ({
      start_s,
      forecast_start_s: start_s,
      data_until_s,
      anchor: 65_000,
      seed: `24h/BTC@${start_s}`,
    });
    const model = await context.store.get(await storeModel(context, 'BTC'));
    const first_s = series.open_s[0]!;
    const [whole, none, again] = await shadow({
      ...slotData(context, view, series, plan),
      artifact: model,
      prompts: [at(start_s - 300), at(first_s + 600), at(start_s - 300)],
    });
    expect(whole).toBeGreaterThan(0);
    expect(none).toBeNull();
    expect(again).toBe(whole);
  });
});
