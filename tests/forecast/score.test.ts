// The score must be the validator's number: its own published cases, computed cases, and the CRPS identities.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForecastError } from '../../forecast/errors.js';
import { crpsCurve } from '../../forecast/fit/level.js';
import {
  crpsEnsemble,
  fairCrps,
  labelObservedBlocks,
  type Paths,
  parseInterval,
  scorePaths,
  volatilityCrps,
} from '../../forecast/score/index.js';
import { HIGH, LOW } from './competitions.js';

const NaN_ = Number.NaN;

function paths(rows: readonly (readonly number[])[]): Paths {
  return { count: rows.length, points: rows[0].length, prices: Float64Array.from(rows.flat()) };
}
function low(rows: readonly (readonly number[])[], real: readonly number[]): number {
  return scorePaths(paths(rows), Float64Array.from(real), 300, LOW).total;
}
function formula(count: number, points: number): { sims: Paths; real: Float64Array } {
  const rows = Array.from({ length: count }, (_, i) =>
    Array.from({ length: points }, (_, j) => 1000 + ((i * 7919 + j * 104729 + i * j * 31) % 2003) / 10),
  );
  return {
    sims: paths(rows),
    real: Float64Array.from({ length: points }, (_, j) => 1000 + ((j * 7907) % 1999) / 10),
  };
}
function close(got: number, want: number, relative: number): void {
  expect(Math.abs(got - want)).toBeLessThanOrEqual(relative * Math.abs(want));
}

describe('the validator’s published cases', () => {
  it('scores two equal paths against a higher market', () => {
    expect(
      low(
        [
          [90000, 91000, 92000],
          [90000, 91000, 92000],
        ],
        [92600, 92500, 93500],
      ),
    ).toBe(284.1200564488584);
    close(
      low(
        [
          [900, 910, 920],
          [900, 910, 920],
        ],
        [926, 925, 935],
      ),
      284.1200564488584,
      1e-12,
    );
    expect(low([[90000, 91000, 92000, 92500, 92600]], [92600, 92500, 92600, 92500, 93500])).toBe(
      479.6904902048716,
    );
    expect(low([[50000, 51000, 52000]], [92600, 92500, 93500])).toBe(4737.272133130346);
  });
  it('scores three scattered paths', () => {
    const rows = [
      [50000, 51000, 52000],
      [10000, 70000, 50000],
      [90000, 70000, 50000],
    ];
    expect(low(rows, [105165.69445825, 105016.21888945, 105066.94377502])).toBe(13413.599141058676);
  });
  it('scores only observed runs when the market has holes', () => {
    const real = [50, 60, NaN_, 80, 90, NaN_, NaN_, 120, 130];
    expect(low([[55, 64, 70, 82.5, 89.2, 100, 110, 123.5, 131.2]], real)).toBe(1103.6743957796587);
    expect(low([[55, 64, 70, 82.5, 89.2, 100, 110, 123, 131]], real)).toBe(1061.3650577065207);
  });
  it('gives 0 to a perfect path and to an unobserved market, -1 to a zero price, NaN to a NaN path', () => {
    expect(low([[1, 2, 3]], [1, 2, 3])).toBe(0);
    expect(low([[1, 2, 3]], [NaN_, NaN_, NaN_])).toBe(0);
    expect(low([[1, 0, 3]], [1, 2, 3])).toBe(-1);
    expect(low([[NaN_, NaN_, NaN_]], [1, 2, 3])).toBeNaN();
  });
  it('adds nothing for price levels when the last price was not observed', () => {
    const score = scorePaths(paths([[1, 2, 3]]), Float64Array.of(1, 3, NaN_), 300, LOW);
    expect(score.intervals['24hour_abs']).toBe(0);
    expect(score.total).toBe(score.intervals['5min']);
    expect(score.total).toBeGreaterThan(0);
    // A NaN last price must not turn the observed levels before it into NaN either.
    const whole = paths([Array.from({ length: 61 }, (_, i) => 100 + i)]);
    const late = Float64Array.from(whole.prices, (v, i) => (i === 60 ? NaN_ : v + 1));
    expect(scorePaths(whole, late, 60, [parseInterval('30min_abs', 1800)]).total).toBe(0);
  });
  it('labels runs of observed values', () => {
    expect([...labelObservedBlocks([1, 2, NaN_, 4, NaN_, NaN_, 7, 8])]).toEqual([0, 0, -1, 1, -1, -1, 2, 2]);
  });
});

