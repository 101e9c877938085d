// The distribution sort must order exactly as a comparison sort does, whatever the values are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rng } from '../../forecast/rng.js';
import { sortEnsemble } from '../../forecast/score/sort.js';

/** -0 reads as 0: a comparison sort cannot tell them apart. */
const plain = (values: Float64Array) => Array.from(values, (v) => v + 0);
const negativeZeros = (values: Float64Array) => values.filter((v) => Object.is(v, -0)).length;

function check(values: readonly number[]): void {
  const got = sortEnsemble(Float64Array.from(values));
  const want = Float64Array.from([...values].sort((a, b) => a - b));
  expect(plain(got)).toEqual(plain(want));
  expect(negativeZeros(got)).toBe(negativeZeros(want));
}

describe('sortEnsemble', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const special = fc.constantFrom(
    0,
    -0,
    5e-324,
    -5e-324,
    2.2e-308,
    -2.2e-308,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    1,
    -1,
  );
  // Neighbours in float64 that are one number in float32.
  const neighbours = fc.integer({ min: -4, max: 4 }).map((k) => 65_000 * (1 + k * Number.EPSILON));
  const changes = fc.double({ min: -30, max: 30, noNaN: true });
  const denormals = fc.integer({ min: -1000, max: 1000 }).map((k) => k * Number.MIN_VALUE);
  const lengths = { minLength: 90, maxLength: 400, size: 'max' } as const;
  const kinds = {
    'any finite doubles': finite,
    changes,
    'neighbours in float32': neighbours,
    denormals,
    'everything at once': fc.oneof(finite, special, neighbours, changes, denormals),
    'changes with special values': fc.oneof(
      { weight: 9, arbitrary: changes },
      { weight: 1, arbitrary: special },
    ),
  };
  it.each(Object.entries(kinds))('orders %s as a comparison sort does', (_, kind) => {
    fc.assert(fc.property(fc.array(kind, lengths), check));
  });
  it('orders large samples of thin, fat and clustered laws', () => {
    const stream = rng('laws');
    const draws = Array.from({ length: 20_000 }, () => stream.normal());
    const laws: ((z: number) => number)[] = [
      (z) => 65_000 + z,
      (z) => z * Math.exp(z * z),
      (z) => Math.round(z * 3) + z * 1e-9,
      (z) => (z > 3 ? z * 1e12 : z),
      () => 7,
    ];
    for (const law of laws)
      for (const n of [99, 100, 1000, 16_384, 16_385]) check(draws.slice(0, n).map(law));
  });
  it('puts NaN last and infinities at the ends, and leaves no trace for the next sample', () => {
    const values = Array.from({ length: 300 }, (_, i) => (i * 7919) % 301);
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308]) {
      const mixed = Float64Array.from(values, (v, i) => (i % 50 === 3 ? odd : v));
      expect(sortEnsemble(mixed.slice())).toEqual(mixed.slice().sort());
      check(values);
    }
  });
});
