// The simulated market's past, day by day from the epoch 2024-01-01.
// Promises the same minute whatever was asked before: each day has its own seeded stream, and the state at each day's
// start is kept once it is known. Keeps the bars of few days; a dropped day is drawn again from its checkpoint.
import { type Rng, rng } from '../../forecast/rng.js';
import { emptyBars, type OhlcBars } from './bars.js';
import type { LatentState, Stepper } from './step.js';

/** Unix seconds of 2024-01-01T00:00:00Z: nothing exists before. */
export const epoch_s = 1_704_067_200;
const minutesPerDay = 1440;
/** 92 kB each, so 5.5 MB per asset; drawing a dropped day again takes less than a millisecond. */
const daysKept = 60;

export interface Day {
  readonly bars: OhlcBars;
  /** The state as each minute opens: log price, slow, fast; shape [1440 x 3]. */
  readonly states: Float64Array;
}

/** Returns the day with that number, counted from the epoch. About 0.7 ms for each day not yet known. */
export function marketDays(seed: string, stepper: Stepper): (day: number) => Day {
  const starts: LatentState[] = [stepper.start(rng(`${seed}/start`))];
  const kept = new Map<number, Day>();
  return (number) => {
    const known = kept.get(number);
    if (known) return known;
    for (let day = starts.length - 1; day < number; day++) keep(day);
    return keep(number);
  };

  function keep(number: number): Day {
    const state = { ...starts[number] };
    const day = drawDay(number, state, stepper, rng(`${seed}/day/${number}`));
    starts[number + 1] = state;
    kept.set(number, day);
    if (kept.size > daysKept) kept.delete(kept.keys().next().value ?? number);
    return day;
  }
}

/** Draws one day; `state` enters as its first minute's and leaves as the next day's. */
function drawDay(number: number, state: LatentState, stepper: Stepper, draws: Rng): Day {
  const bars = emptyBars(minutesPerDay);
  const states = new Float64Array(minutesPerDay * 3);
  for (let i = 0; i < minutesPerDay; i++) {
    const open_s = epoch_s + (number * minutesPerDay + i) * 60;
    const from = state.log_price;
    states[i * 3] = from;
    states[i * 3 + 1] = state.slow;
    states[i * 3 + 2] = state.fast;
    const sigma = stepper.step(state, open_s, draws);
    const to = state.log_price;
    bars.open_s[i] = open_s;
    bars.open[i] = Math.exp(from);
    bars.close[i] = Math.exp(to);
    bars.high[i] = Math.exp(bridgeExtreme(from, to, sigma, draws.uniform()));
    bars.low[i] = Math.exp(-bridgeExtreme(-from, -to, sigma, draws.uniform()));
  }
  return { bars, states };
}

/** Maximum of a Brownian bridge from a to b with total standard deviation sigma, by inverse CDF. */
function bridgeExtreme(a: number, b: number, sigma: number, uniform: number): number {
  return (a + b + Math.sqrt((b - a) ** 2 - 2 * sigma ** 2 * Math.log(uniform))) / 2;
}
