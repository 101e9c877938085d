// New York's clock and holidays against published calendars.
import { describe, expect, it } from 'vitest';
import { minuteOfWeek, newYorkHoliday, newYorkOffset_s } from '../../forecast/sessions.js';

const at = (iso: string): number => Date.parse(iso) / 1000;
const daysOf = (year: number): string[] => {
  const days: string[] = [];
  for (let t = at(`${year}-01-01T12:00:00Z`); new Date(t * 1000).getUTCFullYear() === year; t += 86_400)
    days.push(new Date(t * 1000).toISOString().slice(0, 10));
  return days;
};
const coded = (year: number, code: number): string[] =>
  daysOf(year).filter((day) => newYorkHoliday(at(`${day}T17:00:00Z`)) === code);

describe('New York', () => {
  it('moves its clock on the second Sunday of March and the first of November', () => {
    expect(newYorkOffset_s(at('2025-03-09T06:59:59Z'))).toBe(-18_000);
    expect(newYorkOffset_s(at('2025-03-09T07:00:00Z'))).toBe(-14_400);
    expect(newYorkOffset_s(at('2025-11-02T05:59:59Z'))).toBe(-14_400);
    expect(newYorkOffset_s(at('2025-11-02T06:00:00Z'))).toBe(-18_000);
  });
  it('closes its exchanges on the days that NYSE published for 2024, 2025 and 2022', () => {
    expect(coded(2024, 1)).toEqual([
      '2024-01-01',
      '2024-01-15',
      '2024-02-19',
      '2024-03-29',
      '2024-05-27',
      '2024-06-19',
      '2024-07-04',
      '2024-09-02',
      '2024-11-28',
      '2024-12-25',
    ]);
    expect(coded(2024, 2)).toEqual(['2024-07-03', '2024-11-29', '2024-12-24']);
    expect(coded(2025, 1)).toEqual([
      '2025-01-01',
      '2025-01-20',
      '2025-02-17',
      '2025-04-18',
      '2025-05-26',
      '2025-06-19',
      '2025-07-04',
      '2025-09-01',
      '2025-11-27',
      '2025-12-25',
    ]);
    expect(coded(2025, 2)).toEqual(['2025-07-03', '2025-11-28', '2025-12-24']);
    // New Year on a Saturday is not made up for; Christmas on a Sunday is, on the Monday.
    expect(coded(2022, 1)).toContain('2022-12-26');
    expect(coded(2022, 1)).not.toContain('2021-12-31');
    expect(coded(2021, 1)).not.toContain('2021-12-31');
  });
  it('counts minutes of the week from Monday, before 1970 too', () => {
    expect(minuteOfWeek(at('2025-09-29T00:00:00Z'))).toBe(0);
    expect(minuteOfWeek(at('2025-09-28T23:59:59Z'))).toBe(10_079);
    expect(minuteOfWeek(-1)).toBe(3 * 1440 - 1);
  });
});
