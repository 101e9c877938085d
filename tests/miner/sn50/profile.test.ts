// The dated rules: what ships, and what a faulty profile is told.
import { describe, expect, it } from 'vitest';
import {
  assertAssets,
  competitionFor,
  findCompetition,
  loadProfile,
  parseProfile,
  parseSlot,
  profileIds,
  scoringIntervals,
  slotId,
  slots,
} from '../../../miner/sn50/profile.js';

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  return 'nothing thrown';
};

describe('profiles', () => {
  it('ships three, and each passes its own checks', () => {
    expect(profileIds()).toEqual(['2026-01', '2026-05', '2026-07']);
    for (const id of profileIds()) expect(loadProfile(id).id).toBe(id);
  });

  it('names the known ids when asked for another', () => {
    expect(() => loadProfile('2031-01')).toThrow(
      expect.objectContaining({
        code: 'SWARM_E_UNKNOWN_PROFILE',
        hint: 'use one of: 2026-01, 2026-05, 2026-07',
      }),
    );
    expect(codeOf(() => loadProfile('../package'))).toBe('SWARM_E_UNKNOWN_PROFILE');
  });

  it('refuses a cadence that forgets an asset and an asset without a coefficient', () => {
    const data = structuredClone(loadProfile('2026-05')) as unknown as {
      competitions: { cadence: { assets: string[] }[] }[];
      coefficients: Record<string, number>;
    };
    data.competitions[1].cadence[0].assets.pop();
    delete data.coefficients['ETH'];
    expect(() => parseProfile(data, 'x')).toThrow(
      /1h: the cadence must prompt every asset[\s\S]*ETH has no coefficient/,
    );
  });

  it('holds the published weights of 2026-01 and the coefficients of 2026-05 and 2026-07', () => {
    expect(loadProfile('2026-01').coefficients).toEqual({
      BTC: 1,
      ETH: 0.67,
      SOL: 0.59,
      XAU: 2.26,
      SPYX: 2.99,
      NVDAX: 1.39,
      TSLAX: 1.42,
      AAPLX: 1.86,
      GOOGLX: 1.43,
    });
    expect(loadProfile('2026-05').coefficients['SPYX']).toBe(3.437935601155441);
    expect(loadProfile('2026-07').coefficients['SPYX']).toBeUndefined();
    expect(loadProfile('2026-07').coefficients['SPCX']).toBe(0.4329342627683478);
  });

  it('scores 345 terms of a 24 h prompt and 121 of a 1 h prompt', () => {
    const terms = (id: string) => {
      const competition = findCompetition(loadProfile('2026-05'), id);
      return scoringIntervals(competition).reduce(
        (sum, { seconds, kind }) => sum + (kind === 'gaps' ? 1 : competition.length_s / seconds),
        0,
      );
    };
    expect(terms('24h')).toBe(288 + 48 + 8 + 1);
    expect(terms('1h')).toBe(60 + 30 + 12 + 4 + 2 + 1 + 12);
  });

  it('keeps the volatility term of 2026-07 off, with 5.25 spread over its blocks', () => {
    const { vol_crps, length_s } = findCompetition(loadProfile('2026-07'), 'crypto_1h');
    expect(vol_crps?.enabled).toBe(false);
    expect(
      vol_crps?.blocks.reduce((sum, { weight, seconds }) => sum + (weight * length_s) / seconds, 0),
    ).toBeCloseTo(5.25, 12);
  });
});

describe('slots', () => {
  it('are listed in competition and rotation order, for chosen assets too', () => {
    const profile = loadProfile('2026-05');
    expect(slots(profile)).toHaveLength(12 + 5);
    expect(slots(profile, ['XAU', 'BTC'])).toEqual(['24h/BTC', '24h/XAU', '1h/BTC', '1h/XAU']);
    expect(slots(loadProfile('2026-01')).filter((id) => id.startsWith('1h/'))).toEqual([
      '1h/BTC',
      '1h/ETH',
      '1h/XAU',
      '1h/SOL',
    ]);
  });

  it('read back what they write', () => {
    expect(parseSlot(slotId('crypto_1h', 'BTC'))).toEqual({ competition: 'crypto_1h', asset: 'BTC' });
    for (const bad of ['', 'BTC', '1h/', '/BTC', '1h/BTC/x', '1H/BTC'])
      expect(codeOf(() => parseSlot(bad))).toBe('SWARM_E_SLOT_INVALID');
  });

  it('know competitions by alias and by what a prompt asks', () => {
    const profile = loadProfile('2026-07');
    expect(findCompetition(profile, '1h').id).toBe('crypto_1h');
    expect(competitionFor(profile, 'XAU', 86_400)?.id).toBe('com_equ_24h');
    expect(competitionFor(profile, 'BTC', 86_400)?.id).toBe('crypto_24h');
    expect(competitionFor(profile, 'XAU', 3600)).toBeUndefined();
    expect(codeOf(() => findCompetition(profile, '24h'))).toBe('SWARM_E_UNKNOWN_COMPETITION');
  });

  it('refuse an unknown asset by name', () => {
    expect(() => assertAssets(loadProfile('2026-05'), ['BTC', 'DOGE'])).toThrow(
      expect.objectContaining({
        code: 'SWARM_E_UNKNOWN_ASSET',
        message: 'profile 2026-05 does not know DOGE',
      }),
    );
  });
});
