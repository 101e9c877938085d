// The validator's own rules: when it asks, what it makes of an answer, and what it keeps on disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MarketClock } from '../../blackboard/market.js';
import { loadProfile } from '../../miner/sn50/profile.js';
import { formatStart, type Prompt } from '../../miner/sn50/prompt.js';
import { duePrompts } from '../../miner/validator/asking.js';
import { judge } from '../../miner/validator/jobs.js';
import { type Pending, PendingPrompts } from '../../miner/validator/pending.js';

const START_S = 1_717_977_600;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'validator-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('duePrompts', () => {
  const context = (slots: string[]): Parameters<typeof duePrompts>[0] => ({
    profile: loadProfile('2026-05'),
    clock: { slots } as unknown as MarketClock,
  });
  const day = (slots: string[], from = START_S, to = START_S + 86_400): ReturnType<typeof duePrompts> =>
    duePrompts(context(slots), from, to);

  it('asks each open slot at the period of the whole competition, and no other slot', () => {
    const due = day(['24h/BTC', '1h/BTC', '1h/ETH']);
    const of = (competition: string, asset: string): number =>
      due.filter((d) => d.competition === competition && d.asset === asset).length;
    // 12 assets every 300 s, 5 assets every 120 s.
    expect([of('24h', 'BTC'), of('1h', 'BTC'), of('1h', 'ETH')]).toEqual([24, 144, 144]);
    expect(due).toHaveLength(24 + 288);
  });

  it('comes in order of time and starts two minutes after it is asked', () => {
    const due = day(['24h/BTC', '1h/BTC']);
    expect(due.map((d) => d.request_s)).toEqual(due.map((d) => d.request_s).sort((a, b) => a - b));
    for (const { request_s, start_s } of due) expect(start_s - request_s).toBe(120);
  });

  it('joins neighbouring stretches without a gap and without asking twice', () => {
    const slots = ['24h/BTC', '1h/BTC'];
    const parts = [0, 7, 600, 601, 40_000, 86_400].map((s) => START_S + s);
    expect(parts.slice(1).flatMap((to, i) => day(slots, parts[i]!, to))).toEqual(day(slots));
  });
});

const prompt: Prompt = {
  asset: 'BTC',
  start_time: formatStart(START_S),
  time_increment: 300,
  time_length: 900,
  num_simulations: 2,
};
const good = [START_S, 300, [1, 2, 3, 4], [5, 6, 7, 8]];

describe('judge', () => {
  const verdict = (body: unknown, process_time: number | null = 1): Promise<string> =>
    judge({
      body: typeof body === 'string' || body === null ? body : JSON.stringify({ simulation_output: body }),
      prompt,
      process_time,
      rule: 'digits8',
      file: join(directory, 'a', 'x.prices'),
    });

  it('keeps a correct answer as float64 prices, path after path', async () => {
    expect(await verdict(good)).toBe('CORRECT');
    const bytes = readFileSync(join(directory, 'a', 'x.prices'));
    expect([...new Float64Array(bytes.buffer, bytes.byteOffset, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(readdirSync(join(directory, 'a'))).toEqual(['x.prices']);
  });

  it.each([
    ['no reply in time', null, null, 'time out or internal server error (process time is None)'],
    ['a body that is not JSON', 'oops', 1, 'Response is empty'],
    ['null as a body', 'null', 1, 'Response is empty'],
    ['no output', '{}', 1, 'Response is empty'],
    [
      'a wrong start',
      [1, ...good.slice(1)],
      1,
      `Start time timestamp is incorrect: expected ${START_S}, got 1`,
    ],
    ['a missing path', good.slice(0, 3), 1, 'Number of paths is incorrect: expected 2, got 1'],
    [
      'a short path',
      [...good.slice(0, 3), [5, 6]],
      1,
      'Number of time points is incorrect: expected 4, got 2',
    ],
  ])('calls %s what the subnet calls it, and keeps nothing', async (_, body, time, message) => {
    expect(await verdict(body, time)).toBe(message);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('refuses prices with too many digits', async () => {
    expect(await verdict([...good.slice(0, 3), [5.123456789, 6, 7, 8]])).toContain('digits');
  });
});

describe('pending prompts', () => {
  const one = (id: number, start_s: number, sequence = id): Pending => ({
    id: `00000000-0000-7000-8000-00000000000${id}`,
    sequence,
    slot: '24h/BTC',
    competition: '24h',
    asset: 'BTC',
    start_s,
    length_s: 900,
    increment_s: 300,
    simulations: 2,
    validation: 'CORRECT',
  });
  const reopened = async (): Promise<PendingPrompts> => {
    const again = new PendingPrompts(directory);
    await again.load();
    return again;
  };

  it('survive a restart, with their answers, until they are removed', async () => {
    const first = await reopened();
    await first.add(one(1, START_S));
    await first.add(one(2, START_S + 300));
    writeFileSync(first.answerFile(one(1, 0).id), 'prices');
    const second = await reopened();
    expect(second.all()).toEqual([one(1, START_S), one(2, START_S + 300)]);
    expect([1, 2].map((id) => second.hasAnswer(one(id, 0).id))).toEqual([true, false]);
    await second.remove(one(1, 0).id);
    expect((await reopened()).all()).toEqual([one(2, START_S + 300)]);
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('are due when horizon and delay have passed, oldest first', async () => {
    const pending = await reopened();
    for (const p of [one(3, START_S + 60, 1), one(1, START_S, 2), one(2, START_S, 1)]) await pending.add(p);
    expect(pending.due(START_S + 989, 90)).toEqual([]);
    expect(pending.due(START_S + 990, 90).map((p) => p.id.slice(-1))).toEqual(['2', '1']);
    expect(pending.due(START_S + 1050, 90).map((p) => p.id.slice(-1))).toEqual(['2', '1', '3']);
  });

  it('lose the leavings of a process that died between an answer and its note', async () => {
    await (await reopened()).add(one(1, START_S));
    for (const name of [`${one(2, 0).id}.prices`, `${one(3, 0).id}.prices.part`, `${one(4, 0).id}.json.part`])
      writeFileSync(join(directory, name), 'x');
    await reopened();
    expect(readdirSync(directory)).toEqual([`${one(1, 0).id}.json`]);
  });
});
