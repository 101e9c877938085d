// Forecasts made ahead: a prompt is answered from one that is at hand, re-anchored to the last price, recorded so that it can be
// made again, and from less when time is short.
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { BarReader } from '../../blackboard/market.js';
import { gridPrices, historyFor } from '../../forecast/bars.js';
import { offload } from '../../forecast/offload.js';
import type { SharedText } from '../../miner/axon/shared-text.js';
import { aheadOnce } from '../../miner/serving/ahead.js';
import { Answering } from '../../miner/serving/answers.js';
import { Canary } from '../../miner/serving/canary.js';
import { Champions } from '../../miner/serving/champions.js';
import { Forecasts } from '../../miner/serving/forecasts.js';
import { Freshness } from '../../miner/serving/freshness.js';
import { Knowledge } from '../../miner/serving/known.js';
import { slotLaw } from '../../miner/serving/law.js';
import { Ledger } from '../../miner/serving/ledger.js';
import { MinuteReferences } from '../../miner/serving/minutes.js';
import { ModelPool } from '../../miner/serving/pool.js';
import { type AnswerRow, recreate } from '../../miner/serving/recreate.js';
import { serve } from '../../miner/serving/serve.js';
import type { WritingJobs } from '../../miner/serving/writer.js';
import { findCompetition, loadProfile, scoringIntervals } from '../../miner/sn50/profile.js';
import { formatStart, type Prompt, parseStart } from '../../miner/sn50/prompt.js';
import { formatResponse, validateResponseText } from '../../miner/sn50/response.js';
import { agedWindow, crown, foundSlots, storeModel, storePlaced } from './reign.js';
import { NOW_S, openWorld, type World } from './world.js';

const SLOT = '24h/BTC';
const LAW = slotLaw(findCompetition(loadProfile('2026-05'), '24h'), 'BTC');
const LONG_MS = 600_000;
let world: World;
let context: AgentContext;
let publisher: AgentContext;
let champions: Champions;
let pool: ModelPool;
let forecasts: Forecasts;
let answering: Answering;
let ledger: Ledger;
const stop = new AbortController();
const writer = offload<WritingJobs>(new URL('../../miner/serving/writer.js', import.meta.url));

beforeAll(async () => {
  world = await openWorld('ahead', { past: 4, slots: [SLOT] });
  publisher = await world.agent('publisher');
  await foundSlots(publisher);
  const aged = await agedWindow(world.admin, publisher, SLOT);
  await crown(publisher, SLOT, await storePlaced(publisher, 'BTC'), [aged]);
  context = await world.agent('miner');
  pool = new ModelPool(1);
  champions = new Champions(context, pool, new Canary(context, pool));
  await champions.refresh();
  forecasts = new Forecasts(pool, true);
  answering = new Answering(
    context,
    champions,
    forecasts,
    writer,
    new Knowledge(context, new BarReader(context.db, 0)),
    new MinuteReferences(context, pool),
  );
  ledger = new Ledger(context);
});
afterAll(async () => {
  await Promise.all([pool.close(), writer.close()]);
  await world.close();
});

const prompt = (start_s: number): Prompt => ({
  asset: 'BTC',
  start_time: formatStart(start_s),
  time_increment: 300,
  time_length: 86_400,
  num_simulations: 1000,
});

const ask = (asked: Prompt, left_ms = LONG_MS) =>
  serve({ context, answering, ledger }, LAW, asked, 'tester', performance.now() + left_ms);

async function rowOf(asked: Prompt): Promise<AnswerRow> {
  const { rows } = await world.admin.query(
    'select a.* from board.answer a join board.prompt p on p.id = a.prompt_id where p.start_at = $1',
    [asked.start_time],
  );
  return rows[0];
}

/** What is sent of an answer. */
const outputOf = ({ start_time }: Prompt, { rest }: { rest: SharedText }): string =>
  `[${parseStart(start_time)}${rest}`;

/** The text that an answer's row leads to. */
async function again(asked: Prompt, row: AnswerRow): Promise<string> {
  const bars = await new BarReader(context.db, 0).series('BTC', 300);
  const prices = await recreate(context.profile, asked, row, await context.store.get(row.artifact), bars);
  return formatResponse({ count: asked.num_simulations, points: 289, prices }, asked);
}

describe('a forecast made ahead', () => {
  it('answers prompts of the next minutes, re-anchored, and each can be made again from its row', async () => {
    await world.clock(NOW_S);
    expect(await aheadOnce(context, answering, stop.signal)).toBe(true);
    expect(await aheadOnce(context, answering, stop.signal)).toBe(false);
    await world.clock(NOW_S + 130);
    for (const start_s of [NOW_S + 120, NOW_S + 180, NOW_S + 240]) {
      const asked = prompt(start_s);
      const text = outputOf(asked, await ask(asked));
      expect(validateResponseText(text, asked, 1, 'digits8')).toBe('CORRECT');
      const row = await rowOf(asked);
      expect(row).toMatchObject({ sampling: 'full', seed: `${SLOT}@${NOW_S + 120}` });
      expect(row.forecast_start?.getTime() ?? start_s * 1000).toBe((NOW_S + 120) * 1000);
      expect(await again(asked, row)).toBe(text);
    }
    // The price at the later prompts was another one: the same returns from another anchor.
    expect((await rowOf(prompt(NOW_S + 180))).anchor).not.toBe((await rowOf(prompt(NOW_S + 120))).anchor);
  });

  it('does not serve a start that is more than a bar away', async () => {
    await world.clock(NOW_S + 800);
    const asked = prompt(NOW_S + 780);
    await ask(asked);
    expect(await rowOf(asked)).toMatchObject({ seed: `${SLOT}@${NOW_S + 780}`, forecast_start: null });
  });

  it('is made once for validators that ask at once', async () => {
    const asked = prompt(NOW_S + 1500);
    await world.clock(NOW_S + 1500);
    const made = await Promise.all(
      Array.from({ length: 16 }, () => answering.answer(asked, LAW, performance.now() + LONG_MS)),
    );
    expect(new Set(made.map(({ rest }) => rest)).size).toBe(1);
  });
});

