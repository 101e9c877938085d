// Kinds of market in which a window may begin, so that a gain can be seen to hold in all of them or in one.
// Promises: each regime puts every window into exactly one slice, by what was known before it began.
// Leaves to others: what to conclude. A slice that was looked for until found proves nothing.
import { type Bars, indexAtOrBefore } from '../bars.js';
import { LEAD_S } from '../windows.js';

export interface Slice {
  readonly name: string;
  /** Positions in the list of windows. */
  readonly at: readonly number[];
}

export interface Regime {
  readonly regime: 'volatility' | 'session' | 'weekday';
  readonly slices: readonly Slice[];
}

const DAY_S = 86_400;
/** Horizons up to this long have a trading session; a longer one begins in a part of the day and spans them all. */
const SESSION_HORIZON_S = 3 * 3600;

/** Root mean square of the returns between consecutive bars that closed in the `span_s` before `asOf_s`; NaN without any. */
export function realisedVolatility(bars: Bars, asOf_s: number, span_s: number): number {
  let sum = 0;
  let n = 0;
  for (let i = indexAtOrBefore(bars, asOf_s - bars.step); i > 0 && bars.open_s[i] >= asOf_s - span_s; i--) {
    if (bars.open_s[i] - bars.open_s[i - 1] !== bars.step) continue;
    sum += Math.log(bars.close[i] / bars.close[i - 1]) ** 2;
    n += 1;
  }
  return Math.sqrt(sum / n);
}

export function regimesOf(bars: Bars, starts: readonly number[], horizon_s: number): Regime[] {
  const volatility = starts.map((t0) => realisedVolatility(bars, t0 - LEAD_S, DAY_S));
  return [
    { regime: 'volatility', slices: terciles(volatility) },
    {
      regime: 'session',
      slices: grouped(
        starts.map((t0) => (horizon_s <= SESSION_HORIZON_S ? sessionOf(t0) : partOfDay(t0))),
        horizon_s <= SESSION_HORIZON_S ? ['Asia', 'Europe', 'US'] : PARTS,
      ),
    },
    { regime: 'weekday', slices: grouped(starts.map(weekdayOf), ['weekday', 'weekend']) },
  ];
}

const hourOf = (t0: number): number => Math.floor((t0 % DAY_S) / 3600);
const PARTS = ['00-06 UTC', '06-12 UTC', '12-18 UTC', '18-24 UTC'];
const partOfDay = (t0: number): string => PARTS[Math.floor(hourOf(t0) / 6)];
/** 1970-01-01 was a Thursday. */
const weekdayOf = (t0: number): string =>
  [2, 3].includes(Math.floor(t0 / DAY_S) % 7) ? 'weekend' : 'weekday';

/** By the start hour UTC: Europe from 7, US from 13 to 22, Asia the rest. */
function sessionOf(t0: number): string {
  const hour = hourOf(t0);
  if (hour >= 13 && hour < 22) return 'US';
  return hour >= 7 && hour < 13 ? 'Europe' : 'Asia';
}

/** Thirds by rank: equal numbers, whatever the law of the values. Unknown values rank last. */
function terciles(values: readonly number[]): Slice[] {
  const known = (v: number): number => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : v);
  const order = values
    .map((_, i) => i)
    .sort((a, b) =>
      known(values[a]) < known(values[b]) ? -1 : known(values[a]) > known(values[b]) ? 1 : a - b,
    );
  return ['low', 'middle', 'high'].map((name, k) => ({
    name,
    at: order
      .slice(Math.floor((k * order.length) / 3), Math.floor(((k + 1) * order.length) / 3))
      .sort((a, b) => a - b),
  }));
}

function grouped(names: readonly string[], known: readonly string[]): Slice[] {
  return known.map((name) => ({ name, at: names.flatMap((one, i) => (one === name ? [i] : [])) }));
}
