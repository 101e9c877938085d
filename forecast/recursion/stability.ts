// Whether a recursion settles: simulated from rest for ten days with the shocks of the model.
// Promises: bounded work, the same verdict every time; refuses with SWARM_E_FIT_FAILED and says what went where.
// Leaves to others: whether a settled recursion forecasts well.
import { ForecastError } from '../errors.js';
import { machine } from './machine.js';
import { shockTable } from './shocks.js';
import { type Tape, VARIANCE_BOUNDS } from './tape.js';

const DAYS_S = 10 * 86_400;
const MAX_AHEAD = 4000;
const PATHS = 48;
/** Largest share of steps, in the second half, at which a bound may hold a value back. */
const MAX_HELD = 0.03;
/** Largest ratio of the variance's mean over the last quarter to that over the second, either way. */
const MAX_DRIFT = 100;

/** Throws SWARM_E_FIT_FAILED for a recursion that explodes, freezes at a bound or drifts away. */
export function refuseUnstable(
  tape: Tape,
  states: readonly { readonly name: string; readonly lo: number; readonly hi: number }[],
  nu: number,
  step_s: number,
): void {
  const steps = Math.min(MAX_AHEAD, Math.max(200, Math.ceil(DAYS_S / step_s)));
  const watched = [...states, { name: 'variance', ...VARIANCE_BOUNDS }];
  const counts = watched.map(() => ({ low: 0, high: 0 }));
  const quarters = new Float64Array(4);
  const shocks = shockTable(nu, steps, PATHS);
  const m = machine(tape);
  const half = Math.floor(steps / 2);
  for (let p = 0; p < PATHS; p++) {
    m.reset();
    for (let h = 0; h < steps; h++) {
      const variance = m.open();
      quarters[Math.floor((4 * h) / steps)] += variance;
      const shock = shocks[h * PATHS + p];
      m.close(m.deviation() * shock, shock);
      if (h < half) continue;
      watched.forEach(({ lo, hi }, k) => {
        // The variance is held where it has reached its bound: nothing but the bound takes it there exactly.
        const raw = k < states.length ? m.raw[k] : variance <= lo ? -Infinity : variance >= hi ? Infinity : 1;
        if (raw < lo) counts[k].low++;
        if (raw > hi) counts[k].high++;
      });
    }
  }
  const seen = PATHS * (steps - half);
  counts.forEach(({ low, high }, k) => {
    const { name, lo, hi } = watched[k];
    const [share, bound, fate] =
      high >= low ? [high / seen, hi, 'it explodes'] : [low / seen, lo, 'it freezes there'];
    if (share > MAX_HELD)
      throw unstable(
        `${name} is held at its bound ${bound} on ${(100 * share).toFixed(0)}% of simulated steps: ${fate}`,
      );
  });
  const drift = quarters[3] / quarters[1];
  if (drift <= MAX_DRIFT && drift >= 1 / MAX_DRIFT) return;
  throw unstable(`the mean variance moves by a factor of ${drift.toPrecision(2)} in ${steps / 2} steps`);
}

function unstable(why: string): ForecastError {
  return new ForecastError(
    'SWARM_E_FIT_FAILED',
    `the recursion does not settle: ${why}`,
    'let states return to a level (persistence under 1), widen their bounds, or write clip, min or max where a limit is meant',
  );
}
