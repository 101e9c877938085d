// The golden numbers through every profile: intervals, score and prompt score as each dated rule set names them.
import { describe, expect, it } from 'vitest';
import { scorePaths } from '../../../forecast/score/index.js';
import { loadProfile, profileIds, scoringIntervals } from '../../../miner/sn50/profile.js';
import { promptScores } from '../../../miner/sn50/reward/index.js';

// Produced by the subnet's own Python on these formulas (crps_calculation.py).
const TOTALS = {
  3600: { count: 50, points: 61, total: 43137.5371713421 },
  86400: { count: 20, points: 289, total: 163161.87732902967 },
} as const;
const PROMPT = { p90: [0, 500, 900, 900], cap10xmedian_p95: [0, 500, 1000, 950] } as const;

function formulaPaths(
  count: number,
  points: number,
): { count: number; points: number; prices: Float64Array } {
  const prices = new Float64Array(count * points);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < points; j++)
      prices[i * points + j] = 1000 + ((i * 7919 + j * 104729 + i * j * 31) % 2003) / 10;
  return { count, points, prices };
}

const formulaReal = (points: number): Float64Array =>
  Float64Array.from({ length: points }, (_, j) => 1000 + ((j * 7907) % 1999) / 10);

describe.each(profileIds())('profile %s', (id) => {
  const profile = loadProfile(id);

  it.each(profile.competitions.map((c) => [c.id, c] as const))(
    'scores %s as the subnet does',
    (_id, competition) => {
      const { count, points, total } = TOTALS[competition.length_s as keyof typeof TOTALS];
      const score = scorePaths(
        formulaPaths(count, points),
        formulaReal(points),
        competition.increment_s,
        scoringIntervals(competition),
      );
      expect(Math.abs(score.total / total - 1)).toBeLessThan(1e-12);
    },
  );

  it('turns CRPS into prompt scores by its own rule', () => {
    expect(promptScores([1000, 1500, 2000, -1], profile.prompt_score_rule)?.scores).toEqual(
      PROMPT[profile.prompt_score_rule],
    );
  });
});
