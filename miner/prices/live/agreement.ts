// Which price of a minute is believed, where several sources tell one, or one tells something unlikely.
// Promises: a pure function of what was told; no average is ever made up: the price is one source's, or there is none.
import type { Candle } from '../sources/source.js';

export interface Told {
  readonly source: string;
  readonly candle: Candle;
}

export interface Agreement {
  readonly candle: Candle | null;
  /** Sources that were not believed. */
  readonly outliers: readonly string[];
}

/** Sources of one asset differ by less: a perpetual and its spot, a token and its metal. */
const APART = 0.01;
/** What one minute may do, when a single source says so. */
const JUMP = 0.05;

const apart = (a: number, b: number): number => Math.abs(Math.log(a / b));

/**
 * `told` in order of preference, one candle each. `last`: the close of the minute before, null where it is not known or too
 * old to compare with. Three or more: who is off the median is out. Two that differ: the one that is near the last
 * close, if only one is. One: a jump is not believed until a second source or a second look (feed.ts) says so.
 */
export function agreement(told: readonly Told[], last: number | null): Agreement {
  const out = (believed: readonly Told[]): Agreement => ({
    candle: believed[0]?.candle ?? null,
    outliers: told.filter((one) => !believed.includes(one)).map(({ source }) => source),
  });
  const likely = (one: Told): boolean => last === null || apart(one.candle.close, last) <= JUMP;
  if (told.length >= 3) {
    const closes = told.map(({ candle }) => candle.close).sort((a, b) => a - b);
    const median = closes[Math.floor((closes.length - 1) / 2)]!;
    return out(told.filter(({ candle }) => apart(candle.close, median) <= APART));
  }
  if (told.length === 2) {
    if (apart(told[0]!.candle.close, told[1]!.candle.close) <= APART) return out(told);
    const near = last === null ? [] : told.filter(likely);
    return out(near.length === 1 ? near : []);
  }
  return out(told.filter(likely));
}
