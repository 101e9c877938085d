// A simulated market whose best possible forecast is known: stochastic volatility on two time scales, a weekly season,
// fat-tailed minutes and jumps. Promises one deterministic history per (seed, asset) and draws from its true law.
// It is a named data source for tests and demonstrations and never stands in for real prices.
import { rng } from '../../forecast/rng.js';
import type { Paths } from '../../forecast/score/index.js';
import { Sn50Error } from '../sn50/errors.js';
import { emptyBars, type OhlcBars } from './bars.js';
import { epoch_s, marketDays } from './history.js';
import { assetLaw, innovation, jumps, volatilityFactors } from './laws.js';
import { type LatentState, stepper } from './step.js';

export { aggregate, type OhlcBars } from './bars.js';
export { epoch_s } from './history.js';
export { simulatedAssets } from './laws.js';
export type { LatentState } from './step.js';

export interface SimulatedMarket {
  readonly asset: string;
  /** Bars that open in [from_s, to_s), unix seconds on whole minutes, from the epoch on. */
  minuteBars(from_s: number, to_s: number): OhlcBars;
  /** What an oracle knows at unix second `t_s`: the state once every minute that closed by then is over. */
  stateAt(t_s: number): Readonly<LatentState>;
  /** The prices the subnet scores against: closes of the minutes that open at start_s + k * increment_s. */
  scoredPath(start_s: number, length_s: number, increment_s: number): Float64Array;
  /**
   * `count` draws of `scoredPath` from the true law given `stateAt(asOf_s)`: no forecast that knows less than the
   * state scores better in expectation. asOf_s <= start_s; all times on whole minutes.
   */
  oraclePaths(
    start_s: number,
    asOf_s: number,
    length_s: number,
    increment_s: number,
    count: number,
    seed: string,
  ): Paths;
  /** The market's parameters in words. */
  describe(): string;
}

/** Throws `SWARM_E_UNKNOWN_ASSET`; its methods throw `SWARM_E_MARKET_RANGE` off whole minutes or before the epoch. */
export function simulatedMarket(seed: string, asset: string): SimulatedMarket {
  const law = assetLaw(asset);
  const steps = stepper(law);
  const dayOf = marketDays(`simulated/1/${seed}/${asset}`, steps);

  const stateAt = (t_s: number): LatentState => {
    const minute = (onMinute(Math.floor(t_s / 60) * 60) - epoch_s) / 60;
    const { states } = dayOf(Math.floor(minute / 1440));
    const at = (minute % 1440) * 3;
    return { log_price: states[at], slow: states[at + 1], fast: states[at + 2] };
  };

  return {
    asset,
    stateAt,
    minuteBars(from_s, to_s) {
      const first = (onMinute(from_s) - epoch_s) / 60;
      const count = Math.max(0, (onMinute(to_s) - from_s) / 60);
      const out = emptyBars(count);
      for (let done = 0; done < count; ) {
        const at = (first + done) % 1440;
        const { bars } = dayOf(Math.floor((first + done) / 1440));
        const size = Math.min(1440 - at, count - done);
        for (const column of ['open_s', 'open', 'high', 'low', 'close'] as const)
          out[column].set(bars[column].subarray(at, at + size), done);
        done += size;
      }
      return out;
    },
    scoredPath(start_s, length_s, increment_s) {
      const points = pointsIn(length_s, increment_s);
      // The close of the minute that opens at t is the state's price at t + 60.
      return Float64Array.from({ length: points }, (_, k) =>
        Math.exp(stateAt(onMinute(start_s) + k * increment_s + 60).log_price),
      );
    },
    oraclePaths(start_s, asOf_s, length_s, increment_s, count, pathSeed) {
      const points = pointsIn(length_s, increment_s);
      const known = stateAt(asOf_s);
      const from_s = onMinute(asOf_s);
      if (from_s > onMinute(start_s)) throw outOfRange(`as of ${asOf_s} lies after the start ${start_s}`);
      const prices = new Float64Array(count * points);
      const draws = rng(`oracle/${pathSeed}`);
      for (let path = 0; path < count; path++) {
        const state = { ...known };
        let open_s = from_s;
        for (let k = 0; k < points; k++) {
          for (; open_s <= start_s + k * increment_s; open_s += 60) steps.step(state, open_s, draws);
          prices[path * points + k] = Math.exp(state.log_price);
        }
      }
      return { count, points, prices };
    },
    describe: () =>
      [
        `simulated market ${asset}, seed ${seed}, from 2024-01-01`,
        `price at the epoch ${law.price}, ${law.season} season, hourly volatility ${law.sigma_hour.toFixed(5)}`,
        `log volatility: AR(1) half-life ${volatilityFactors.slow.half_life_s / 3600} h sd ${volatilityFactors.slow.sd}, ` +
          `half-life ${volatilityFactors.fast.half_life_s / 60} min sd ${volatilityFactors.fast.sd}`,
        `minutes: normal mixture, ${innovation.wide_share * 100}% at ${innovation.wide_scale} sd; ` +
          `${jumps.per_day} jumps a day of ${jumps.step_sigmas} step sigmas`,
      ].join('\n'),
  };
}

function pointsIn(length_s: number, increment_s: number): number {
  if (increment_s < 60 || increment_s % 60 !== 0 || length_s % increment_s !== 0 || length_s < 0)
    throw outOfRange(`a grid of ${length_s} s by ${increment_s} s is not on whole minutes`);
  return length_s / increment_s + 1;
}

function onMinute(t_s: number): number {
  if (t_s >= epoch_s && t_s % 60 === 0) return t_s;
  throw outOfRange(`${t_s} is not a whole minute from ${epoch_s} on`);
}

function outOfRange(what: string): Sn50Error {
  return new Sn50Error(
    'SWARM_E_MARKET_RANGE',
    `simulated market: ${what}`,
    'ask on whole minutes from 2024-01-01',
  );
}
