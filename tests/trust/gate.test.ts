// The promotion gate's mathematics by simulation: what it lets through when nothing is better, and how long it takes when
// something is. The database is held to this same arithmetic in gate.integration.test.ts.
import { describe, expect, it } from 'vitest';
import { eValues, expectedMaximum, gateStage, normalCdf, unseenOf } from './recompute-gate.js';
import { normal, seeded } from './seeded.js';

const CONSTANTS: Readonly<Record<string, number>> = {
  mirror_limit: 20,
  clip_sd: 3,
  unseen_loss_sd: 5,
  gate_floor_windows: 60,
  rollback_floor_windows: 24,
  gate_max_windows: 500,
};
const constant = (name: string): number => CONSTANTS[name]!;
const alphaOf = (k: number): number => (0.05 * 6) / (Math.PI ** 2 * k ** 2);
const clip = (z: number): number => Math.max(-3, Math.min(3, z)) / 3;

/** Windows until a challenger of this mean gain (in sd) passes; null when it does not within `looks`. */
function passesAfter(u: () => number, gain: number, k: number, looks: number): number | null {
  const xs = Array.from({ length: looks }, () => clip(normal(u) + gain));
  const limit = 1 / alphaOf(k);
  const lost = eValues(xs, { sign: -1 }).findIndex((e) => e >= constant('mirror_limit'));
  const won = eValues(xs, { unseen: unseenOf('challenge', constant) }).findIndex(
    (e, i) => i + 1 >= constant('gate_floor_windows') && e >= limit,
  );
  return won >= 0 && (lost < 0 || won < lost) ? won + 1 : null;
}

describe('the gate', () => {
  it('promotes a null challenger in at most 5 % of 300 reigns of 400 looks each', () => {
    const u = seeded(1);
    const promoted = Array.from({ length: 300 }, () => passesAfter(u, 0, 1, 400)).filter((n) => n !== null);
    expect(promoted.length / 300).toBeLessThanOrEqual(0.05);
  });

  it('promotes any of ten null challengers in a row in at most 5 % of 300 reigns', () => {
    const u = seeded(2);
    const reigns = Array.from({ length: 300 }, () =>
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].some((k) => passesAfter(u, 0, k, 400) !== null),
    );
    expect(reigns.filter(Boolean).length / 300).toBeLessThanOrEqual(0.05);
  });

  it('would promote far more of them on a naive t-test, looked at as often', () => {
    const u = seeded(1);
    let promoted = 0;
    for (let reign = 0; reign < 300; reign++) {
      let [sum, squares] = [0, 0];
      for (let n = 1; n <= 400; n++) {
        const x = clip(normal(u));
        sum += x;
        squares += x * x;
        if (n < 60 || sum / Math.sqrt(squares) < 1.645) continue;
        promoted += 1;
        break;
      }
    }
    expect(promoted / 300).toBeGreaterThan(0.15);
  });

  it.each([
    [0.2, 265],
    [0.3, 140],
    [0.5, 60],
    [1, 60],
  ])('lets a gain of %f sd a window through after about %i windows', (gain, windows) => {
    const u = seeded(3);
    const taken = Array.from({ length: 200 }, () => passesAfter(u, gain, 1, 2000) ?? 2000).sort(
      (a, b) => a - b,
    );
    expect(taken[100]! / windows).toBeGreaterThan(0.7);
    expect(taken[100]! / windows).toBeLessThan(1.4);
  });

  it('spends no more than its alpha however many challengers a reign has', () => {
    const spent = Array.from({ length: 100_000 }, (_, i) => alphaOf(i + 1)).reduce((a, b) => a + b, 0);
    expect(spent).toBeLessThanOrEqual(0.05);
    expect(spent).toBeGreaterThan(0.0499);
  });

  it('has a stage for every history', () => {
    const open = { alpha: 1 / 33, kind: 'challenge', promoted: false, superseded: false } as const;
    expect(gateStage([], open, constant)).toBe('shadow');
    expect(gateStage(Array(59).fill(0.5), open, constant)).toBe('shadow');
    expect(gateStage(Array(60).fill(0.5), open, constant)).toBe('passed');
    expect(gateStage(Array(24).fill(0.5), { ...open, kind: 'rollback' }, constant)).toBe('passed');
    expect(gateStage(Array(60).fill(-0.5), open, constant)).toBe('rejected');
    expect(gateStage(Array(500).fill(0), open, constant)).toBe('timed_out');
  });
});

describe('the expected maximum', () => {
  it('is that of simulated standard normals', () => {
    const u = seeded(4);
    for (const n of [2, 5, 20]) {
      const mean =
        Array.from({ length: 20_000 }, () => Math.max(...Array.from({ length: n }, () => normal(u)))).reduce(
          (a, b) => a + b,
          0,
        ) / 20_000;
      // The approximation of Bailey & Lopez de Prado is for n >> 1: 0.07 off at 2, 0.02 at 20.
      expect(Math.abs(expectedMaximum(n) - mean)).toBeLessThan(n === 2 ? 0.1 : 0.04);
    }
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14);
  });
});
