// The correction of a block's law: the transform, and what a manifest may state of it.
import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../forecast/fit/normal.js';
import { rng } from '../../forecast/rng.js';
import { corrected, rootMeanSquare } from '../../forecast/sampler/correction.js';
import { samplingSchema } from '../../forecast/sampler/plan.js';
import { targetsOf } from '../../forecast/sampler/targets.js';
import { STEP } from './composed-models.js';

const quantiles = Float64Array.from({ length: 1000 }, (_, i) => {
  const z = normalQuantile((i + 0.5) / 1000);
  return 2e-4 * (z + 0.1 * z * z);
}).sort();

describe('the transform', () => {
  it('is q -> scale rms(q) t(u) / rms(t(u)), t(u) = u (1 + u^2)^((tail - 1) / 2), u = q / rms(q)', () => {
    // By hand: rms is 2, u is -0.5, 0.5, 1, sqrt(2.5); with tail 1.5 the factor is (1 + u^2)^0.25.
    const q = Float64Array.of(-1, 1, 2, Math.sqrt(10));
    const t = [-0.5 * 1.25 ** 0.25, 0.5 * 1.25 ** 0.25, 2 ** 0.25, Math.sqrt(2.5) * 3.5 ** 0.25];
    const rms = Math.sqrt(t.reduce((sum, v) => sum + v * v, 0) / 4);
    const got = corrected(q, { scale: 0.8, tail: 1.5 });
    for (const [i, v] of t.entries()) expect(got[i]).toBeCloseTo((0.8 * 2 * v) / rms, 12);
  });
  it('changes nothing at scale 1 and tail 1', () => {
    expect(corrected(quantiles, { scale: 1, tail: 1 })).toEqual(quantiles);
  });
  it.each([0.6, 0.9, 1, 1.2, 1.6])('rises, keeps signs, and leaves the size to scale: tail %d', (tail) => {
    const got = corrected(quantiles, { scale: 1.3, tail });
    for (let i = 1; i < got.length; i++) expect(got[i]).toBeGreaterThan(got[i - 1]);
    for (const [i, v] of got.entries()) expect(Math.sign(v)).toBe(Math.sign(quantiles[i]));
    expect(rootMeanSquare(got) / rootMeanSquare(quantiles)).toBeCloseTo(1.3, 12);
  });
  it('makes tails heavier above 1, lighter below', () => {
    const last = (tail: number) => corrected(quantiles, { scale: 1, tail })[999];
    expect(last(0.8)).toBeLessThan(0.9 * last(1));
    expect(last(1.2)).toBeGreaterThan(1.1 * last(1));
  });
  it('leaves a block that cannot move where it is', () => {
    expect(corrected(new Float64Array(5), { scale: 2, tail: 1.4 })).toEqual(new Float64Array(5));
  });
});

describe('a manifest’s sampling', () => {
  const laws = (law: object) => ({
    source_paths: 4000,
    sweeps: 3,
    laws: [{ seconds: STEP, first: false, law }],
  });
  it('takes a mixture as before, or a correction', () => {
    for (const law of [
      { weights: [0.5, 0.5], scales: [0.5, 1.5] },
      { scale: 1.1, tail: 0.9 },
    ])
      expect(samplingSchema.parse(laws(law))).toEqual(laws(law));
  });
  it.each([
    { scale: 5, tail: 1 },
    { scale: 0.1, tail: 1 },
    { scale: 1, tail: 0.5 },
    { scale: 1, tail: 1.7 },
    { scale: 1 },
    { scale: 1, tail: Number.POSITIVE_INFINITY },
    { scale: 1, tail: 1, weights: [1], scales: [1] },
  ])('refuses %o', (law) => {
    expect(samplingSchema.safeParse(laws(law)).success).toBe(false);
  });
  it('corrects the targets of its own block length', () => {
    const source = new Float32Array(6 * 4000);
    rng('targets').fillNormal(source);
    const grid = { steps: 2, kind: 'blocks' } as const;
    const law = { scale: 0.7, tail: 1.3 };
    const [[plain], [changed]] = targetsOf([source], 6, 500, [grid, { ...grid, law }]);
    expect(changed.quantiles).toEqual(corrected(plain.quantiles, law));
  });
});