describe('the computed cases', () => {
  it('agrees on a full 1 h prompt', () => {
    const { sims, real } = formula(50, 61);
    const score = scorePaths(sims, real, 60, HIGH);
    expect(score.total).toBe(43137.5371713421);
    expect(score.intervals['1min']).toBe(16175.842138553982);
    close(score.intervals['60min_abs'], 228.47930937411988, 1e-12);
    close(score.intervals['0_60min_gaps'], 402.8966545003771, 1e-12);
  });
  it('agrees on a full 24 h prompt', () => {
    const { sims, real } = formula(20, 289);
    expect(scorePaths(sims, real, 300, LOW).total).toBe(163161.87732902967);
  });
  it('gives 1000 paths, sorted by distribution, the bits that a comparison sort gives', () => {
    const [hour, day] = [formula(1000, 61), formula(1000, 289)];
    expect(scorePaths(hour.sims, hour.real, 60, HIGH).total).toBe(42967.6050548957);
    expect(scorePaths(day.sims, day.real, 300, LOW).total).toBe(99179.24059848);
  });
  it('agrees on the volatility rule', () => {
    const { sims, real } = formula(50, 61);
    const rule = {
      blocks: [60, 15, 5].map((steps) => ({
        steps,
        weight: (5.25 / 3) * (steps === 60 ? 1 : steps === 15 ? 1 / 4 : 1 / 12),
      })),
    };
    const score = volatilityCrps(sims, real, 60, rule);
    close(score.blocks[0], 254.35755679118935, 1e-12);
    close(score.blocks[1], 1273.5472022952376, 1e-12);
    close(score.blocks[2], 5495.637648672502, 1e-12);
    close(score.total, 1803.749782486821, 1e-12);
  });
});

describe('CRPS', () => {
  const value = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  it('is mean|x - y| - mean|x - x’| / 2, also when members tie or all lie on one side', () => {
    fc.assert(
      fc.property(value, fc.array(value, { minLength: 1, maxLength: 40 }), (y, xs) => {
        const n = xs.length;
        const distance = xs.reduce((s, x) => s + Math.abs(x - y), 0) / n;
        const spread = xs.reduce((s, x) => s + xs.reduce((t, z) => t + Math.abs(x - z), 0), 0);
        const sorted = Float64Array.from(xs).sort();
        expect(crpsEnsemble(y, sorted)).toBeCloseTo(distance - spread / (2 * n * n), 6);
        if (n > 1) expect(fairCrps(y, sorted)).toBeCloseTo(distance - spread / (2 * n * (n - 1)), 6);
      }),
    );
  });
  it('read from a level curve is the ensemble’s own', () => {
    fc.assert(
      fc.property(value, fc.array(value, { minLength: 1, maxLength: 40 }), (y, xs) => {
        const sorted = Float64Array.from(xs).sort();
        expect(crpsCurve(sorted)(y)).toBeCloseTo(crpsEnsemble(y, sorted), 6);
      }),
    );
  });
  it('ignores NaN members and is NaN without members', () => {
    expect(crpsEnsemble(2, Float64Array.of(1, 3, NaN_))).toBe(crpsEnsemble(2, Float64Array.of(1, 3)));
    expect(crpsEnsemble(2, Float64Array.of(NaN_))).toBeNaN();
  });
  it('does not change when the paths are given in another order', () => {
    const { sims, real } = formula(7, 61);
    const rows = Array.from({ length: 7 }, (_, i) => [...sims.prices.subarray(i * 61, i * 61 + 61)]);
    const turned = paths([...rows.slice(3), ...rows.slice(0, 3)]);
    expect(scorePaths(turned, real, 60, HIGH).total).toBe(scorePaths(sims, real, 60, HIGH).total);
  });
});

describe('refusals', () => {
  it('refuses shapes that disagree and intervals finer than the grid', () => {
    expect(() => scorePaths(paths([[1, 2]]), Float64Array.of(1, 2, 3), 300, LOW)).toThrow(ForecastError);
    expect(() =>
      scorePaths(paths([[1, 2]]), Float64Array.of(1, 2), 300, [parseInterval('1min', 60)]),
    ).toThrow(/1min/);
  });
});
