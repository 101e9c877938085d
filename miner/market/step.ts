// One minute of the simulated market: the law that both the market and its oracle draw from.
// Promises that a step depends on the state, the minute of the week and its own draws, and on nothing else.
import type { Rng } from '../../forecast/rng.js';
import { type AssetLaw, innovation, jumps, volatilityFactors } from './laws.js';
import { minuteOfWeek, seasonTable } from './season.js';

/** All that the future depends on. Mutated by `step`. */
export interface LatentState {
  log_price: number;
  /** Slow and fast part of log volatility, stationary mean 0. */
  slow: number;
  fast: number;
}

export interface Stepper {
  /** A draw of the state at the epoch, from the stationary law. */
  start(draws: Rng): LatentState;
  /**
   * Moves `state` over the minute that opens at unix second `open_s`. Returns the volatility that held in it, as the
   * standard deviation of its log return.
   */
  step(state: LatentState, open_s: number, draws: Rng): number;
}

const persistence = (half_life_s: number) => 0.5 ** (60 / half_life_s);

export function stepper(law: AssetLaw): Stepper {
  const season = seasonTable(law.season);
  const { slow, fast } = volatilityFactors;
  const slowKeep = persistence(slow.half_life_s);
  const fastKeep = persistence(fast.half_life_s);
  const slowShock = slow.sd * Math.sqrt(1 - slowKeep ** 2);
  const fastShock = fast.sd * Math.sqrt(1 - fastKeep ** 2);
  // E[exp(2h)] = exp(2 var), so this keeps the mean variance at the law's.
  const sigma_minute = (law.sigma_hour / Math.sqrt(60)) * Math.exp(-(slow.sd ** 2) - fast.sd ** 2);
  const jumpChance = jumps.per_day / 1440;
  const wideUpTo = jumpChance + innovation.wide_share;
  return {
    start: (draws) => ({
      log_price: Math.log(law.price),
      slow: slow.sd * draws.normal(),
      fast: fast.sd * draws.normal(),
    }),
    step(state, open_s, draws) {
      const sigma = sigma_minute * season[minuteOfWeek(open_s)] * Math.exp(state.slow + state.fast);
      // One uniform decides between jump, wide and narrow: a minute of jump is otherwise an ordinary one.
      const kind = draws.uniform();
      const scale = kind >= jumpChance && kind < wideUpTo ? innovation.wide_scale : innovation.narrow_scale;
      state.log_price += sigma * scale * draws.normal();
      if (kind < jumpChance) state.log_price += sigma * jumps.step_sigmas * draws.normal();
      state.slow = slowKeep * state.slow + slowShock * draws.normal();
      state.fast = fastKeep * state.fast + fastShock * draws.normal();
      return sigma;
    },
  };
}
