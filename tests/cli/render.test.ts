// The status screen: nothing is wider than 120 columns, whatever a swarm grows to, and no fact is lost by wrapping.
import { describe, expect, it } from 'vitest';
import type { Status } from '../../cli/status/read.js';
import { render, table } from '../../cli/status/render.js';

const DIGEST = '0123456789abcdef'.repeat(4);
const wide: Status = {
  healthy: false,
  replica_age_s: null,
  warnings: [`explorer-12: SWARM_E_UNEXPECTED ${'something went wrong '.repeat(20)}and that was all`],
  market: {
    source: 'simulated',
    dataset_digest: DIGEST,
    market_now: '2025-03-14T00:00:00.000Z',
    speed: 1440,
    seed: 'a rather long seed with words in it',
    profile: '2026-05',
    data_to: null,
  },
  agents: [
    {
      id: '01890000-0000-7000-8000-000000000000',
      name: 'explorer-12',
      role: 'explorer',
      owner: 'explorer-owner-12',
      trust: 0.71,
      heartbeat_age_s: 2.4,
      lease: `experiment:24h/GOOGLX:${DIGEST}:1741910400`,
      state: 'working',
    },
    {
      id: '01890000-0000-7000-8000-000000000001',
      name: 'checker-3',
      role: 'checker',
      owner: 'checker-owner-3',
      trust: null,
      heartbeat_age_s: null,
      lease: 'check:01890000-0000-7000-8000-0000000000ab:3:checker-3',
      state: null,
    },
  ],
  owners: [
    { owner: 'o'.repeat(40), kind: 'claims', trust: 0, claims: 12_000, verified: 9000, over_claims: 3 },
  ],
  counts: {
    experiments: 123_456,
    attempts_failed: 12_345,
    claims: 12_345,
    verdicts: 45_678,
    promotions: 123,
    rollbacks: 45,
    prompts_answered: 1_234_567,
    prompts_scored: 1_234_567,
    invalid_answers: 123,
  },
  outbox: { undelivered: 12, oldest_s: 44.2 },
  slots: [
    {
      slot: '24h/GOOGLX',
      champion: { artifact: DIGEST, family: 'garch_t', since: '2025-03-14T00:00:00.000Z', reign: 12 },
      challengers: [
        {
          artifact: DIGEST,
          k: 12,
          kind: 'rollback',
          reign: 12,
          windows: 499,
          e_value: 1.23456e9,
          threshold: 4737.4,
          stage: 'superseded',
        },
      ],
      served: {
        promoted: true,
        n: 123_456,
        mean_crps: 12_345.6,
        reference_mean_crps: 13_456.7,
        diff: 1111.1,
        diff_se: 12.3,
      },
      emission_share: 0.2512,
      optimum: { best_crps: 12_000, mean_crps: 12_345.6 },
    },
  ],
  emission_share: 0.25,
  rivals: ['swarm', 'reference', 'ewma', 'calibrated'].map((miner) => ({ miner, share: 0.25 })),
  promotions: [
    {
      slot: '24h/GOOGLX',
      reign: 12,
      kind: 'rollback',
      artifact: DIGEST,
      family: 'garch_t',
      e_value: 1.23456e9,
      windows: 499,
      market_at: '2025-03-14T00:00:00.000Z',
    },
  ],
};

describe('the status screen', () => {
  it('fits 120 columns', () => {
    expect(
      Math.max(
        ...render(wide)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(120);
  });

  it('keeps every word of a long warning and tells pieces of work apart', () => {
    const text = render(wide);
    expect(text.replace(/\s+/g, ' ')).toContain(wide.warnings[0]);
    expect(text).toContain('experiment:24h/GOOGLX:0123456789:1741910400');
    expect(text).toContain('check:00000000ab:3:checker-3');
  });

  it('names a simulated market as such in its first line', () => {
    expect(render(wide).split('\n')[0]).toContain('simulated market');
  });

  it('shows an empty swarm without a slot', () => {
    expect(render({ ...wide, agents: [], owners: [], slots: [], rivals: [], promotions: [] })).toContain(
      'nothing paid yet',
    );
  });
});

describe('table', () => {
  it('pads all columns but the last', () => {
    expect(table(['a', 'bb'], [['ccc', 'd']])).toBe('a    bb\nccc  d');
    expect(table(['a'], [])).toBe('a');
  });
});
