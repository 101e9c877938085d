// A direct forecast simulated without a graph: what the graph must agree with, path by path.
// Promises: reads a history with holes, as the graph does; the same normals give the same returns but for rounding.
// Leaves to others: speed.
import type { NativeRequest } from '../families/family.js';
import { throughMap } from '../fit/map.js';
import { localMinute, newestOpen_s, profileFactors, scoredOffset_s } from '../profile/index.js';
import type { DirectModel } from './graph.js';
import { HOURS, KNOT_LIMIT, knotPositions } from './plan.js';
import { statesOf } from './state.js';
import { fillRow, unseasoned } from './windows.js';

/** Log returns [steps x paths], row-major. */
export function directReturns(
  m: DirectModel,
  { history, start_s, steps, paths, noise }: NativeRequest,
): Float64Array {
  const { step_s, profile, profileParams } = m;
  const newest_s = newestOpen_s(start_s, step_s);
  const bar = history.length - 1;
  const past = profileFactors(profile, profileParams, newest_s - bar * step_s, step_s, history.length);
  const states = statesOf(unseasoned(history, profile, past), step_s, m.state);
  const width = m.weights.length / m.knots.length;
  const row = new Float64Array(width);
  fillRow(row, 0, states, bar, start_s);
  const at = m.knots.map((_, k) => {
    const sum = row.reduce((total, v, j) => total + m.weights[k * width + j] * v, 0);
    return Math.min(KNOT_LIMIT, Math.max(-KNOT_LIMIT, sum));
  });
  const position = knotPositions(m.knots, steps);
  const future = profileFactors(profile, profileParams, start_s + scoredOffset_s(step_s), step_s, steps);
  const hour = localMinute(profile, start_s) / 60;
  const spread = m.pathSpread;
  const path = Float64Array.from({ length: paths }, (_, i) => Math.exp(spread * noise[1][i] - spread ** 2));
  const out = new Float64Array(steps * paths);
  for (let h = 0; h < steps; h++) {
    const k = Math.min(m.knots.length - 2, Math.floor(position[h]));
    const log = at[k] + (position[h] - k) * (at[k + 1] - at[k]) + states.level[bar];
    const season = m.season[Math.floor(hour + (h * step_s) / 3600) % HOURS];
    const scale = Math.exp(log + season) * future[h];
    for (let i = 0; i < paths; i++) {
      const z = noise[0][h * paths + i];
      out[h * paths + i] = scale * (m.shock ? throughMap(m.shock, z) : z) * path[i];
    }
  }
  return out;
}
