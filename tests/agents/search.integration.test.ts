// One experiment from briefing to claim, on real bars of a simulated market: what becomes a row, and what never does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { Agent } from '../../agents/runtime/life.js';
import { openSearch } from '../../agents/runtime/search.js';
import { slotData, slotView } from '../../agents/runtime/slot.js';
import { slotPlan } from '../../agents/runtime/windows.js';
import type { Strategist } from '../../agents/strategist/strategist.js';
import { scoresOf, windowsOf, yardstickScores } from '../../agents/trainer/scoring.js';
import { BarReader } from '../../blackboard/market.js';
import { assertSigned } from '../../blackboard/signed.js';
import { specDigest } from '../../forecast/families/index.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { windowStarts } from '../../forecast/windows.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { cheapSpec, proposing } from './claims.js';

const SLOT = '1h/BTC';
let world: World;
let context: AgentContext;
let agents: Agent[] = [];

beforeAll(async () => {
  world = await openWorld('search', { past: 95, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  context = await world.agent('explorer');
});
afterAll(async () => {
  for (const agent of agents) await agent.close?.();
  agents = [];
  await world.close();
});

async function searcher(strategist: Strategist, change: Partial<AgentContext> = {}): Promise<Agent> {
  const agent = await openSearch({ ...context, ...change }, { strategist, overclaim: 0 });
  agents.push(agent);
  return agent;
}

const last = async (table: string): Promise<Record<string, unknown>> =>
  (await world.admin.query(`select * from board.${table} order by at desc limit 1`)).rows[0];
const rows = (table: string): Promise<number> => count(world, `select count(*) as n from board.${table}`);

describe('an experiment', () => {
  it('leaves briefing, decision, experiment and claim, each pointing to the one before', async () => {
    const spec = cheapSpec(0.9);
    expect(await (await searcher(proposing(spec))).step()).toBe(true);
    const [briefing, decision, experiment, claim] = [
      await last('briefing'),
      await last('decision'),
      await last('experiment'),
      await last('claim'),
    ];
    expect(decision).toMatchObject({
      briefing_id: briefing!['id'],
      spec_digest: specDigest(spec),
      slot: SLOT,
    });
    expect(experiment).toMatchObject({ decision_id: decision!['id'], dataset_digest: 'd'.repeat(64) });
    expect(claim).toMatchObject({ experiment_id: experiment!['id'], claimed_gain: experiment!['gain'] });
    const key = await world.admin.query('select public_key from board.agent where id = $1', [context.who.id]);
    assertSigned('claim', claim as { signature: string; id: string }, key.rows[0].public_key);
    expect(await count(world, 'select count(*) as n from board.lease')).toBe(0);
  });

  it('claims a gain and a standard error that its own windows bear out', async () => {
    const { artifact, gain, se, n_windows } = await last('experiment');
    const view = slotView(context.profile, SLOT);
    const plan = slotPlan(context.constants, view.competition, NOW_S);
    const series = await new BarReader(context.db, 0).series('BTC', 60);
    const data = slotData(context, view, series, plan);
    const starts = windowsOf(data, windowStarts(plan.public.from_s, plan.public.to_s, plan.windows), 20);
    expect(starts).toHaveLength(n_windows as number);
    const { onnx, manifest } = unpackArtifact(await context.store.get(artifact as string));
    const sim = await openInProcess(onnx);
    const model = await scoresOf(data, sim, starts, manifest);
    await sim.close();
    const base = await yardstickScores(data, starts);
    const mean = (xs: Float64Array): number => xs.reduce((a, b) => a + b, 0) / xs.length;
    const differences = base.map((b, i) => (b - model[i]!) / mean(base));
    expect(gain).toBeCloseTo(mean(differences), 12);
    const naive =
      Math.sqrt(mean(differences.map((d) => (d - mean(differences)) ** 2))) / Math.sqrt(starts.length);
    expect(se as number).toBeGreaterThan(naive / 2);
    expect(se as number).toBeLessThan(naive * 3);
  });

  it('sees no bar of the hidden windows', async () => {
    const series = await new BarReader(context.db, 0).series('BTC', 60);
    expect(series.open_s.at(-1)! + 60).toBeLessThanOrEqual(NOW_S - 31 * 86_400);
  });
});

describe('what comes to nothing', () => {
  it('is an attempt at stage novelty when the spec was tried that day', async () => {
    const before = await rows('experiment');
    await (await searcher(proposing(cheapSpec(0.9)))).step();
    expect(await last('attempt')).toMatchObject({ stage: 'novelty', code: 'SWARM_E_NOT_NOVEL' });
    expect(await rows('experiment')).toBe(before);
  });

  it('is an attempt at stage fit when bars are too few', async () => {
    const clock = { ...context.clock, slots: ['24h/ETH'] };
    await (await searcher(proposing(cheapSpec(0.8, 86_400)), { clock })).step();
    expect(await last('attempt')).toMatchObject({
      stage: 'fit',
      code: 'SWARM_E_BARS_TOO_FEW',
      decision_id: (await last('decision'))['id'],
    });
  });

  it('is an attempt at stage lease when somebody else has the work in hand', async () => {
    const spec = cheapSpec(0.81);
    const other = await world.agent('optimizer');
    await world.admin.query(
      `insert into board.lease (work_id, holder, token, expires_at) values ($1, $2, nextval('board.fence_token'), now() + interval '1 hour')`,
      [`experiment:${SLOT}:${specDigest(spec)}:${NOW_S}`, other.who.id],
    );
    await (await searcher(proposing(spec))).step();
    expect(await last('attempt')).toMatchObject({ stage: 'lease', code: 'SWARM_E_LEASED' });
  });

  it('is an attempt and no claim when the lease is lost on the way', async () => {
    const before = [await rows('experiment'), await rows('claim')];
    const agent = await searcher(proposing(cheapSpec(0.82)));
    const store = {
      ...context.store,
      // The last moment before the rows are written.
      put: async (bytes: Uint8Array) => {
        await world.admin.query(`delete from board.lease where holder = $1`, [context.who.id]);
        return context.store.put(bytes);
      },
    };
    const robbed = await searcher(proposing(cheapSpec(0.82)), { store });
    await robbed.step();
    expect(await last('attempt')).toMatchObject({ stage: 'record', code: 'SWARM_E_STALE_LEASE' });
    expect([await rows('experiment'), await rows('claim')]).toEqual(before);
    await agent.step();
    expect(await rows('experiment')).toBe(before[0]! + 1);
  });
});

describe('a slow experiment', () => {
  it('is kept where it took longer than a claim may be old, and nothing is claimed', async () => {
    const store = {
      ...context.store,
      put: async (bytes: Uint8Array) => {
        await world.clock(NOW_S + 4 * 86_400);
        return context.store.put(bytes);
      },
    };
    const before = [await rows('experiment'), await rows('claim'), await rows('attempt')];
    await (await searcher(proposing(cheapSpec(0.77)), { store })).step();
    await world.clock(NOW_S);
    expect([await rows('experiment'), await rows('claim'), await rows('attempt')]).toEqual([
      before[0]! + 1,
      before[1],
      before[2],
    ]);
  });
});

describe('a heartbeat', () => {
  it('tells which work is held, while it is held', async () => {
    let told: unknown = null;
    const store = {
      ...context.store,
      put: async (bytes: Uint8Array) => {
        await context.beat('working');
        told = (
          await world.admin.query('select work_id from board.presence where agent_id = $1', [context.who.id])
        ).rows[0].work_id;
        return context.store.put(bytes);
      },
    };
    const spec = cheapSpec(0.83);
    await (await searcher(proposing(spec), { store })).step();
    expect(told).toBe(`experiment:${SLOT}:${specDigest(spec)}:${NOW_S}`);
    await context.beat('ready');
    expect(await count(world, 'select count(work_id) as n from board.presence')).toBe(0);
  });
});
