// Patterns in what was verified: every family against the others, and every knob's lower half against its upper half.
// Promises: only like is compared with like (judged on the same day, and of one family where a knob is split), and of the patterns found
// at most a tenth are expected to be nothing (Benjamini & Hochberg 1995). Those that harm are found the same way as those that help.
// Leaves to others: who is told; what a pattern is worth is weighed anew with every verdict.
import { mean } from 'simple-statistics';
import { normalCdf } from '../../forecast/fit/normal.js';
import { normalDeviate, type StatedPattern } from './observe.js';

export interface Verified {
  readonly family: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly spec_digest: string;
  /** Day on which its windows end: gains of different days differ by what the market did. */
  readonly day: string;
  readonly gain: number;
}

/** Share of false ones among the patterns found. */
const FALSE_SHARE = 0.1;
/** Fewer on either side say nothing. */
const ENOUGH = 4;

export interface Mined extends StatedPattern {
  readonly p: number;
}

/** Patterns whose false discovery rate is at most a tenth, the clearest first. */
export function minePatterns(seen: readonly Verified[]): Mined[] {
  const verified = onePerSpec(seen);
  const tested: Mined[] = [];
  const test = (
    hits: readonly Verified[],
    controls: readonly Verified[],
    predicate: Pick<StatedPattern, 'family' | 'knob' | 'low' | 'high'>,
  ): void => {
    const found = matched(hits, controls);
    if (found !== null)
      tested.push({ ...predicate, p: found.p, effect: found.effect, direction: found.effect > 0 ? 1 : -1 });
  };
  for (const family of [...new Set(verified.map((v) => v.family))].sort()) {
    const kin = verified.filter((v) => v.family === family);
    test(
      kin,
      verified.filter((v) => v.family !== family),
      { family, knob: null, low: null, high: null },
    );
    for (const knob of Object.keys(kin[0]!.spec).sort()) {
      const of = (v: Verified): number => v.spec[knob] as number;
      const values = kin
        .map(of)
        .filter((x) => typeof x === 'number')
        .sort((a, b) => a - b);
      if (values.length < kin.length) continue;
      const middle = values[values.length >> 1]!;
      // Both ends are values that were tried.
      const high = values.findLast((x) => x < middle);
      if (high === undefined) continue;
      test(
        kin.filter((v) => of(v) < middle),
        kin.filter((v) => of(v) >= middle),
        { family, knob, low: values[0]!, high },
      );
    }
  }
  return discoveries(tested);
}

/** The newest verdict of each spec: one that was claimed day after day is one model, not many. */
const onePerSpec = (seen: readonly Verified[]): Verified[] => {
  const newest = new Map<string, Verified>();
  for (const v of seen) {
    const known = newest.get(v.spec_digest);
    if (known === undefined || known.day < v.day) newest.set(v.spec_digest, v);
  }
  return [...newest.values()];
};

/** Difference of the means within days, each day by what it knows, with its two-sided p; null where too little can be compared. */
function matched(
  hits: readonly Verified[],
  controls: readonly Verified[],
): { effect: number; p: number } | null {
  const days = [...new Set(hits.map((v) => v.day))].flatMap((day) => {
    const on = (of: readonly Verified[]): number[] => of.filter((v) => v.day === day).map((v) => v.gain);
    const [h, c] = [on(hits), on(controls)];
    return c.length === 0 ? [] : [{ h, c, weight: (h.length * c.length) / (h.length + c.length) }];
  });
  const count = (of: 'h' | 'c'): number => days.reduce((n, d) => n + d[of].length, 0);
  const freedom = count('h') + count('c') - 2 * days.length;
  if (count('h') < ENOUGH || count('c') < ENOUGH || freedom < ENOUGH) return null;
  const squares = (xs: readonly number[]): number => {
    const m = mean([...xs]);
    return xs.reduce((sum, x) => sum + (x - m) ** 2, 0);
  };
  const variance = days.reduce((sum, d) => sum + squares(d.h) + squares(d.c), 0) / freedom;
  if (!(variance > 0)) return null;
  const total = days.reduce((sum, d) => sum + d.weight, 0);
  const effect = days.reduce((sum, d) => sum + d.weight * (mean(d.h) - mean(d.c)), 0) / total;
  // Of a day's difference the variance is that of one gain over the day's weight.
  const z = normalDeviate(effect ** 2 / (variance / total), freedom);
  return { effect, p: 2 * normalCdf(-z) };
}

/** Benjamini & Hochberg's step-up: the largest k with p_(k) <= k q / m, and all before it. */
function discoveries(tested: readonly Mined[]): Mined[] {
  const sorted = [...tested].sort((a, b) => a.p - b.p);
  const last = sorted.findLastIndex(({ p }, i) => p <= ((i + 1) * FALSE_SHARE) / sorted.length);
  return sorted.slice(0, last + 1);
}
