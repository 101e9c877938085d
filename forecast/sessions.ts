// The New York clock: what time of the week it is there, and on which days its exchanges are closed.
// Promises: daylight saving as in force since 2007 (Energy Policy Act 2005), NYSE's full and early closes by its
// published rules; a pure function of the instant.
// Leaves to others: unscheduled closures, and which assets follow this clock (a model's profile says so).

const DAY_S = 86_400;
const HOUR_S = 3600;
const WEEK_MIN = 10_080;
/** 1970-01-01 was a Thursday: weeks are counted from the Monday before. */
const MONDAY_SHIFT_MIN = 3 * 1440;

/** 0: an ordinary day or weekend; 1: exchanges closed all day; 2: they close at 13:00. */
export type HolidayCode = 0 | 1 | 2;

/** Minute of the week, 0 = Monday 00:00, of unix seconds read as local time. */
export function minuteOfWeek(t_s: number): number {
  return (((Math.floor(t_s / 60) + MONDAY_SHIFT_MIN) % WEEK_MIN) + WEEK_MIN) % WEEK_MIN;
}

/** Seconds that New York is ahead of UTC: -4 h in summer, -5 h in winter. */
export function newYorkOffset_s(t_s: number): number {
  const year = new Date(t_s * 1000).getUTCFullYear();
  const begins = nthWeekday(year, 2, 0, 2) * DAY_S + 7 * HOUR_S;
  const ends = nthWeekday(year, 10, 0, 1) * DAY_S + 6 * HOUR_S;
  return t_s >= begins && t_s < ends ? -4 * HOUR_S : -5 * HOUR_S;
}

const holidaysOfYear = new Map<number, ReadonlyMap<number, HolidayCode>>();

/** What New York's local day of an instant is for its exchanges. */
export function newYorkHoliday(t_s: number): HolidayCode {
  const day = Math.floor((t_s + newYorkOffset_s(t_s)) / DAY_S);
  const year = new Date(day * DAY_S * 1000).getUTCFullYear();
  let known = holidaysOfYear.get(year);
  if (known === undefined) {
    known = holidays(year);
    holidaysOfYear.set(year, known);
  }
  return known.get(day) ?? 0;
}

function holidays(year: number): ReadonlyMap<number, HolidayCode> {
  const out = new Map<number, HolidayCode>();
  const july4 = dayNumber(year, 6, 4);
  const thanksgiving = nthWeekday(year, 10, 4, 4);
  const christmas = dayNumber(year, 11, 25);
  for (const eve of [july4 - 1, christmas - 1]) {
    // No early close when the holiday itself is moved on to that day, or on a weekend.
    if (weekday(eve) >= 1 && weekday(eve) <= 4) out.set(eve, 2);
  }
  out.set(thanksgiving + 1, 2);
  const newYear = dayNumber(year, 0, 1);
  // A Saturday's New Year is not made up for: the Friday belongs to the old year's accounts.
  if (weekday(newYear) !== 6) out.set(observed(newYear), 1);
  for (const day of [july4, christmas, ...(year >= 2022 ? [dayNumber(year, 5, 19)] : [])])
    out.set(observed(day), 1);
  for (const day of [
    nthWeekday(year, 0, 1, 3),
    nthWeekday(year, 1, 1, 3),
    easter(year) - 2,
    lastMondayOfMay(year),
    nthWeekday(year, 8, 1, 1),
    thanksgiving,
  ])
    out.set(day, 1);
  return out;
}

function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month, day) / 1000 / DAY_S;
}

/** 0 = Sunday. */
function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

function nthWeekday(year: number, month: number, wanted: number, n: number): number {
  const first = dayNumber(year, month, 1);
  return first + ((wanted - weekday(first) + 7) % 7) + 7 * (n - 1);
}

function lastMondayOfMay(year: number): number {
  const last = dayNumber(year, 4, 31);
  return last - ((weekday(last) + 6) % 7);
}

function observed(day: number): number {
  const w = weekday(day);
  return w === 6 ? day - 1 : w === 0 ? day + 1 : day;
}

/** Easter Sunday by the Gregorian computus (anonymous algorithm, as in Meeus, Astronomical Algorithms, ch. 8). */
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dayNumber(year, Math.floor(n / 31) - 1, (n % 31) + 1);
}
