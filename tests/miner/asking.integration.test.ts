// The validator at work against a miner that is played here: what it asks, what it leaves out, how it ends.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { parseStart } from '../../miner/sn50/prompt.js';
import { openValidator } from '../../miner/validator/main.js';
import { PendingPrompts } from '../../miner/validator/pending.js';
import { count, NOW_S, openWorld, type World } from './world.js';

let world: World;
let context: AgentContext;
let miner: Server;
let starts: number[];
let answers: boolean;
let asked: () => void;
let stop: AbortController;

beforeEach(async () => {
  world = await openWorld('asking', { past: 1, slots: ['1h/BTC'] });
  stop = new AbortController();
  context = { ...(await world.agent('validator')), stopping: stop.signal };
  starts = [];
  answers = true;
  asked = () => undefined;
  miner = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    starts.push(parseStart(JSON.parse(text).simulation_input.start_time));
    asked();
    if (answers) response.end('{}');
  });
  await new Promise<void>((resolve) => miner.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  miner.closeAllConnections();
  await new Promise((resolve) => miner.close(resolve));
  await world.close();
});

const directory = (): string => join(world.directory, 'spool');
const open = (): ReturnType<typeof openValidator> =>
  openValidator(context, {
    target: `127.0.0.1:${(miner.address() as AddressInfo).port}`,
    directory: directory(),
  });
async function kept(): Promise<PendingPrompts> {
  const pending = new PendingPrompts(directory());
  await pending.load();
  return pending;
}

describe('the local validator', () => {
  it('asks what fell due since it last looked, and writes the prompt', async () => {
    const validator = await open();
    // BTC has its turn every 600 s.
    await world.clock(NOW_S + 600);
    await validator.step();
    await expect.poll(() => count(world, 'select count(*) as n from board.prompt')).toBe(1);
    await world.clock(NOW_S + 1200);
    await validator.step();
    await expect.poll(() => count(world, 'select count(*) as n from board.prompt')).toBe(2);
    await validator.close();
    expect(starts.map((s) => s - starts[0]!)).toEqual([0, 600]);
    expect((await kept()).all().map((p) => p.validation)).toEqual(['Response is empty', 'Response is empty']);
  });

  it('leaves out what it is too late for', async () => {
    const validator = await open();
    await world.clock(NOW_S + 6 * 3600);
    await validator.step();
    await validator.close();
    expect(starts.length).toBeLessThanOrEqual(1);
    expect(starts.filter((s) => s < NOW_S + 6 * 3600)).toEqual([]);
  });

  it('does not hold it against the miner when it is stopped before the answer came', async () => {
    answers = false;
    const validator = await open();
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await world.clock(NOW_S + 600);
    await validator.step();
    await arrived;
    stop.abort();
    await validator.close();
    expect((await kept()).all()).toEqual([]);
  });

  it('keeps an answer for its horizon although the database is away', async () => {
    const validator = await open();
    await world.clock(NOW_S + 600);
    const away = new Promise<void>((resolve) => {
      asked = () => void world.door.shut().then(resolve);
    });
    await validator.step().catch(() => undefined);
    await away;
    await expect.poll(async () => (await kept()).all().length).toBe(1);
    await world.door.open();
    await validator.close();
    expect((await kept()).all()).toHaveLength(1);
  });
});
