import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pyStr, validateResponse } from '../../../miner/sn50/response.js';

const prompt = {
  asset: 'BTC',
  start_time: '2026-01-15T12:02:00+00:00',
  time_increment: 60,
  time_length: 60,
  num_simulations: 1,
};
const verdict = (price: number): string =>
  validateResponse([1768478520, 60, [price, 1]], prompt, 0.1, 'digits8');

describe('the digit rule', () => {
  it('says of any price what the text of the number says', () => {
    const price = fc.oneof(
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      fc
        .tuple(fc.integer({ min: 1, max: 999_999_999 }), fc.integer({ min: 0, max: 9 }))
        .map(([n, k]) => n / 10 ** k),
    );
    fc.assert(
      fc.property(price, (x) => {
        const digits = pyStr(x).replaceAll('.', '').length;
        expect(verdict(x)).toBe(
          digits > 8 ? `Price format is incorrect: too many digits ${pyStr(x)}` : 'CORRECT',
        );
      }),
      { numRuns: 5000, seed: 50 },
    );
  });
});