describe('with little time left', () => {
  it.each([
    ['reduced', 100_000],
    ['drawn', 10],
  ] as const)('paths are %s, and the row says so', async (sampling, takes_ms) => {
    const start_s = NOW_S + (sampling === 'drawn' ? 7200 : 5400);
    await world.clock(start_s);
    const taking = vi
      .spyOn(pool, 'expected')
      .mockImplementation((_, one) => (one === sampling ? takes_ms : one === 'drawn' ? 1 : 1e6));
    const asked = prompt(start_s);
    const text = outputOf(asked, await ask(asked));
    taking.mockRestore();
    const row = await rowOf(asked);
    expect(row.sampling).toBe(sampling);
    expect(await again(asked, row)).toBe(text);
  });

  it('and none for writing, nothing is answered, and the failure is a row', async () => {
    const asked = prompt(NOW_S + 9000);
    await world.clock(NOW_S + 9000);
    await expect(ask(asked, 500)).rejects.toMatchObject({ code: 'SWARM_E_DEADLINE' });
    expect(await rowOf(asked)).toMatchObject({ status: 'failed' });
  });
});

describe('a new champion', () => {
  const START_S = NOW_S + 120;
  const serving = (): string[] => champions.of(SLOT).map(({ digest }) => digest);

  /** What a model scores on the first prompt of this file, as its gate would have found. */
  async function gateScore(digest: string): Promise<number> {
    const model = await pool.load(digest, await context.store.get(digest));
    const series = await new BarReader(context.db, 0).series('BTC', 300);
    const row = await rowOf(prompt(START_S));
    const crps = await pool.score({
      digest,
      history: historyFor(series, row.data_until.getTime() / 1000, model),
      start_s: START_S,
      step_s: 300,
      steps: 288,
      paths: 1000,
      seed: row.seed,
      intervals: scoringIntervals(findCompetition(context.profile, '24h')),
      sampling: 'full',
      anchor: row.anchor,
      real: gridPrices(series, START_S, 86_400, 300),
    });
    await pool.drop(digest);
    return crps;
  }

  async function crownedWith(scale: number, told: (crps: number) => number): Promise<string> {
    await world.clock(NOW_S + 130_000);
    const digest = await storeModel(publisher, 'BTC', { scale });
    const { rows } = await world.admin.query(
      'select id from board.prompt where start_at = to_timestamp($1)',
      [START_S],
    );
    const { seed } = await rowOf(prompt(START_S));
    const window = { prompt_id: rows[0].id, start_at: new Date(START_S * 1000), seed, champion_crps: 1 };
    await crown(publisher, SLOT, digest, [{ ...window, challenger_crps: told(await gateScore(digest)) }]);
    return digest;
  }

  async function refusals(digest: string): Promise<string[]> {
    const { rows } = await world.admin.query(
      `select message from board.alert where code = 'SWARM_E_CANARY' and strpos(message, $1) > 0`,
      [digest.slice(0, 12)],
    );
    return rows.map(({ message }) => message);
  }

  it('serves once it has come to the score of its gate', async () => {
    const digest = await crownedWith(1.1, (crps) => crps);
    expect(await champions.refresh()).toBe(true);
    expect(serving()[0]).toBe(digest);
  });

  it('whose gate has no window that can be scored again never serves, with an alert', async () => {
    const before = serving()[0]!;
    const digest = await storeModel(publisher, 'BTC', { scale: 1.3 });
    await crown(publisher, SLOT, digest, []);
    await champions.refresh();
    expect(serving()).not.toContain(digest);
    expect(serving()[0]).toBe(before);
    expect(await refusals(digest)).toEqual([expect.stringContaining('no window that can be scored again')]);
  });

  it('that scores otherwise than its gate says never serves, with an alert', async () => {
    const before = serving()[0]!;
    const digest = await crownedWith(0.9, (crps) => 0.99 * crps);
    await champions.refresh();
    expect(serving()).not.toContain(digest);
    expect(serving()[0]).toBe(before);
    expect(await refusals(digest)).toEqual([expect.stringContaining('its gate says')]);
  });
});

describe('a closed market', () => {
  const share = { alert: vi.fn(() => Promise.resolve()), log: pino({ level: 'silent' }) };
  const freshness = new Freshness(share);

  it.each([
    ['SPYX', 60, []],
    ['SPYX', 60 * 3600, ['SWARM_W_STALE_PRICE']],
    ['BTC', 2 * 3600, ['SWARM_W_STALE_PRICE']],
  ])('of %s is served from a bar that is %i s old', (asset, age_s, said) => {
    share.alert.mockClear();
    freshness.assertUsable(asset, NOW_S, NOW_S - age_s);
    freshness.assertUsable(asset, NOW_S, NOW_S - age_s);
    expect(share.alert.mock.calls.map(([, code]: unknown[]) => code)).toEqual(said);
  });

  it.each([
    ['SPYX', 97 * 3600],
    ['BTC', 7 * 3600],
  ])('of %s is refused, with an alert, after %i s', (asset, age_s) => {
    share.alert.mockClear();
    const look = () => freshness.assertUsable(asset, NOW_S, NOW_S - age_s);
    expect(look).toThrow(expect.objectContaining({ code: 'SWARM_E_BARS_GAP' }));
    expect(share.alert.mock.calls.map(([, code]: unknown[]) => code)).toEqual(['SWARM_E_BARS_GAP']);
  });
});
