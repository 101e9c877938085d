// How busy a market is at each minute of the week, as a factor on volatility.
// Promises 10080 factors with mean square 1, so that a season moves risk around and never adds any.
import type { SeasonKind } from './laws.js';

const minutesPerWeek = 7 * 1440;
/** 1970-01-01 was a Thursday; the table starts on Monday 00:00 UTC. */
const mondayShift = 3 * 1440;

/** Index into a season's table of the minute that holds unix second `t_s`. */
export function minuteOfWeek(t_s: number): number {
  return (Math.floor(t_s / 60) + mondayShift) % minutesPerWeek;
}

const bump = (hour: number, centre: number, width: number) => Math.exp(-(((hour - centre) / width) ** 2) / 2);

// Relative activity at an hour (UTC) of a day; weekdays from 0 = Monday.
const activity: Record<SeasonKind, (hour: number, weekend: boolean) => number> = {
  crypto: (hour, weekend) =>
    (weekend ? 0.7 : 1) * (0.8 + 0.5 * bump(hour, 15, 2.5) + 0.15 * bump(hour, 8, 2)),
  metal: (hour, weekend) => (weekend ? 0.3 : 0.6 + 0.7 * bump(hour, 14.5, 2.5) + 0.25 * bump(hour, 8, 2)),
  energy: (hour, weekend) => (weekend ? 0.3 : 0.6 + 0.8 * bump(hour, 15, 2.5)),
  equity: (hour, weekend) => {
    if (weekend) return 0.2;
    if (hour < 13.5 || hour >= 20) return 0.4;
    return 1.3 + 0.9 * bump(hour, 13.5, 0.6) + 0.5 * bump(hour, 20, 0.5);
  },
};

const tables = new Map<SeasonKind, Float64Array>();

/** Volatility factor per minute of the week, shape [10080]. */
export function seasonTable(kind: SeasonKind): Float64Array {
  const known = tables.get(kind);
  if (known) return known;
  const table = Float64Array.from({ length: minutesPerWeek }, (_, minute) => {
    const day = Math.floor(minute / 1440);
    return activity[kind]((minute % 1440) / 60, day >= 5);
  });
  const rms = Math.sqrt(table.reduce((sum, factor) => sum + factor * factor, 0) / minutesPerWeek);
  const scaled = table.map((factor) => factor / rms);
  tables.set(kind, scaled);
  return scaled;
}
