// Nothing reads ahead: no login, no argument, no change of speed and no session setting shows a bar before its time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BarReader, marketNow, readBars } from '../../blackboard/market.js';
import { type Board, type Enrolled, NOON, one, openBoard } from './board.js';

const STEP = 60;
const DAY = 86_400;
const at = (text: string): number => Date.parse(text) / 1000;
const noon = at(NOON);
/** Bars from 40 days before noon to 20 days after it, all stored before the clock gets there. */
const from = noon - 40 * DAY;
const to = noon + 20 * DAY;
const midnight = at('2025-03-10T00:00:00Z');
const horizon = midnight - 31 * DAY;
const FAR = 4_000_000_000;

let board: Board;
const seeing: Enrolled[] = [];
const searching: Enrolled[] = [];

const ends = async (agent: Enrolled, from_s = from, to_s = FAR): Promise<number | null> => {
  const { open_s } = await readBars(agent.db, 'BTC', STEP, from_s, to_s);
  return open_s.length === 0 ? null : open_s[open_s.length - 1]! + STEP;
};
const clockAt = (s: number, speed = 0, data_to?: string): Promise<void> =>
  board.setClock({ market_at: new Date(s * 1000).toISOString(), speed, ...(data_to ? { data_to } : {}) });

beforeAll(async () => {
  board = await openBoard('market', null);
  await board.admin.query(
    `insert into market.series (asset, step_s, source, digest, rows) values ('BTC', ${STEP}, 'test', 'd', 0)`,
  );
  await board.admin.query(
    `insert into market.bar select 1, s, 1, 1, 1, 1 + (s % 997) / 1000.0 from generate_series(${from}, ${to} - ${STEP}, ${STEP}) s`,
  );
  // Enrolment is possible before a market is opened.
  for (const role of ['checker', 'publisher', 'miner', 'validator', 'feed', 'relay'] as const)
    seeing.push(await board.enrol(role, `${role}-1`));
  for (const role of ['explorer', 'optimizer'] as const) searching.push(await board.enrol(role, `${role}-1`));
});
afterAll(() => board.close());

describe('before a clock is set', () => {
  it('nobody sees any bar', async () => {
    for (const agent of [...seeing, ...searching]) expect(await ends(agent), agent.who.role).toBeNull();
  });
});

describe('a held clock', () => {
  it('shows a bar whose close is the reading, and not the one that closes a tick later', async () => {
    for (const [reading, last] of [
      [noon, noon],
      [noon + 0.001, noon],
      [noon - 0.001, noon - STEP],
      [noon + STEP - 1, noon],
      [noon + STEP - 0.001, noon],
      [noon + STEP, noon + STEP],
    ] as const) {
      await clockAt(reading);
      for (const agent of seeing)
        expect(await ends(agent), `${agent.who.role} at ${reading - noon}`).toBe(last);
    }
  });

  it('stops those who search a gap before the hidden windows of the day', async () => {
    for (const reading of [midnight, noon, midnight + DAY - 0.001]) {
      await clockAt(reading);
      for (const agent of searching)
        expect(await ends(agent), `${agent.who.role} at ${reading}`).toBe(horizon);
    }
    await clockAt(midnight + DAY);
    for (const agent of searching) expect(await ends(agent)).toBe(horizon + DAY);
    await clockAt(midnight - 0.001);
    for (const agent of searching) expect(await ends(agent)).toBe(horizon - DAY);
  });

  it('shows no more for being asked further ahead or behind', async () => {
    await clockAt(noon);
    for (const agent of [...seeing, ...searching]) {
      const last = seeing.includes(agent) ? noon : horizon;
      for (const to_s of [last + STEP, noon + 1, to, FAR, 9e15])
        expect(await ends(agent, from, to_s)).toBe(last);
      expect(await ends(agent, last)).toBeNull();
      const ask = (args: string): Promise<number> =>
        one<number>(agent.client, `select length(market.bars('BTC', ${STEP}, ${args})) / 16`);
      expect(await ask(`null, ${FAR}`)).toBe(0);
      expect(await ask(`${from}, null`)).toBe(0);
      expect(await ask(`${-(2n ** 63n)}, ${2n ** 63n - 1n}`)).toBe((last - from) / STEP);
      expect(await one(agent.client, `select length(market.bars('BTC', -${STEP}, 0, ${FAR}))`)).toBe(0);
      expect(await one(agent.client, `select length(market.bars('BTC', null, 0, ${FAR}))`)).toBe(0);
    }
  });

  it("does not move with the session's time zone, search path or role", async () => {
    await clockAt(noon);
    const zones = [
      'America/New_York',
      'Pacific/Apia',
      'AAA+24BBB-24,J1,J68',
      'AAA-24BBB+24,J1,J68',
      'AAA-24BBB+24,J30,J50',
    ];
    for (const agent of [...seeing, ...searching]) {
      const last = seeing.includes(agent) ? noon : horizon;
      const seen = (): Promise<number> =>
        one<number>(agent.client, `select length(market.bars('BTC', ${STEP}, ${from}, ${FAR})) / 16`);
      for (const zone of zones) {
        await agent.client.query(`set timezone = '${zone}'`);
        expect(await seen(), zone).toBe((last - from) / STEP);
      }
      await agent.client.query(
        `reset timezone; set search_path = public, board, market; set role swarm_${agent.who.role}`,
      );
      expect(await seen()).toBe((last - from) / STEP);
      await agent.client.query('reset role; reset search_path');
    }
  });

  it('says the same to everybody, whatever the wall clock does', async () => {
    await clockAt(noon);
    const readings = await Promise.all([...seeing, ...searching].map(({ db }) => marketNow(db)));
    expect(new Set(readings.map((r) => r.getTime()))).toEqual(new Set([noon * 1000]));
    expect(await one(board.admin, `select market.now_at('2100-01-01') = '${NOON}'`)).toBe(true);
  });
});

