// The simulated market: one history however it is asked, of the stated volatility, and an oracle that nothing beats.
import { describe, expect, it } from 'vitest';
import { rng } from '../../../forecast/rng.js';
import { type Paths, parseInterval, scorePaths } from '../../../forecast/score/index.js';
import {
  aggregate,
  epoch_s,
  type OhlcBars,
  type SimulatedMarket,
  simulatedAssets,
  simulatedMarket,
} from '../../../miner/market/simulated.js';

const day = 86_400;
const columns = ['open_s', 'open', 'high', 'low', 'close'] as const;

describe('minuteBars', () => {
  it('are the same in one piece, in odd pieces, backwards, and from a market that was asked for the end first', () => {
    const from = epoch_s + 3 * day + 17 * 60;
    const to = from + 5 * day + 60;
    const whole = simulatedMarket('a', 'ETH').minuteBars(from, to);
    const market = simulatedMarket('a', 'ETH');
    market.minuteBars(to + 80 * day, to + 81 * day);
    const cuts = [from, from + 60, from + 1441 * 60, from + 2 * day, from + 4 * day + 420, to];
    const pieces: OhlcBars[] = [];
    for (let i = cuts.length - 1; i > 0; i--) pieces.unshift(market.minuteBars(cuts[i - 1], cuts[i]));
    for (const column of columns)
      expect(pieces.flatMap((piece) => [...piece[column]])).toEqual([...whole[column]]);
  });

  it('are contiguous, ordered within each bar, and join close to open', () => {
    const bars = simulatedMarket('b', 'SPYX').minuteBars(epoch_s, epoch_s + 7 * day);
    for (let i = 0; i < bars.close.length; i++) {
      expect(bars.low[i]).toBeLessThanOrEqual(Math.min(bars.open[i], bars.close[i]) * (1 + 1e-12));
      expect(bars.high[i]).toBeGreaterThanOrEqual(Math.max(bars.open[i], bars.close[i]) * (1 - 1e-12));
      if (i > 0) expect([bars.open_s[i], bars.open[i]]).toEqual([bars.open_s[i - 1] + 60, bars.close[i - 1]]);
    }
  });

  it('differ by seed and by asset', () => {
    const closes = [
      ['a', 'BTC'],
      ['b', 'BTC'],
      ['a', 'ETH'],
    ].map(([seed, asset]) => {
      const { open, close } = simulatedMarket(seed, asset).minuteBars(epoch_s + 60, epoch_s + 120);
      return Math.log(close[0] / open[0]);
    });
    expect(new Set(closes.map((r) => r.toFixed(12))).size).toBe(3);
  });

  it('refuse times off the minute or before the epoch, and unknown assets', () => {
    const market = simulatedMarket('a', 'BTC');
    expect(() => market.minuteBars(epoch_s - 60, epoch_s)).toThrow(
      expect.objectContaining({ code: 'SWARM_E_MARKET_RANGE' }),
    );
    expect(() => market.minuteBars(epoch_s + 1, epoch_s + 61)).toThrow(
      expect.objectContaining({ code: 'SWARM_E_MARKET_RANGE' }),
    );
    expect(() => simulatedMarket('a', 'DOGE')).toThrow(
      expect.objectContaining({ code: 'SWARM_E_UNKNOWN_ASSET' }),
    );
  });

  it('give 200 days of one asset in well under two seconds', () => {
    const from = performance.now();
    simulatedMarket('speed', 'BTC').minuteBars(epoch_s, epoch_s + 200 * day);
    expect(performance.now() - from).toBeLessThan(3000);
  });
});

describe('volatility', () => {
  it.each([
    ['BTC', 0.00541],
    ['SPYX', 0.00157],
  ])('of %s over half a year is 15 to 35%% below the reference', (asset, reference) => {
    const { open, close } = simulatedMarket('v', asset).minuteBars(epoch_s, epoch_s + 182 * day);
    const variance = close.reduce((sum, value, i) => sum + Math.log(value / open[i]) ** 2, 0) / close.length;
    const ratio = Math.sqrt(variance * 60) / reference;
    expect(ratio).toBeGreaterThan(0.65);
    expect(ratio).toBeLessThan(0.85);
  });

  it('clusters and has fat tails', () => {
    const { open, close } = simulatedMarket('v', 'BTC').minuteBars(epoch_s, epoch_s + 60 * day);
    const returns = close.map((value, i) => Math.log(value / open[i]));
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = returns.map((r) => r * r);
    expect(mean(returns.map((r) => r ** 4)) / mean(squares) ** 2).toBeGreaterThan(6);
    const size = returns.map(Math.abs);
    const level = mean(size);
    const lagged = mean(size.subarray(0, -60).map((s, i) => (s - level) * (size[i + 60] - level)));
    expect(lagged / mean(size.map((s) => (s - level) ** 2))).toBeGreaterThan(0.05);
  });
});

