// A composed model simulated without a graph: what the graph must agree with, path by path.
// Promises: the same normals give the same returns, but for the graph's single precision.
// Leaves to others: serving.
import type { CompileContext, Fitted, NativeSimulator } from '../families/family.js';
import { newestOpen_s, profileFactors, scoredOffset_s } from '../profile/index.js';
import { bounceOf, bouncePath, lastStandardised } from './bounce.js';
import { type Components, innovationOf } from './components.js';
import { partsOf } from './parts.js';
import { columnsOf, shapeOf } from './shape.js';
import { keepsHours, newest, openReturns, walkRows } from './trading-time.js';
import type { Volatility } from './volatility.js';

/** Throws SWARM_E_SPEC_INVALID for parameters of another spec. */
export function nativeModel<S extends Components, P>(
  volatility: Volatility<S, P>,
  fitted: Fitted,
  ctx: CompileContext<S>,
): NativeSimulator {
  const { spec, step_s } = ctx;
  const parts = partsOf(volatility, fitted, ctx);
  const innovation = innovationOf(spec);
  const columns = columnsOf(innovation, volatility.ownNoise);
  const shape = shapeOf(innovation, parts.fitted, columns, step_s);
  const law = volatility.law(parts.params, ctx);
  const bounce = parts.bounce && bounceOf(parts.bounce);
  const bars = volatility.historyBars(spec, step_s);
  const hours = keepsHours(spec.profile) ? spec.profile : undefined;
  const factorsFrom = (from_s: number, n: number) =>
    spec.profile
      ? profileFactors(spec.profile, parts.profile, from_s, step_s, n)
      : new Float64Array(n).fill(1);
  return ({ history, start_s, steps, paths, noise }) => {
    const newest_s = newestOpen_s(start_s, step_s);
    const past = factorsFrom(newest_s - (history.length - 1) * step_s, history.length);
    const future = factorsFrom(start_s + scoredOffset_s(step_s), steps);
    const returns = hours
      ? newest(openReturns(history, hours, past), bars - 1)
      : history.subarray(1).map((v, i) => (v - history[i]) / past[i + 1]);
    const rows = hours && walkRows(hours, future);
    const start = law.start(returns);
    const before = parts.bounce
      ? lastStandardised(returns, parts.size * start.unit * Math.sqrt(start.expected(0)), parts.bounce.length)
      : [];
    const out = new Float64Array(steps * paths);
    const x = new Float64Array(steps);
    const walked = new Float64Array(steps);
    const z = noise.map(() => new Float32Array(steps));
    for (let i = 0; i < paths; i++) {
      for (let k = 0; k < z.length; k++) for (let h = 0; h < steps; h++) z[k][h] = noise[k][h * paths + i];
      shape.draw(z, x);
      if (bounce) bouncePath(x, bounce, before);
      const walker = start.walker();
      for (let h = 0; h < steps; h++) walked[h] = walker.step(x[h], z[columns.own][h], h);
      for (let h = 0; h < steps; h++)
        out[h * paths + i] = parts.scale * start.unit * future[h] * walked[rows ? rows[h] : h];
    }
    return out;
  };
}
