// The window plan: sets in time order with an embargo between them, and shadow windows that never overlap.
import { describe, expect, it } from 'vitest';
import { alphaShare } from '../../agents/publisher/admit.js';
import { nonOverlapping } from '../../agents/publisher/steps.js';
import {
  DAY_S,
  dayOf,
  hiddenStarts,
  lookbackBars,
  overlapLag,
  slotPlan,
} from '../../agents/runtime/windows.js';
import { windowStarts } from '../../forecast/windows.js';
import { findCompetition, loadProfile } from '../../miner/sn50/profile.js';
import { seededConstants } from '../../trust/constants.js';

/** The defaults of the first migration. */
const CONSTANTS: Record<string, number> = {
  hidden_days: 30,
  gap_days: 1,
  public_days: 30,
  train_days_300: 90,
  train_days_60: 28,
  stride_s_86400: 43_200,
  stride_s_3600: 10_800,
  max_windows: 90,
  lookback_days_300: 10,
  lookback_days_60: 3,
};
const constant = (name: string): number => {
  if (!(name in CONSTANTS)) throw new Error(`no constant ${name}`);
  return CONSTANTS[name]!;
};
const AS_OF_S = 20_000 * DAY_S;

describe('constants without a database', () => {
  it('are those of the first migration, unless changed', () => {
    for (const [name, value] of Object.entries(CONSTANTS)) expect(seededConstants()(name)).toBe(value);
    expect(seededConstants({ gap_days: 2 })('gap_days')).toBe(2);
    expect(() => seededConstants()('luck')).toThrow(
      expect.objectContaining({ code: 'SWARM_E_DB_MIGRATION' }),
    );
  });
});

describe.each(['24h', '1h'])('the plan of a %s slot', (id) => {
  const rules = findCompetition(loadProfile('2026-05'), id);
  const plan = slotPlan(constant, rules, AS_OF_S);
  const publicStarts = windowStarts(plan.public.from_s, plan.public.to_s, plan.windows);
  const hidden = hiddenStarts(plan, AS_OF_S);

  it('puts train before public before hidden, with at least one horizon between them', () => {
    const gap = rules.length_s;
    expect(publicStarts[0]! - plan.data_cutoff_s).toBeGreaterThanOrEqual(gap);
    expect(hidden.starts[0]! - (publicStarts.at(-1)! + rules.length_s)).toBeGreaterThanOrEqual(gap);
    expect(hidden.starts.at(-1)! + rules.length_s).toBeLessThanOrEqual(AS_OF_S);
  });

  it('has enough windows in both sets and never more than it may', () => {
    for (const starts of [publicStarts, hidden.starts]) {
      expect(starts.length).toBeGreaterThanOrEqual(20);
      expect(starts.length).toBeLessThanOrEqual(90);
      expect(new Set(starts).size).toBe(starts.length);
    }
  });

  it('shows the author nothing of the hidden windows, in this reign and in later ones', () => {
    // What an explorer may read ends here: market.visible_until().
    const visible_s = AS_OF_S - (constant('hidden_days') + constant('gap_days')) * DAY_S;
    for (const reign_s of [0, AS_OF_S - 40 * DAY_S, AS_OF_S, AS_OF_S + 7.5 * DAY_S]) {
      const later = hiddenStarts(plan, reign_s);
      expect(later.starts[0]).toBeGreaterThan(visible_s);
      expect(later.to_s).toBe(Math.max(AS_OF_S, Math.floor(reign_s / DAY_S) * DAY_S));
    }
    expect(hiddenStarts(plan, AS_OF_S + 7.5 * DAY_S).starts.at(-1)).toBeGreaterThan(hidden.starts.at(-1)!);
  });

  it('gives every checker the same windows, whenever in the day the reign began', () => {
    const one = hiddenStarts(plan, AS_OF_S + 3 * DAY_S);
    expect(hiddenStarts(plan, AS_OF_S + 3 * DAY_S + 86_399)).toEqual(one);
  });

  it('covers overlapping windows with the lag of its standard errors', () => {
    expect(overlapLag(plan) * plan.windows.stride_s).toBeGreaterThanOrEqual(rules.length_s);
    expect(overlapLag(plan)).toBeGreaterThanOrEqual(2);
  });

  it('leaves every model its history before the first public window', () => {
    expect(lookbackBars(constant, rules.increment_s) * rules.increment_s).toBeLessThanOrEqual(
      plan.train_bars * rules.increment_s,
    );
  });
});

describe('dayOf', () => {
  it('is the midnight that began the day', () => {
    expect(dayOf(new Date(AS_OF_S * 1000))).toBe(AS_OF_S);
    expect(dayOf(new Date((AS_OF_S + 86_399) * 1000))).toBe(AS_OF_S);
  });
});

describe('nonOverlapping', () => {
  const at = (s: number): { start_at: Date } => ({ start_at: new Date(s * 1000) });
  const kept = (starts: number[], after: number | null, length: number): number[] =>
    nonOverlapping(starts.map(at), after === null ? null : new Date(after * 1000), length).map(
      (p) => p.start_at.getTime() / 1000,
    );

  it('takes the next window that starts when the one before has ended', () => {
    expect(kept([0, 600, 3599, 3600, 5000, 7200, 7201], null, 3600)).toEqual([0, 3600, 7200]);
  });

  it('goes on after the last one that was counted', () => {
    expect(kept([0, 3600, 4000, 7600], 400, 3600)).toEqual([4000, 7600]);
    expect(kept([], 400, 3600)).toEqual([]);
  });
});

describe('alphaShare', () => {
  it('gives each challenger less, and all of them together less than the reign’s alpha', () => {
    const shares = Array.from({ length: 10_000 }, (_, i) => alphaShare(0.05, i + 1));
    const sum = shares.reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThan(0.05);
    expect(sum).toBeGreaterThan(0.0499);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });
});
