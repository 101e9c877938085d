// Open-high-low-close bars in typed arrays, and their aggregation to coarser steps.
// Promises that an aggregate bar stands for a full set of finer ones; incomplete ends are dropped, never guessed.
import { Sn50Error } from '../sn50/errors.js';

export interface OhlcBars {
  /** Unix seconds at which each bar opens. */
  readonly open_s: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

export function emptyBars(count: number): OhlcBars {
  const column = () => new Float64Array(count);
  return { open_s: column(), open: column(), high: column(), low: column(), close: column() };
}

/**
 * Bars of `step_s` seconds on multiples of `step_s` from contiguous bars of one minute.
 * Throws `SWARM_E_MARKET_RANGE` when the step is not whole minutes or a minute is missing.
 */
export function aggregate(minutes: OhlcBars, step_s: number): OhlcBars {
  const size = step_s / 60;
  if (!Number.isInteger(size) || size < 1) throw misaligned(`a step of ${step_s} s is not whole minutes`);
  const times = minutes.open_s;
  for (let i = 1; i < times.length; i++)
    if (times[i] - times[i - 1] !== 60) throw misaligned(`no bar between ${times[i - 1]} and ${times[i]}`);
  const first = times.length > 0 ? (Math.ceil(times[0] / step_s) * step_s - times[0]) / 60 : 0;
  const count = Math.max(0, Math.floor((times.length - first) / size));
  const out = emptyBars(count);
  for (let k = 0; k < count; k++) {
    const from = first + k * size;
    let high = minutes.high[from];
    let low = minutes.low[from];
    for (let i = from + 1; i < from + size; i++) {
      high = Math.max(high, minutes.high[i]);
      low = Math.min(low, minutes.low[i]);
    }
    out.open_s[k] = times[from];
    out.open[k] = minutes.open[from];
    out.high[k] = high;
    out.low[k] = low;
    out.close[k] = minutes.close[from + size - 1];
  }
  return out;
}

function misaligned(what: string): Sn50Error {
  return new Sn50Error(
    'SWARM_E_MARKET_RANGE',
    `cannot aggregate: ${what}`,
    'pass contiguous one-minute bars',
  );
}
