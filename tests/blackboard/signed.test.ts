// What is signed stays signed: any change to a signed field shows, and a round trip through JSON does not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { canonical, newKeyPair } from '../../blackboard/keys.js';
import { assertSigned, signRecord } from '../../blackboard/signed.js';

const author = newKeyPair();
const claim = {
  id: uuid7(),
  agent_id: uuid7(),
  experiment_id: uuid7(),
  slot: 'crypto_1h/BTC',
  artifact: 'a'.repeat(64),
  family: 'garch',
  spec_digest: 'b'.repeat(64),
  as_of: new Date('2025-03-10T00:00:00Z'),
  data_cutoff: new Date('2025-01-01T00:00:00Z'),
  dataset_digest: 'c'.repeat(64),
  windows_digest: 'd'.repeat(64),
  n_windows: 60,
  seed: 's',
  code_version: 'v',
  mean_crps: 1.25,
  claimed_gain: 0.1 + 0.2,
  claimed_se: 1 / 3,
};
const refused = expect.objectContaining({ code: 'SWARM_E_SIGNATURE' });

describe('a signed claim', () => {
  const signature = signRecord('claim', claim, author.privateKey);

  it('passes as it is, whatever columns the database adds to it', () => {
    assertSigned('claim', { ...claim, signature }, author.publicKey);
    const stored = { ...claim, signature, salt: uuid7(), at: new Date(), fence: 9 };
    assertSigned('claim', stored, author.publicKey);
  });

  it.each(Object.keys(claim))('does not pass with another %s', (field) => {
    const value = claim[field as keyof typeof claim];
    const other =
      typeof value === 'number'
        ? value + 2 ** -46
        : value instanceof Date
          ? new Date(+value + 1)
          : `${value}0`;
    expect(() =>
      assertSigned('claim', { ...claim, signature, [field]: other }, author.publicKey),
    ).toThrowError(refused);
    expect(() =>
      assertSigned('claim', { ...claim, signature, [field]: null }, author.publicKey),
    ).toThrowError(refused);
  });

  it("does not pass as another record kind or as another author's", () => {
    expect(() => assertSigned('promotion', { ...claim, signature }, author.publicKey)).toThrowError(refused);
    expect(() => assertSigned('claim', { ...claim, signature }, newKeyPair().publicKey)).toThrowError(
      refused,
    );
    expect(() => assertSigned('claim', { ...claim, signature: '' }, author.publicKey)).toThrowError(refused);
  });
});

describe('a signed verdict', () => {
  it('covers every difference, and a reason left out is the empty one that the table fills in', () => {
    const verdict = {
      id: uuid7(),
      finding: 'scored',
      differences: [0.1, 1 / 3, -0],
      window_starts: [1, 2, 3],
    };
    const signature = signRecord('verdict', verdict, author.privateKey);
    const stored = { ...verdict, reason: '', signature };
    assertSigned('verdict', stored, author.publicKey);
    const altered = { ...verdict, differences: [0.1, 1 / 3 + 1e-16, 0], signature };
    expect(() => assertSigned('verdict', altered, author.publicKey)).toThrowError(refused);
  });
});

describe('canonical', () => {
  it('is the same for equal content in any order of keys, and parses back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonical(reversed(value))).toBe(canonical(value));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('uuid7', () => {
  it('sorts by time and carries version and variant', () => {
    const ids = [0, 1, 1_700_000_000_000, 2 ** 48 - 1].map((ms) => uuid7(ms));
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
