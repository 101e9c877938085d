// Mining: what is there is found, of what is found little is nothing, and only like is compared with like.
import { describe, expect, it } from 'vitest';
import { minePatterns, type Verified } from '../../agents/strategist/mine.js';
import { normal, seeded } from '../trust/seeded.js';

const FAMILIES = ['a', 'b', 'c', 'd', 'e'];

/** `n` specs with noise and what `effect` gives them, over `days` days with a market of their own. */
function market(seed: number, n: number, effect: (v: Verified) => number, days = 5): Verified[] {
  const u = seeded(seed);
  const moods = Array.from({ length: days }, () => 0.05 * normal(u));
  return Array.from({ length: n }, (_, i) => {
    const day = Math.floor(u() * days);
    const family = FAMILIES[Math.floor(u() * FAMILIES.length)]!;
    const spec = { family, nu: 3 + 10 * u(), half_life: 100 * u() };
    const v = { family, spec, spec_digest: String(i), day: `2026-01-0${day + 1}`, gain: 0 };
    return { ...v, gain: moods[day]! + 0.01 * normal(u) + effect(v) };
  });
}

const REPEATS = 300;
const nuOf = (v: Verified): number => v.spec['nu'] as number;

describe('mining', () => {
  it('finds planted effects, good and bad, and of what it finds at most a tenth is nothing', () => {
    let [found, nothing, good, bad] = [0, 0, 0, 0];
    for (let seed = 0; seed < REPEATS; seed++) {
      const mined = minePatterns(
        market(
          seed,
          200,
          (v) => (v.family === 'a' ? 0.012 : 0) - (v.family === 'b' && nuOf(v) < 8 ? 0.02 : 0),
        ),
      );
      found += mined.length;
      // Families are compared with all others, which a and b are among: of the knobs only b's nu is something.
      nothing += mined.filter((p) => p.knob !== null && !(p.family === 'b' && p.knob === 'nu')).length;
      if (mined.some((p) => p.family === 'a' && p.knob === null && p.direction === 1)) good += 1;
      if (mined.some((p) => p.family === 'b' && p.knob === 'nu' && p.direction === -1)) bad += 1;
    }
    expect(good / REPEATS).toBeGreaterThan(0.9);
    expect(bad / REPEATS).toBeGreaterThan(0.9);
    expect(nothing / found).toBeLessThan(0.1);
  });

  it('finds something in pure noise no oftener than a tenth of the time', () => {
    let times = 0;
    for (let seed = 0; seed < REPEATS; seed++)
      if (minePatterns(market(1000 + seed, 120, () => 0)).length > 0) times += 1;
    // Three standard errors above.
    expect(times / REPEATS).toBeLessThan(0.1 + 3 * Math.sqrt(0.09 / REPEATS));
  });

  it('is not misled by a family that was judged on good days', () => {
    let times = 0;
    for (let seed = 0; seed < REPEATS; seed++) {
      const u = seeded(seed);
      const seen = market(seed, 150, () => 0, 2).map((v) => ({
        ...v,
        gain: v.gain + (v.day === '2026-01-01' ? 0.1 : 0),
        ...(v.day === '2026-01-01' && u() < 0.8 ? { family: 'a', spec: { ...v.spec, family: 'a' } } : {}),
      }));
      if (minePatterns(seen).some((p) => p.family === 'a' && p.knob === null)) times += 1;
    }
    expect(times / REPEATS).toBeLessThan(0.1 + 3 * Math.sqrt(0.09 / REPEATS));
  });

  it('counts a spec that was claimed every day once, and says nothing of too few', () => {
    const [one] = market(1, 1, () => 0);
    const same = Array.from({ length: 50 }, (_, i) => ({ ...one!, day: `2026-02-${10 + i}`, gain: 0.1 }));
    const others = market(2, 3, () => 0);
    expect(minePatterns([...same, ...others])).toEqual([]);
    expect(minePatterns([])).toEqual([]);
  });
});
