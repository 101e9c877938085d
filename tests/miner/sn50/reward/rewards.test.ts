// Rewards: golden numbers of the subnet's own tests, and what must hold for any field of miners.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../miner/sn50/profile.js';
import {
  combine,
  competitionWeights,
  emission,
  percentile,
  promptScores,
  type ScoreRow,
  saltedKey,
  smoothedScores,
  softmaxWeights,
  thin,
} from '../../../../miner/sn50/reward/index.js';

describe('promptScores', () => {
  it('cuts at the 90th percentile and fills with it', () => {
    const result = promptScores([1000, 1500, 2000, -1], 'p90');
    expect(result).toEqual({ scores: [0, 500, 900, 900], fill: 1900, lowest: 1000 });
    expect(promptScores([1000, -1, -1, -1], 'p90')?.scores).toEqual([0, 0, 0, 0]);
    expect(promptScores([-1, Number.NaN], 'p90')).toBeNull();
  });

  it('leaves ordinary scores alone under the newer rule and fills with the 95th percentile', () => {
    expect(promptScores([1000, 1500, 2000, -1], 'cap10xmedian_p95')).toEqual({
      scores: [0, 500, 1000, 950],
      fill: 1950,
      lowest: 1000,
    });
    expect(promptScores([1000, -1, Number.POSITIVE_INFINITY], 'cap10xmedian_p95')?.scores).toEqual([0, 0, 0]);
    expect(promptScores([0, 0, 0, 5], 'cap10xmedian_p95')?.fill).toBeCloseTo(4.25, 12);
  });

  it('cuts garbage at ten medians and keeps it out of the fill', () => {
    const result = promptScores([...Array<number>(10).fill(30), 150, 1e12, 1e30, -1], 'cap10xmedian_p95');
    expect(result?.scores.slice(10)).toEqual([120, 270, 270, (result?.fill ?? 0) - 30]);
    expect(result?.fill).toBeLessThanOrEqual(150);
  });

  it('interpolates percentiles as numpy does', () => {
    expect(percentile([1000, 1500, 2000], 90)).toBe(1900);
    expect(percentile([0.1, 0.2, 0.7, 0.30000000000000004], 95)).toBe(0.6399999999999998);
    expect(percentile([3], 95)).toBe(3);
  });
});

describe('softmaxWeights', () => {
  it('gives the published shares', () => {
    const close = (got: number[], expected: number[], digits: number) =>
      expected.forEach((value, i) => void expect(got[i]).toBeCloseTo(value, digits));
    close(softmaxWeights([1000, 1500, 2000], -0.001), [0.506480391, 0.307195886, 0.186323723], 8);
    close(softmaxWeights([1000, 1500, 2000, -1], -0.001), [0.213, 0.129, 0.078, 0.58], 2);
  });

  it('gives nothing for an infinite score, and nothing to anyone when all are infinite', () => {
    expect(softmaxWeights([1, Number.POSITIVE_INFINITY], -0.1)).toEqual([1, 0]);
    expect(softmaxWeights([Number.POSITIVE_INFINITY], -0.1)).toEqual([0]);
    expect(softmaxWeights([], -0.1)).toEqual([]);
  });
});

const hour = 3600;
const row = (miner_id: number, prompt_score: number | null, hours: number, asset = 'BTC'): ScoreRow => ({
  miner_id,
  prompt_score,
  scored_time_s: hours * hour,
  asset,
  fill: 12,
  lowest: 2,
});
const options = { now_s: 240 * hour, window_days: 10, coefficients: { BTC: 1, XAU: 3 } };

describe('smoothedScores', () => {
  it('is the mean weighted by asset, over the window that excludes its start and includes now', () => {
    const rows = [row(1, 100, 0), row(1, 4, 1), row(1, 8, 240, 'XAU'), row(1, 100, 240.5)];
    expect(smoothedScores(rows, options)).toEqual(new Map([[1, (4 + 3 * 8) / 4]]));
  });

  it('gives a newcomer fill - lowest at each earlier time, with the asset of that time', () => {
    const rows = [row(1, 0, 1), row(1, 0, 2, 'XAU'), row(1, 0, 3), row(2, 0, 3)];
    expect(smoothedScores(rows, options).get(2)).toBe((10 + 3 * 10 + 0) / 5);
    expect(smoothedScores(rows, options).get(1)).toBe(0);
  });

  it('does not punish the gaps of a miner that was there from the start', () => {
    const rows = [row(1, 6, 1), row(2, 0, 1), row(2, 0, 2), row(2, 0, 3)];
    expect(smoothedScores(rows, options).get(1)).toBe(6);
  });

  it('is infinite without a valid row, and counts an unknown asset once', () => {
    const scores = smoothedScores([row(1, null, 1), row(2, Number.NaN, 1), row(3, 5, 1, 'NEW')], options);
    expect([...scores]).toEqual([
      [1, Number.POSITIVE_INFINITY],
      [2, Number.POSITIVE_INFINITY],
      [3, 5],
    ]);
  });

  it('does not backfill from a prompt that has no fill', () => {
    const { fill: _, lowest: __, ...bare } = row(1, 0, 1);
    expect(smoothedScores([bare, row(1, 0, 2), row(2, 3, 2)], options).get(2)).toBe(3);
  });
});

