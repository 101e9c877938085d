// Prompts: their clock, their bounds, and the schedule by which validators send them.
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../miner/sn50/profile.js';
import {
  formatStart,
  nextMinute,
  parsePrompt,
  parseStart,
  pointsOf,
  promptStart,
} from '../../../miner/sn50/prompt.js';
import { promptSchedule } from '../../../miner/sn50/schedule.js';

const at = (text: string) => Date.parse(`${text}Z`) / 1000;
const valid = {
  asset: 'BTC',
  start_time: '2026-01-15T12:02:00+00:00',
  time_increment: 300,
  time_length: 86_400,
  num_simulations: 1000,
};

describe('nextMinute', () => {
  it.each([
    ['2024-11-25T19:01:59.940', 0, '2024-11-25T19:02:00'],
    ['2024-11-25T19:01:59.940', 60, '2024-11-25T19:03:00'],
    ['2024-11-25T19:03:59.940', 60, '2024-11-25T19:05:00'],
    ['2024-11-25T19:01:59.940', 180, '2024-11-25T19:05:00'],
    ['2024-11-25T19:11:46.940', 10, '2024-11-25T19:12:10'],
    ['2024-11-25T19:03:09.659', 120, '2024-11-25T19:06:00'],
  ])('rounds %s up and adds %i s', (now, extra, expected) => {
    expect(nextMinute(at(now), extra)).toBe(at(expected));
  });
});

describe('start times', () => {
  it('lie 60 to 120 s ahead, and exactly 120 s at a whole minute', () => {
    expect(promptStart(1_768_478_400)).toBe(1_768_478_520);
    expect(promptStart(1_768_478_400 + 59.9)).toBe(1_768_478_520);
    expect(promptStart(1_768_478_400, 0)).toBe(1_768_478_460);
  });

  it('are written and read as the validator does', () => {
    expect(formatStart(1_754_405_760)).toBe('2025-08-05T14:56:00+00:00');
    expect(parseStart('2025-08-05T14:56:00+00:00')).toBe(1_754_405_760);
    expect(parseStart('2024-11-25T16:20:00')).toBe(1_732_551_600);
    expect(parseStart('2025-08-05T16:56:00.9+02:00')).toBe(1_754_405_760);
    for (const bad of ['', 'tomorrow', '2025-13-05T14:56:00+00:00', '1754405760'])
      expect(() => parseStart(bad)).toThrow(/ISO 8601/);
  });
});

describe('parsePrompt', () => {
  it('accepts what the subnet sends, and assets and lengths that no profile lists', () => {
    expect(parsePrompt({ ...valid, extra: 1 })).toEqual(valid);
    expect(pointsOf(parsePrompt(valid))).toBe(289);
    expect(parsePrompt({ ...valid, asset: 'xyz:GOLD', time_length: 240, time_increment: 120 }).asset).toBe(
      'xyz:GOLD',
    );
  });

  it.each([
    [{ asset: '' }],
    [{ asset: 'BTC; drop' }],
    [{ start_time: 'soon' }],
    [{ time_increment: 0 }],
    [{ time_increment: 86_401 }],
    [{ time_length: 8 * 86_400 }],
    [{ time_increment: 1 }],
    [{ time_increment: 30 }],
    [{ time_increment: 420 }],
    [{ num_simulations: 0 }],
    [{ num_simulations: 1.5 }],
    [{ num_simulations: 10_000, time_increment: 60 }],
  ])('refuses %j', (change) => {
    expect(() => parsePrompt({ ...valid, ...change })).toThrow(
      expect.objectContaining({ code: 'SWARM_E_PROMPT_REFUSED' }),
    );
  });
});

describe('promptSchedule', () => {
  const day = 1_768_435_200;
  it('prompts each of twelve assets hourly, in rotation order', () => {
    const profile = loadProfile('2026-05');
    const due = promptSchedule(profile, '24h').promptsDue(day, day + 3600);
    expect(new Set(due.map(({ asset }) => asset)).size).toBe(12);
    expect(due.map(({ request_s }) => request_s - day)).toEqual(
      Array.from({ length: 12 }, (_, i) => (i + 1) * 300),
    );
    const order = profile.competitions[0].assets;
    for (let i = 1; i < due.length; i++)
      expect(order.indexOf(due[i].asset)).toBe((order.indexOf(due[i - 1].asset) + 1) % 12);
    for (const { request_s, start_s } of due) expect(start_s - request_s).toBe(120);
  });

  it('keeps the period of one asset when the others are left out', () => {
    for (const [id, competition, asset, period] of [
      ['2026-05', '1h', 'XAU', 600],
      ['2026-07', 'crypto_24h', 'BTC', 240],
      ['2026-07', 'crypto_24h', 'SOL', 720],
      ['2026-07', 'com_equ_24h', 'SPCX', 720],
      ['2026-07', 'crypto_1h', 'HYPE', 60],
      ['2026-07', 'crypto_1h', 'XRP', 300],
    ] as const) {
      const schedule = promptSchedule(loadProfile(id), competition, [asset]);
      const times = schedule.promptsDue(day, day + 86_400).map(({ request_s }) => request_s);
      expect(times).toHaveLength(86_400 / period);
      expect(times.every((time, i) => time % 60 === 0 && (i === 0 || time - times[i - 1] === period))).toBe(
        true,
      );
      expect(schedule.period(asset)).toBe(period);
    }
  });

  it('gives the same prompts whole or in pieces, with the start as the only exclusive end', () => {
    const schedule = promptSchedule(loadProfile('2026-07'), 'crypto_1h');
    const pieces = [];
    for (let from = day; from < day + 7200; from += 420)
      pieces.push(...schedule.promptsDue(from, Math.min(from + 420, day + 7200)));
    expect(pieces).toEqual(schedule.promptsDue(day, day + 7200));
    expect(schedule.promptsDue(day, day)).toEqual([]);
  });

  it('starts one minute after the request where the competition adds no time', () => {
    const [first] = promptSchedule(loadProfile('2026-07'), 'crypto_1h', ['BTC']).promptsDue(day, day + 60);
    expect(first).toEqual({ asset: 'BTC', request_s: day + 60, start_s: day + 120 });
  });
});
