// The stated dynamics are the real ones: persistence, season, and an oracle that uses the state it is given.
import { describe, expect, it } from 'vitest';
import { epoch_s, type SimulatedMarket, simulatedMarket } from '../../../miner/market/simulated.js';

const day = 86_400;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]) =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

describe('latent volatility', () => {
  it.each([
    ['slow', 12 * 3600, 0.35],
    ['fast', 30 * 60, 0.2],
  ] as const)('%s halves its memory in %i s and varies by %d', (factor, half_life_s, sd) => {
    const market = simulatedMarket('latent', 'BTC');
    const now: number[] = [];
    const later: number[] = [];
    for (let t = epoch_s; t < epoch_s + 300 * day; t += half_life_s) {
      now.push(market.stateAt(t)[factor]);
      later.push(market.stateAt(t + half_life_s)[factor]);
    }
    const correlation = mean(now.map((value, i) => value * later[i])) / mean(now.map((value) => value ** 2));
    expect(correlation).toBeGreaterThan(0.4);
    expect(correlation).toBeLessThan(0.6);
    expect(deviation(now) / sd).toBeGreaterThan(0.85);
    expect(deviation(now) / sd).toBeLessThan(1.15);
  });
});

describe('the season', () => {
  it('makes equities busy in New York hours and quiet on Saturdays (the epoch is a Monday)', () => {
    const market = simulatedMarket('season', 'SPYX');
    const activity = (dayOfWeek: number, hour: number) => {
      const sizes: number[] = [];
      for (let week = 0; week < 8; week++) {
        const from = epoch_s + (week * 7 + dayOfWeek) * day + hour * 3600;
        const { open, close } = market.minuteBars(from, from + 3600);
        for (let i = 0; i < 60; i++) sizes.push(Math.abs(Math.log(close[i] / open[i])));
      }
      return mean(sizes);
    };
    for (const weekday of [0, 2, 4]) {
      expect(activity(weekday, 16) / activity(weekday, 4)).toBeGreaterThan(2);
      expect(activity(weekday, 16) / activity(5, 16)).toBeGreaterThan(3);
    }
  });
});

describe('the oracle', () => {
  const spread = (market: SimulatedMarket, start_s: number, asOf_s: number, point: number) => {
    const { prices, points } = market.oraclePaths(start_s, asOf_s, 300, 60, 4000, 'spread');
    const { log_price } = market.stateAt(asOf_s);
    return deviation(
      Array.from({ length: 4000 }, (_, i) => Math.log(prices[i * points + point]) - log_price),
    );
  };

  it('is already a minute unsure at its first point, and more so the longer ago it looked', () => {
    const market = simulatedMarket('oracle', 'BTC');
    const at = epoch_s + 3 * day + 12 * 3600;
    const first = spread(market, at, at, 0);
    expect(first).toBeGreaterThan(0);
    expect(spread(market, at + 180, at, 0) / first).toBeGreaterThan(1.6);
    expect(spread(market, at + 180, at, 0) / first).toBeLessThan(2.4);
    // Three steps of a minute reach the same moment whether they lie before the start or after it.
    expect(Math.abs(spread(market, at, at, 3) / spread(market, at + 180, at, 0) - 1)).toBeLessThan(0.1);
  });

  it('is wider by the ratio of the volatilities that it is told', () => {
    const market = simulatedMarket('oracle', 'ETH');
    const level = (t: number) => market.stateAt(t).slow + market.stateAt(t).fast;
    const sameMinute = Array.from({ length: 30 }, (_, week) => epoch_s + (week * 7 + 2) * day).sort(
      (a, b) => level(a) - level(b),
    );
    const [calm, wild] = [sameMinute[0], sameMinute[29]];
    const told = Math.exp(level(wild) - level(calm));
    expect(told).toBeGreaterThan(2);
    expect(spread(market, wild, wild, 0) / spread(market, calm, calm, 0) / told).toBeGreaterThan(0.85);
    expect(spread(market, wild, wild, 0) / spread(market, calm, calm, 0) / told).toBeLessThan(1.15);
  });
});