describe('aggregate', () => {
  it('makes full five-minute bars and drops incomplete ends', () => {
    const minutes = simulatedMarket('a', 'BTC').minuteBars(epoch_s + 120, epoch_s + 1020);
    const bars = aggregate(minutes, 300);
    expect([...bars.open_s]).toEqual([epoch_s + 300, epoch_s + 600]);
    expect(bars.open[0]).toBe(minutes.open[3]);
    expect(bars.close[0]).toBe(minutes.close[7]);
    expect(bars.high[0]).toBe(Math.max(...minutes.high.subarray(3, 8)));
    expect(bars.low[1]).toBe(Math.min(...minutes.low.subarray(8, 13)));
    expect(() => aggregate(minutes, 90)).toThrow(expect.objectContaining({ code: 'SWARM_E_MARKET_RANGE' }));
  });
});

describe('the oracle', () => {
  it('knows the state at a time and nothing later', () => {
    const market = simulatedMarket('o', 'BTC');
    const at = epoch_s + 10 * day;
    expect(Math.exp(market.stateAt(at).log_price)).toBe(market.minuteBars(at, at + 60).open[0]);
    expect(market.stateAt(at + 59)).toEqual(market.stateAt(at));
  });

  it('draws the same paths for the same seed, on the grid that is scored', () => {
    const market = simulatedMarket('o', 'BTC');
    const at = epoch_s + 10 * day;
    const paths = market.oraclePaths(at + 120, at, 3600, 60, 5, 'x');
    expect([paths.count, paths.points, paths.prices.length]).toEqual([5, 61, 305]);
    expect(market.oraclePaths(at + 120, at, 3600, 60, 5, 'x')).toEqual(paths);
    expect(market.oraclePaths(at + 120, at, 3600, 60, 5, 'y')).not.toEqual(paths);
    const real = market.minuteBars(at + 120, at + 120 + 3660).close;
    expect([...market.scoredPath(at + 120, 3600, 60)]).toEqual([...real]);
    expect(() => market.oraclePaths(at, at + 60, 3600, 60, 5, 'x')).toThrow(
      expect.objectContaining({ code: 'SWARM_E_MARKET_RANGE' }),
    );
  });

  it('is calibrated: the truth falls evenly among its paths', () => {
    const market = simulatedMarket('pit', 'BTC');
    const counts = new Float64Array(5);
    for (let w = 0; w < 400; w++) {
      const at = epoch_s + 5 * day + w * 5 * 3600;
      const [, real] = market.scoredPath(at, 3600, 3600);
      const { prices } = market.oraclePaths(at, at, 3600, 3600, 99, `w${w}`);
      let below = 0;
      for (let i = 0; i < 99; i++) if (prices[i * 2 + 1] < real) below++;
      counts[Math.floor(below / 20)]++;
    }
    // Chi-square with 4 degrees of freedom; 18.5 is its 99.9% point.
    expect(counts.reduce((sum, n) => sum + (n - 80) ** 2 / 80, 0)).toBeLessThan(18.5);
  });

  it('beats a random walk with the reference volatility by more than 3% over 150 windows', () => {
    const market = simulatedMarket('skill', 'BTC');
    const intervals = [
      parseInterval('1min', 60),
      parseInterval('5min', 300),
      parseInterval('30min', 1800),
      parseInterval('60min_abs', 3600),
    ];
    const differences: number[] = [];
    let oracleTotal = 0;
    for (let w = 0; w < 150; w++) {
      const asOf = epoch_s + 2 * day + w * 7 * 3600;
      const real = market.scoredPath(asOf + 120, 3600, 60);
      const oracle = scorePaths(
        market.oraclePaths(asOf + 120, asOf, 3600, 60, 200, `s${w}`),
        real,
        60,
        intervals,
      ).total;
      const walk = scorePaths(randomWalk(market, asOf, 0.00541, 200, `s${w}`), real, 60, intervals).total;
      differences.push(walk - oracle);
      oracleTotal += oracle;
    }
    const n = differences.length;
    const mean = differences.reduce((sum, d) => sum + d, 0) / n;
    const sd = Math.sqrt(differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1));
    expect(mean / (oracleTotal / n)).toBeGreaterThan(0.03);
    expect(mean / (sd / Math.sqrt(n))).toBeGreaterThan(4);
  });
});

it('describes itself as simulated, for every asset it trades', () => {
  for (const asset of simulatedAssets)
    expect(simulatedMarket('d', asset).describe()).toContain(`simulated market ${asset}`);
});

/** Geometric Brownian motion from the last known price, on the scored grid of one hour by minutes. */
function randomWalk(
  market: SimulatedMarket,
  asOf: number,
  sigma_hour: number,
  count: number,
  seed: string,
): Paths {
  const draws = rng(`walk/${seed}`);
  const prices = new Float64Array(count * 61);
  for (let i = 0; i < count; i++) {
    let log_price = market.stateAt(asOf).log_price + sigma_hour * Math.sqrt(3 / 60) * draws.normal();
    for (let j = 0; j < 61; j++) {
      prices[i * 61 + j] = Math.exp(log_price);
      log_price += (sigma_hour / Math.sqrt(60)) * draws.normal();
    }
  }
  return { count, points: 61, prices };
}
