// Draws with known chances: they sum to what is wanted, favour what weighs more, leave nothing out, and come true.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inclusion, pickBy, systematic } from '../../trust/draw.js';
import { likeness, type Offered, worthOf } from '../../trust/worth.js';
import { seeded } from './seeded.js';

const weights = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

describe('inclusion', () => {
  it('sums to the number wanted or to nine tenths of all, within bounds, in the order of the weights', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 0, max: 8 }), (w, wanted) => {
        const k = Math.min(wanted, w.length);
        const chances = inclusion(w, k);
        expect(sum(chances.map((c) => c.probability))).toBeCloseTo(Math.min(k, 0.9 * w.length), 9);
        for (const [i, { probability, floor }] of chances.entries()) {
          expect(probability).toBeGreaterThanOrEqual(floor);
          expect(floor).toBeCloseTo((0.1 * k) / w.length, 12);
          expect(probability).toBeLessThanOrEqual(0.9 + 1e-12);
          for (const [j, other] of chances.entries())
            if (w[i]! > w[j]!) expect(probability).toBeGreaterThanOrEqual(other.probability - 1e-12);
        }
      }),
    );
  });
});

describe('systematic', () => {
  it('draws each with its probability: averaged over all numbers that may be drawn', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 6 }), (w, wanted) => {
        const chances = inclusion(w, Math.min(wanted, w.length));
        const STEPS = 4000;
        const drawn = w.map(() => 0);
        const even = w.map(() => 0);
        for (let i = 0; i < STEPS; i++)
          for (const hit of systematic(chances, (i + 0.5) / STEPS)) {
            drawn[hit.index] = drawn[hit.index]! + 1;
            if (hit.even) even[hit.index] = even[hit.index]! + 1;
          }
        for (const [i, { probability, floor }] of chances.entries()) {
          expect(Math.abs(drawn[i]! / STEPS - probability)).toBeLessThan(2 / STEPS + 1e-9);
          expect(Math.abs(even[i]! / STEPS - floor)).toBeLessThan(2 / STEPS + 1e-9);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('draws the number wanted, give or take none when the chances sum to it', () => {
    const u = seeded(5);
    const chances = inclusion(
      Array.from({ length: 30 }, () => u()),
      4,
    );
    for (let i = 0; i < 200; i++) expect(systematic(chances, u())).toHaveLength(4);
  });

  it('does not draw two that lie side by side and are rare together', () => {
    const chances = inclusion([1, 1, 1, 1, 1, 1], 2);
    for (let i = 0; i < 100; i++) {
      const [a, b] = systematic(chances, (i + 0.5) / 100);
      expect(Math.abs(a!.index - b!.index)).toBeGreaterThan(1);
    }
  });
});

describe('pickBy', () => {
  it('finds the item whose share of the weight a number falls into', () => {
    expect([0.05, 0.24, 0.26, 0.99].map((u) => pickBy([1, 3], u))).toEqual([0, 0, 1, 1]);
  });
});

describe('diversity', () => {
  const pattern = (some: Partial<Offered>): Offered => ({
    pattern_id: 'p',
    slot: 's',
    family: null,
    knob: null,
    low: null,
    high: null,
    gain: 0.01,
    sd: 0.01,
    freshness: 1,
    ...some,
  });
  it('is 1 for the strongest, and falls with likeness to what weighs more', () => {
    const [a, b, c] = [
      pattern({ family: 'garch', gain: 0.02 }),
      pattern({ family: 'garch', knob: 'nu', low: 4, high: 8 }),
      pattern({ family: 'har' }),
    ];
    expect(worthOf([a!, b!, c!]).map((w) => w.diversity)).toEqual([1, 1 - 0.8 * 0.5, 1]);
    expect(likeness(a!, a!)).toBe(1);
  });
});
