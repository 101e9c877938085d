// From log returns to price paths.
import { describe, expect, it } from 'vitest';
import { toPrices } from '../../forecast/onnx/index.js';
import { rng } from '../../forecast/rng.js';

describe('toPrices', () => {
  it('turns returns into prices path by path', () => {
    const { prices: p, count, points } = toPrices(Float32Array.of(0, Math.LN2, Math.LN2, 0), 2, 2, 10);
    expect([count, points]).toEqual([2, 3]);
    expect([...p].map((v) => Math.round(v * 1e4) / 1e4)).toEqual([10, 10, 20, 10, 20, 20]);
  });
  it('turns returns into prices to the last place, for any number of paths and beyond the table', () => {
    for (const count of [1, 3, 4, 7, 64]) {
      const r = new Float32Array(100 * count);
      rng(`prices ${count}`).fillNormal(r);
      const { prices: p } = toPrices(r, 100, count, 65_000);
      let worst = 0;
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (let h = 0; h < 100; h++) {
          sum += r[h * count + i];
          worst = Math.max(worst, Math.abs(p[i * 101 + h + 1] / (65_000 * Math.exp(sum)) - 1));
        }
      }
      expect(worst).toBeLessThan(1e-15);
    }
    const huge = toPrices(Float32Array.of(800, Number.NaN, -800, 0), 4, 1, 1).prices;
    expect([...huge]).toEqual([1, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN, Number.NaN]);
  });
});
