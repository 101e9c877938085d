// Random streams: pinned values, agreement of bulk and single draws, and the laws they should follow.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../forecast/fit/normal.js';
import { normalOfDraw } from '../../forecast/fit/normal-draw.js';
import { innovation, studentLogConstant, studentMap } from '../../forecast/fit/student.js';
import { rng } from '../../forecast/rng.js';

describe('rng', () => {
  it('gives one stream per seed, the same in bulk and one by one', () => {
    const [a, b, c] = [rng('x'), rng('x'), rng('y')];
    const bulk = new Float32Array(1000);
    a.fillNormal(bulk);
    expect([...bulk]).toEqual(Array.from({ length: 1000 }, () => Math.fround(b.normal())));
    expect(a.uniform()).toBe(b.uniform());
    expect(c.normal()).not.toBe(bulk[0]);
  });
  it('has the moments of a standard normal', () => {
    const z = new Float32Array(400_000);
    rng('moments').fillNormal(z);
    const moment = (k: number) => z.reduce((s, v) => s + v ** k, 0) / z.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.006);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.01);
    expect(Math.abs(moment(3))).toBeLessThan(0.02);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.06);
  });
  it('turns every draw into its quantile, monotone and odd', () => {
    const edges = Array.from({ length: 32 }, (_, k) => [2 ** k - 1, 2 ** k, 2 ** 32 - 2 ** k]).flat();
    const draws = Array.from({ length: 200_000 }, (_, i) => (i * 2654435761) >>> 0);
    let previous = Number.NEGATIVE_INFINITY;
    let [worst, falls, uneven] = [0, 0, 0];
    for (const draw of [...edges, ...draws].sort((a, b) => a - b)) {
      const z = normalOfDraw(draw | 0);
      worst = Math.max(worst, Math.abs(z - normalQuantile((draw + 0.5) / 2 ** 32)));
      if (z < previous) falls++;
      if (normalOfDraw(~draw) !== -z) uneven++;
      previous = z;
    }
    expect(worst).toBeLessThan(1e-9);
    expect([falls, uneven]).toEqual([0, 0]);
  });
  it('has pinned values: stored forecasts are repeated from their seed', () => {
    const z = new Float32Array(300_000);
    rng('pinned').fillNormal(z);
    expect(createHash('sha256').update(new Uint8Array(z.buffer)).digest('hex')).toBe(
      '3d1a3f5e57be0b67c7a933da5b211a07320b3dfadd91208b96df829ddbd4e0fe',
    );
  });
  it('draws integers evenly and refuses an empty range', () => {
    const r = rng('int');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[r.int(7)]++;
    for (const n of counts) expect(Math.abs(n - 10_000)).toBeLessThan(400);
    expect(() => r.int(0)).toThrow(RangeError);
  });
});

describe('quantiles', () => {
  it('agree with published normal quantiles', () => {
    for (const [p, z] of [
      [0.5, 0],
      [0.25, -0.6744897501960817],
      [0.975, 1.959963984540054],
      [0.001, -3.090232306167813],
      [1e-20, -9.26234008979841],
    ]) {
      expect(normalQuantile(p)).toBeCloseTo(z, 12);
    }
  });
  it('map a normal to t quantiles of unit variance', () => {
    // t with 4 degrees: 97.5% point 2.7764451052, divided by its standard deviation sqrt(2).
    expect(innovation(4)(1.959963984540054)).toBeCloseTo(2.7764451052 / Math.SQRT2, 3);
    expect(innovation(2.5)(0)).toBe(0);
    expect(innovation(1000)(1.234)).toBe(1.234);
    const map = studentMap(3);
    expect(map.every((v, i) => i === 0 || v > map[i - 1])).toBe(true);
    // Exact at nu = 3: F(x) = 1/2 + (atan(s) + s / (1 + s^2)) / pi with s = t / sqrt(3) = x.
    const x = innovation(3)(3);
    expect(0.5 + (Math.atan(x) + x / (1 + x * x)) / Math.PI).toBeCloseTo(0.9986501019683699, 7);
  });
  it('normalise the t density', () => {
    expect(Math.exp(studentLogConstant(3))).toBeCloseTo(2 / Math.PI, 12);
  });
});
