// The miner as a validator meets it: HTTP in, the subnet's JSON out, and a row for everything that was said.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { BarReader } from '../../blackboard/market.js';
import { contiguousHistory } from '../../forecast/bars.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import type { MinerProcess } from '../../miner/context.js';
import { openMiner } from '../../miner/serving/main.js';
import { formatStart, type Prompt } from '../../miner/sn50/prompt.js';
import { formatResponse, validateResponseText } from '../../miner/sn50/response.js';
import { freePorts } from '../ports.js';
import { agedWindow, crown, foundSlots, storeModel } from './reign.js';
import { count, NOW_S, openWorld, type World } from './world.js';

const SLOT = '24h/BTC';
/** Starts that are chosen, out of the way of those that are counted. */
const LATER_S = NOW_S + 72_000;
let world: World;
let context: AgentContext;
let publisher: AgentContext;
let miner: MinerProcess;
let port: number;

beforeAll(async () => {
  world = await openWorld('miner', { past: 4, slots: [SLOT, '1h/BTC'] });
  publisher = await world.agent('publisher');
  await foundSlots(publisher);
  context = await world.agent('miner');
  [port = 0] = await freePorts(1);
  miner = await openMiner(context, port);
});
afterAll(async () => {
  await miner.close();
  await world.close();
});
afterEach(async () => {
  await world.clock(NOW_S);
});

let minutes = 0;
/** A prompt with a start of its own: the blackboard knows a prompt by validator, asset, start and length. */
function prompt(change: Partial<Prompt> = {}): Prompt {
  minutes += 1;
  return {
    asset: 'BTC',
    start_time: formatStart(NOW_S + 60 * minutes),
    time_increment: 300,
    time_length: 86_400,
    num_simulations: 20,
    ...change,
  };
}

const post = (body: string, path = '/Simulation'): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', bt_header_dendrite_hotkey: 'tester' },
  });
const ask = (asked: unknown): Promise<Response> => post(JSON.stringify({ simulation_input: asked }));

/** The raw text of `simulation_output`, for a judge that tells 5 from 5.0. */
const outputOf = (text: string): string => text.slice(text.indexOf('"simulation_output":') + 20, -1);

async function answerRow(asked: Prompt): Promise<Record<string, unknown>> {
  const { rows } = await world.admin.query(
    `select a.*, p.slot, p.validator from board.answer a join board.prompt p on p.id = a.prompt_id
     where p.start_at = $1 and p.length_s = $2`,
    [asked.start_time, asked.time_length],
  );
  return rows[0];
}

describe('an answer', () => {
  it('passes the validator’s own check and is recorded with its prompt', async () => {
    const asked = prompt();
    const response = await ask(asked);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(validateResponseText(outputOf(text), asked, 1, 'digits8')).toBe('CORRECT');
    expect(JSON.parse(text)).toMatchObject({ name: 'Simulation', simulation_input: asked });
    expect(await answerRow(asked)).toMatchObject({
      status: 'answered',
      rank: 'champion',
      slot: SLOT,
      validator: 'tester',
    });
  });

  it('can be made again from its row: same digest, same text', async () => {
    const asked = prompt();
    const text = await (await ask(asked)).text();
    const row = await answerRow(asked);
    const { onnx, manifest } = unpackArtifact(await context.store.get(row['artifact'] as string));
    const series = await new BarReader(context.db, 0).series('BTC', 300);
    const until_s = (row['data_until'] as Date).getTime() / 1000;
    const sim = await openInProcess(onnx);
    const returns = await sim.simulate({
      history: contiguousHistory(series, until_s, manifest.history_bars),
      start_s: Date.parse(asked.start_time) / 1000,
      step_s: 300,
      steps: 288,
      paths: 20,
      seed: row['seed'] as string,
    });
    await sim.close();
    const paths = toPrices(returns, 288, 20, row['anchor'] as number);
    expect(createHash('sha256').update(new Uint8Array(paths.prices.buffer)).digest('hex')).toBe(
      row['paths_digest'],
    );
    expect(formatResponse(paths, asked)).toBe(outputOf(text));
  });

  it('uses no bar that closed later than a minute before its start, wherever the clock stands', async () => {
    await world.clock(NOW_S + 80_000);
    for (const offset of [0, 60, 240, 300, 360]) {
      const asked = prompt({ start_time: formatStart(LATER_S + offset), num_simulations: 1 });
      expect((await ask(asked)).status).toBe(200);
      const until_s = ((await answerRow(asked))['data_until'] as Date).getTime() / 1000;
      expect(until_s).toBe(Math.floor((LATER_S + offset - 60) / 300) * 300);
    }
    const hour = prompt({
      start_time: formatStart(LATER_S),
      time_length: 3600,
      time_increment: 60,
    });
    await ask(hour);
    expect(((await answerRow(hour))['data_until'] as Date).getTime() / 1000).toBe(LATER_S - 60);
  });

  it('starts from the latest minute that was known, also on a five-minute grid', async () => {
    await world.clock(NOW_S + 80_000);
    const asked = prompt({ start_time: formatStart(LATER_S + 1440) });
    await ask(asked);
    const minute = await world.admin.query(
      `select b.close from market.bar b join market.series s on s.id = b.series_id where s.step_s = 60 and b.open_s = $1`,
      [LATER_S + 1320],
    );
    expect((await answerRow(asked))['anchor']).toBe(minute.rows[0].close);
  });
});