const rowsArbitrary = fc.array(
  fc
    .record({
      miner_id: fc.integer({ min: 1, max: 6 }),
      prompt_score: fc.option(fc.double({ min: 0, max: 300, noNaN: true }), { freq: 10 }),
      scored_time_s: fc.integer({ min: 1, max: 12 }).map((n) => n * 20 * hour),
      asset: fc.constantFrom('BTC', 'ETH', 'XAU', 'OTHER'),
    })
    .map((each) => ({ ...each, fill: each.scored_time_s / hour, lowest: 1 })),
  { minLength: 1, maxLength: 40 },
);

describe('for any field of miners', () => {
  const profile = loadProfile('2026-05');
  const [low] = profile.competitions;

  it('weights sum to the coefficient of the competition', () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const weights = competitionWeights(rows, profile, low, 240 * hour);
        const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
        const anyValid = [...smoothedScores(rows, { ...profile, ...low, now_s: 240 * hour }).values()].some(
          Number.isFinite,
        );
        expect(total).toBeCloseTo(anyValid ? low.coefficient : 0, 12);
      }),
    );
  });

  it('a lower score never earns less', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 2, maxLength: 30 }),
        fc.constantFrom(-0.1, -0.3),
        (scores, beta) => {
          const weights = softmaxWeights(scores, beta);
          for (let i = 0; i < scores.length; i++)
            for (let j = 0; j < scores.length; j++)
              if (scores[i] < scores[j]) expect(weights[i]).toBeGreaterThanOrEqual(weights[j]);
        },
      ),
    );
  });

  it('the order of rows does not matter', () => {
    fc.assert(
      fc.property(
        rowsArbitrary.chain((rows) =>
          fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
        ),
        ([rows, shuffled]) => {
          // A (time, asset) has one fill upstream: the arbitrary derives it from the time alone.
          const one = smoothedScores(rows, { ...options, window_days: 20 });
          const other = smoothedScores(shuffled, { ...options, window_days: 20 });
          expect([...other.keys()]).toEqual([...one.keys()]);
          for (const [id, score] of one)
            Number.isFinite(score)
              ? expect(other.get(id)).toBeCloseTo(score, 9)
              : expect(other.get(id)).toBe(score);
        },
      ),
    );
  });
});

describe('combine and emission', () => {
  it('sums what a miner earns in each competition', () => {
    expect(
      combine([
        new Map([[1, 0.5]]),
        new Map([
          [1, 0.25],
          [2, 0.25],
        ]),
      ]),
    ).toEqual(
      new Map([
        [1, 0.75],
        [2, 0.25],
      ]),
    );
  });

  it('burns half to the owner and scales the largest weight to 65535', () => {
    const result = emission(
      new Map([
        [7, 0.75],
        [3, 0.25],
      ]),
      { burn_uid: 248 },
    );
    expect(result).toEqual([
      { uid: 3, share: 0.125, u16: 16_384 },
      { uid: 7, share: 0.375, u16: 49_151 },
      { uid: 248, share: 0.5, u16: 65_535 },
    ]);
    expect(
      emission(
        new Map([
          [7, 0.75],
          [3, 0.25],
        ]),
      ).map(({ share }) => share),
    ).toEqual([0.25, 0.75]);
  });

  it('drops what rounds to zero, and is empty when nobody earned', () => {
    expect(
      emission(
        new Map([
          [1, 1],
          [2, 0.49 / 65_535],
          [3, 0.51 / 65_535],
        ]),
      ).map(({ uid, u16 }) => [uid, u16]),
    ).toEqual([
      [1, 65_535],
      [3, 1],
    ]);
    expect(emission(new Map(), { burn_uid: 248 })).toEqual([]);
  });
});

describe('thin', () => {
  const requests = [
    { id: 5, asset: 'BTC', start_s: 3600 },
    { id: 4, asset: 'BTC', start_s: 7199 },
    { id: 6, asset: 'BTC', start_s: 7200 },
    { id: 7, asset: 'ETH', start_s: 3700 },
    { id: 8, asset: 'BTC', start_s: 9000 },
    { id: 9, asset: 'BTC', start_s: 9100 },
  ];
  const rule = { now_s: 10_800, older_than_s: 1800, bucket_s: 3600 };

  it('keeps the smallest id per asset and bucket, and everything that is young', () => {
    expect(thin(requests, rule).map(({ id }) => id)).toEqual([4, 6, 7, 8, 9]);
    expect(thin(thin(requests, rule), rule)).toEqual(thin(requests, rule));
    expect(thin(requests, { ...rule, now_s: 20_000 }).map(({ id }) => id)).toEqual([4, 6, 7]);
  });

  it('keeps one per bucket under any key, chosen by the key', () => {
    expect(thin(requests, { ...rule, key: (id) => -id }).map(({ id }) => id)).toEqual([5, 6, 7, 8, 9]);
    const salted = thin(requests, { ...rule, now_s: 20_000, key: saltedKey('a salt') });
    expect(new Set(salted.map(({ asset, start_s }) => `${asset} ${Math.floor(start_s / 3600)}`)).size).toBe(
      3,
    );
    expect(salted).toHaveLength(3);
  });
});