describe('a running clock', () => {
  const reading = (wall: string): Promise<number> =>
    one<number>(
      board.admin,
      `select extract(epoch from market.now_at(wall_at + interval '${wall}'))::float8 from market.clock order by id desc limit 1`,
    );

  it('is its start plus wall time times speed, over seconds and over days', async () => {
    await clockAt(noon, 1440);
    expect(await reading('0')).toBe(noon);
    expect(await reading('1 second')).toBeCloseTo(noon + 1440, 5);
    expect(await reading('3 days')).toBeCloseTo(noon + 3 * 1440 * DAY, 3);
    await clockAt(noon, 1);
    expect(await reading('36 hours 0.25 seconds')).toBeCloseTo(noon + 1.5 * DAY + 0.25, 5);
  });

  it('moves across a change of clocks by the same seconds in every time zone', async () => {
    await clockAt(at('2025-03-08T12:00:00Z'), 3);
    for (const zone of ['UTC', 'America/New_York', 'AAA+24BBB-24,J60,J68']) {
      await board.admin.query(`set timezone = '${zone}'`);
      expect(await reading('40 hours'), zone).toBeCloseTo(at('2025-03-13T12:00:00Z'), 3);
    }
    await board.admin.query('reset timezone');
  });

  it('stops at the end of its data and shows nothing behind it', async () => {
    await clockAt(noon - 10, 1e6, NOON);
    expect(await reading('1 hour')).toBe(noon);
    await clockAt(noon, 1e6, NOON);
    for (const agent of seeing) expect(await ends(agent), agent.who.role).toBe(noon);
    for (const agent of searching) expect(await ends(agent), agent.who.role).toBe(horizon);
    await clockAt(to, 0, NOON);
    expect((await marketNow(board.admin === null ? seeing[0]!.db : seeing[0]!.db)).getTime() / 1000).toBe(
      noon,
    );
  });

  it('never shows a bar that closes after a reading taken later', async () => {
    for (const speed of [1e4, 1e6, 10, 0]) {
      await clockAt(noon, speed);
      for (const agent of [seeing[0]!, searching[0]!]) {
        const last = (await ends(agent))!;
        const now = (await marketNow(agent.db)).getTime() / 1000;
        const limit = searching.includes(agent) ? Math.floor(now / DAY) * DAY - 31 * DAY : now;
        expect(last, `speed ${speed}`).toBeLessThanOrEqual(limit);
      }
    }
  });

  it('goes on where it was held', async () => {
    await clockAt(noon, 1440);
    await board.admin.query(
      `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
       select source, dataset_digest, seed, profile, slots, market.now(), data_from, 0 from market.clock order by id desc limit 1`,
    );
    const held = await marketNow(seeing[0]!.db);
    expect(held.getTime() / 1000).toBeGreaterThanOrEqual(noon);
    expect(await marketNow(seeing[1]!.db)).toEqual(held);
    await clockAt(held.getTime() / 1000, 60);
    expect(await reading('1 minute')).toBeCloseTo(held.getTime() / 1000 + 3600, 3);
  });
});

describe('a bar reader', () => {
  it('keeps in increments what one full read gives, gaps included', async () => {
    await board.admin.query(
      `insert into market.series (asset, step_s, source, digest, rows) values ('GAP', ${STEP}, 'test', 'd', 0)`,
    );
    await board.admin.query(
      `insert into market.bar select 2, s, 1, 1, 1, 1 + s % 13 from generate_series(${noon}, ${noon} + 86400, ${STEP}) s where (s / ${STEP}) % 7 not in (2, 3)`,
    );
    const { db } = seeing[0]!;
    const reader = new BarReader(db, noon);
    for (const hours of [0, 0.5, 0.5, 1, 7, 24]) {
      await clockAt(noon + hours * 3600);
      const kept = await reader.series('GAP', STEP);
      const whole = await readBars(db, 'GAP', STEP, noon, FAR);
      expect(kept, `after ${hours} h`).toEqual(whole);
    }
    const { open_s, close } = await reader.series('GAP', STEP);
    expect(open_s.length).toBeGreaterThan(1000);
    expect(open_s.every((s, i) => i === 0 || s > open_s[i - 1]!)).toBe(true);
    expect(Array.from(close)).toEqual(Array.from(open_s, (s) => 1 + (s % 13)));
  });

  it('forgets what is further back than it was told to keep', async () => {
    const { db } = seeing[0]!;
    await clockAt(noon);
    const reader = new BarReader(db, { now_s: noon, steps: 60 });
    for (const hours of [0, 0.5, 0.5, 1, 7, 24]) {
      await clockAt(noon + hours * 3600);
      const { open_s, close } = await reader.series('GAP', STEP);
      const whole = await readBars(db, 'GAP', STEP, (open_s.at(-1) ?? noon) - 60 * STEP, FAR);
      expect([open_s, close], `after ${hours} h`).toEqual([whole.open_s, whole.close]);
    }
  });

  it('gives an empty series for an asset that has none', async () => {
    expect((await readBars(seeing[0]!.db, 'NONE', STEP, 0, FAR)).open_s).toHaveLength(0);
  });
});
