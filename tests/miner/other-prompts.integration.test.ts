// Prompts that no slot asks for: answered by the nearest law of their asset, recorded so that they can be made again, scored
// nowhere; refused where nothing is known of the asset.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { BarReader } from '../../blackboard/market.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import type { MinerProcess } from '../../miner/context.js';
import { openMiner } from '../../miner/serving/main.js';
import { type AnswerRow, recreate } from '../../miner/serving/recreate.js';
import { formatStart, type Prompt, pointsOf } from '../../miner/sn50/prompt.js';
import { formatResponse, validateResponseText } from '../../miner/sn50/response.js';
import { freePorts } from '../ports.js';
import { agedWindow, crown, foundSlots, storePlaced } from './reign.js';
import { NOW_S, openWorld, type World } from './world.js';

const DAY_S = 86_400;
let world: World;
let context: AgentContext;
let miner: MinerProcess;
let champion: string;
let port: number;

beforeAll(async () => {
  world = await openWorld('other-prompts', { past: 4, assets: ['BTC', 'ETH'], slots: ['24h/BTC'] });
  const publisher = await world.agent('publisher');
  await foundSlots(publisher);
  champion = await storePlaced(publisher, 'BTC');
  await crown(publisher, '24h/BTC', champion, [await agedWindow(world.admin, publisher, '24h/BTC')]);
  context = await world.agent('miner');
  [port = 0] = await freePorts(1);
  miner = await openMiner(context, port);
});
afterAll(async () => {
  await miner.close();
  await world.close();
});

let minutes = 0;
function prompt(change: Partial<Prompt>): Prompt {
  minutes += 1;
  return {
    asset: 'BTC',
    start_time: formatStart(NOW_S + 60 * minutes),
    time_increment: 300,
    time_length: DAY_S,
    num_simulations: 20,
    ...change,
  };
}

async function ask(asked: Prompt): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ simulation_input: asked });
  const reply = await fetch(`http://127.0.0.1:${port}/Simulation`, { method: 'POST', body });
  return { status: reply.status, text: await reply.text() };
}

interface Row extends AnswerRow {
  readonly slot: string;
  readonly status: string;
  readonly rank: string;
  readonly reason: string;
}

async function rowsOf({ start_time, time_length }: Prompt): Promise<Row[]> {
  const { rows } = await world.admin.query(
    `select a.*, p.slot from board.answer a join board.prompt p on p.id = a.prompt_id
     where p.start_at = $1 and p.length_s = $2 order by p.increment_s`,
    [start_time, time_length],
  );
  return rows;
}

/** The text of the answer, judged as a validator judges it and made again from its row. */
async function answered(asked: Prompt): Promise<Row> {
  const { status, text } = await ask(asked);
  expect([status, text.slice(0, 300)]).toEqual([200, expect.any(String)]);
  const output = text.slice(text.indexOf('"simulation_output":') + 20, -1);
  expect(validateResponseText(output, asked, 1, 'digits8')).toBe('CORRECT');
  const rows = await rowsOf(asked);
  expect(rows).toHaveLength(1);
  const row = rows[0]!;
  const artifact = await context.store.get(row.artifact);
  const { step_s } = unpackArtifact(artifact).manifest;
  const bars = await new BarReader(context.db, 0).series(asked.asset, step_s);
  const prices = await recreate(context.profile, asked, row, artifact, bars);
  expect(formatResponse({ count: asked.num_simulations, points: pointsOf(asked), prices }, asked)).toBe(
    output,
  );
  return row;
}

describe('a prompt that no slot asks for', () => {
  it.each([
    ['a longer horizon', { time_length: 2 * DAY_S }],
    ['a shorter one', { time_length: 3600 }],
    ['a coarser grid', { time_increment: 900 }],
    ['a single step', { time_length: 300 }],
    ['a week of hours', { time_length: 7 * DAY_S, time_increment: 3600 }],
  ])('is answered by the champion of its asset: %s', async (_, change) => {
    const row = await answered(prompt(change));
    // Nothing is scored, so there are no grids to place paths on.
    expect(row).toMatchObject({ slot: 'other/BTC', rank: 'champion', artifact: champion, sampling: 'drawn' });
  });

  it.each([
    ['a finer grid than any model’s', { time_length: 3600, time_increment: 60 }],
    ['an asset whose slots are closed', { asset: 'ETH' }],
    ['that asset again, on another grid', { asset: 'ETH', time_length: 7200, time_increment: 120 }],
  ])('is answered by the reference on minutes: %s', async (_, change) => {
    const asked = prompt(change);
    const row = await answered(asked);
    expect(row).toMatchObject({ slot: `other/${asked.asset}`, rank: 'reference', sampling: 'drawn' });
  });

  it('is another prompt than the one on another grid, and each has its answer', async () => {
    const asked = prompt({ time_length: 2 * DAY_S });
    await ask(asked);
    await ask({ ...asked, time_increment: 600 });
    const rows = await rowsOf(asked);
    expect(rows.map(({ status }) => status)).toEqual(['answered', 'answered']);
    expect(new Set(rows.map(({ paths_digest }) => paths_digest)).size).toBe(2);
  });

  it('is refused, with a row that says why, where there are no bars of its asset', async () => {
    const asked = prompt({ asset: 'SOL' });
    const { status, text } = await ask(asked);
    expect([status, JSON.parse(text).code]).toEqual([500, 'SWARM_E_BARS_TOO_FEW']);
    expect(await rowsOf(asked)).toMatchObject([{ slot: 'other/SOL', status: 'failed', artifact: null }]);
  });

  it.each([
    ['an asset that the subnet does not know', { asset: 'DOGE' }],
    ['more steps than are simulated for one prompt', { time_increment: 3600, num_simulations: 10_001 }],
    ['as many in a week', { time_length: 7 * DAY_S, time_increment: 3600, num_simulations: 10_000 }],
  ])('is refused without a row: %s', async (_, change) => {
    const asked = prompt(change);
    const { status, text } = await ask(asked);
    expect([status, JSON.parse(text).code]).toEqual([422, 'SWARM_E_PROMPT_REFUSED']);
    expect(await rowsOf(asked)).toEqual([]);
  });
});
