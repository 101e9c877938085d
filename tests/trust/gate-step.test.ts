// What a window counts at the gate: bounded, never more in sum than what was measured, and defined for any finite score.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedSteps } from '../../trust/gate-step.js';

const fixed = { scale: 1, sd: 0.1, clip_sd: 3 };
const of = (differences: readonly number[]): { champion_crps: number; challenger_crps: number }[] =>
  differences.map((d) => ({ champion_crps: 0, challenger_crps: -d }));
const differences = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 200 });

describe('steps of the gate', () => {
  it('lie in [-1, 1], whatever was measured', () => {
    fc.assert(
      fc.property(differences, (ds) => {
        const xs = boundedSteps(of(ds), fixed);
        expect(xs).toHaveLength(ds.length);
        for (const x of xs) expect(x >= -1 && x <= 1).toBe(true);
      }),
    );
  });

  it('do not depend on what comes after them', () => {
    fc.assert(
      fc.property(differences, fc.nat(200), (ds, n) => {
        expect(boundedSteps(of(ds.slice(0, n)), fixed)).toEqual(boundedSteps(of(ds), fixed).slice(0, n));
      }),
    );
  });

  it('count in sum at most what was measured and what is still owed', () => {
    // Below the screen's own deviation, so that the bound stands still at 0.05.
    const small = fc.array(fc.double({ min: -0.099, max: 0.099, noNaN: true }), { maxLength: 100 });
    fc.assert(
      fc.property(small, (ds) => {
        const xs = boundedSteps(of(ds), { scale: 1, sd: 0.1, clip_sd: 0.5 });
        let owed = 0;
        for (const [i, d] of ds.entries()) owed = Math.max(0, xs[i]! * 0.05 - (d - owed));
        const counted = xs.reduce((a, b) => a + b, 0) * 0.05;
        expect(counted).toBeLessThanOrEqual(ds.reduce((a, b) => a + b, 0) + owed + 1e-9);
      }),
    );
  });

  it('carry a loss beyond the bound into the windows after it', () => {
    const [first, second, third] = boundedSteps(of([-0.5, 0.3, 0.3]), { ...fixed, sd: 0.5 });
    expect([first, second, third].map((x) => x! * 1.5)).toEqual([-0.5, 0.3, 0.3]);
    const xs = boundedSteps(of([-4, 0, 0]), { scale: 1, sd: 1, clip_sd: 3 });
    expect(xs[0]).toBe(-1);
    expect(xs[1]).toBeCloseTo(-1 / 12, 12);
    expect(xs[2]).toBe(0);
  });
});
