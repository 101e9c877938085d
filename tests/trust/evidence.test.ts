// Evidence against an owner: seldom large where nothing is wrong, however often it is looked at, and large soon where something is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEvidence, overEvidence } from '../../trust/evidence.js';
import { livesOf } from '../bench/byzantine/lifetimes.js';
import { wilson } from '../bench/byzantine/reigns.js';

/** As in board.constant. */
const rule = { half_life_days: 14, slack: 0.4, low: 1, clip: 3 };

describe('evidence of over-claiming', () => {
  it.each(['calibrated', 'heavy tails'])(
    'ever takes nine tenths of the trust of at most 2% of honest owners, %s, over 500 claims',
    (claimant) => {
      for (const per_day of [1, 10]) {
        const { decimated, owners } = livesOf(claimant, rule, { owners: 2000, per_day });
        // Upper end of the 95% interval.
        expect(wilson(decimated, owners)[1]).toBeLessThan(0.02);
      }
    },
  );

  it('takes it at most for a moment from those who claim the best of several experiments', () => {
    for (const claimant of ['best of two', 'best of four'])
      expect(livesOf(claimant, rule).time).toBeLessThan(0.01);
  });

  it('takes it from whoever claims two standard errors too much, within fifteen claims', () => {
    const { claims, decimated, owners } = livesOf('two standard errors too much', rule, { claims: 100 });
    expect(claims).toBeLessThanOrEqual(15);
    expect(decimated).toBe(owners);
  });

  it('is 1 of nothing, finite whatever was claimed, and grows with every claim', () => {
    expect(overEvidence({ weight: 0, pull: 0, mass: 0 }, 0.4)).toBe(1);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: -1e6, max: 3e6, noNaN: true }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (weight, pull, more) => {
          const sums = { weight, pull, mass: weight };
          const evidence = overEvidence(sums, 0.4);
          expect(evidence).toBeGreaterThan(0);
          expect(Number.isFinite(evidence)).toBe(true);
          expect(overEvidence({ ...sums, pull: pull + more }, 0.4)).toBeGreaterThanOrEqual(evidence);
        },
      ),
    );
  });
});

describe('evidence of collusion', () => {
  const honest = Array.from({ length: 59 }, () => ({ agreed: 3, disputed: 0 }));

  it('is nothing after one mishap, and enough after two for the same owner', () => {
    expect(checkEvidence([...honest, { agreed: 3, disputed: 1 }], 0.01)).toBeLessThan(1.2);
    expect(checkEvidence([...honest, { agreed: 0, disputed: 2 }], 0.01)).toBeGreaterThan(10);
  });

  it('is on average at most 1 of a checker who is contradicted as often as mishap explains', () => {
    // 100 checks of one owner's claims: exactly, over all counts.
    const n = 100;
    let [expected, chance] = [0, 0.99 ** n];
    for (let k = 0; k <= n; k++) {
      expected += chance * checkEvidence([{ agreed: n - k, disputed: k }], 0.01);
      chance *= ((n - k) / (k + 1)) * (0.01 / 0.99);
    }
    expect(expected).toBeCloseTo(1, 6);
  });
});