describe('a request that cannot be served', () => {
  it.each([
    ['an asset of no slot', 422, { asset: 'DOGE' }],
    ['an increment that does not divide the length', 422, { time_increment: 420 }],
    ['steps within a minute', 422, { time_increment: 30 }],
    ['more than a week', 422, { time_length: 8 * 86_400 }],
    ['no simulations', 422, { num_simulations: 0 }],
    ['too many simulations', 422, { num_simulations: 10_001 }],
    ['a start that is no date', 422, { start_time: 'tomorrow' }],
  ])('is refused with its reason: %s', async (_, status, change) => {
    const response = await ask(prompt(change));
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: 'SWARM_E_PROMPT_REFUSED' });
  });

  it.each([['{'], ['null'], ['[]'], ['{}'], ['']])('is refused when its body is %j', async (text) => {
    expect((await post(text)).status).toBe(422);
  });

  it('is told that its body is too large', async () => {
    const response = await post(`"${'x'.repeat(300_000)}"`);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'SWARM_E_PROMPT_REFUSED' });
  });

  it('meets 405 for a wrong method, 404 for an unknown path, and a server that lives on', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/Simulation`, { method: 'PUT' })).status).toBe(405);
    expect((await post('{}', '/Nope')).status).toBe(404);
    expect((await post('{"a":1}', '/Synapse')).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).json()).toEqual({ healthy: true });
    expect((await ask(prompt())).status).toBe(200);
  });

  it('is answered with 500 and a failed row when no bar has closed yet', async () => {
    const asked = prompt({ start_time: '2024-01-01T00:00:00+00:00' });
    expect((await ask(asked)).status).toBe(500);
    expect(await answerRow(asked)).toMatchObject({ status: 'failed', rank: 'none', artifact: null });
  });
});

describe('a prompt whose bars are old', () => {
  it('is refused: a gap in the feed must not pass for a calm market', async () => {
    // Later than any bar of this world by more than six hours, wherever other tests moved the clock.
    const refused = await ask(prompt({ start_time: formatStart(NOW_S + 2 * 86_400 + 7 * 3600) }));
    expect(refused.status).toBe(500);
    expect(await refused.text()).toContain('SWARM_E_BARS_GAP');
  });
});

describe('with the database away', () => {
  it('still answers, and the row appears once it is back', async () => {
    await ask(prompt());
    const asked = prompt();
    await world.door.shut();
    const response = await ask(asked).finally(() => world.door.open());
    expect(response.status).toBe(200);
    expect(validateResponseText(outputOf(await response.text()), asked, 1, 'digits8')).toBe('CORRECT');
    await expect.poll(() => answerRow(asked), { timeout: 20_000 }).toMatchObject({ status: 'answered' });
  });
});

describe('a new champion', () => {
  const artifacts = (): Promise<{ artifact: string; rank: string }[]> =>
    world.admin
      .query(`select artifact, rank from board.answer where status = 'answered' order by at`)
      .then(({ rows }) => rows);

  it('takes over under a stream of requests without one being dropped', async () => {
    const aged = await agedWindow(world.admin, publisher, SLOT);
    const before = await count(world, `select count(*) as n from board.answer`);
    const next = await storeModel(publisher, 'BTC', { scale: 1.1 });
    const statuses: number[] = [];
    let swapped: Promise<unknown> = Promise.resolve();
    const prompts = Array.from({ length: 200 }, () => prompt({ num_simulations: 5 }));
    for (let sent = 0; sent < prompts.length; sent += 4) {
      if (sent === 80) swapped = crown(publisher, SLOT, next, [aged]).then(() => miner.step());
      const answered = await Promise.all(prompts.slice(sent, sent + 4).map(ask));
      statuses.push(...answered.map((r) => r.status));
    }
    expect(await swapped).toBe(true);
    expect(statuses).toEqual(Array.from({ length: 200 }, () => 200));
    const served = (await artifacts()).slice(-200).map((a) => a.artifact);
    expect(served.at(-1)).toBe(next);
    expect(served.indexOf(next)).toBeGreaterThan(70);
    expect(await count(world, `select count(*) as n from board.answer`)).toBe(before + 200);
  });

  it('that cannot be opened is passed over for the one before, with an alert', async () => {
    const reigning = (await artifacts()).at(-1)!.artifact;
    const broken = await storeModel(publisher, 'BTC', { scale: 0.7 });
    writeFileSync(join(world.directory, 'artifacts', broken.slice(0, 2), broken), 'not a model');
    await crown(publisher, SLOT, broken, [await agedWindow(world.admin, publisher, SLOT)]);
    await miner.step();
    expect((await ask(prompt())).status).toBe(200);
    expect((await artifacts()).at(-1)).toEqual({ artifact: reigning, rank: 'previous' });
    const { rows } = await world.admin.query(
      `select code, message from board.alert where severity = 'error'`,
    );
    expect(rows).toContainEqual({
      code: 'SWARM_E_ARTIFACT_DIGEST',
      message: expect.stringContaining(broken.slice(0, 12)),
    });
  });

  it('that lacks bars leaves the answer to the reference, with an alert', async () => {
    // Two reigns whose models read more history than this market has.
    for (const scale of [0.8, 0.9]) {
      const hungry = await storeModel(publisher, 'BTC', { scale, half_life_s: 86_400 });
      await crown(publisher, SLOT, hungry, [await agedWindow(world.admin, publisher, SLOT)]);
    }
    await miner.step();
    expect((await ask(prompt())).status).toBe(200);
    expect((await artifacts()).at(-1)!.rank).toBe('reference');
    await expect
      .poll(() => count(world, `select count(*) as n from board.alert where code = 'SWARM_E_BARS_TOO_FEW'`))
      .toBe(2);
  });
});

describe('openMiner', () => {
  it('fails when its port is taken', async () => {
    await expect(openMiner(context, port)).rejects.toMatchObject({ code: 'SWARM_E_PORT_IN_USE' });
  });
});
