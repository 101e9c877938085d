// A composed model simulated without a graph: what the graph must agree with, path by path.
// Promises: the same normals give the same returns, but for the graph's single precision.
// Leaves to others: speed.
import type { CompileContext, Fitted, NativeRequest } from '../families/family.js';
import { profileFactors, scoredOffset_s } from '../profile/index.js';
import { bounceOf, bouncePath, lastStandardised } from './bounce.js';
import { type Components, innovationOf } from './components.js';
import { partsOf } from './parts.js';
import { columnsOf, shapeOf } from './shape.js';
import type { Volatility } from './volatility.js';

/** Log returns [steps x paths], row-major. */
export function nativeReturns<S extends Components, P>(
  volatility: Volatility<S, P>,
  fitted: Fitted,
  ctx: CompileContext<S>,
  { history, start_s, steps, paths, noise }: NativeRequest,
): Float64Array {
  const { spec, step_s } = ctx;
  const parts = partsOf(volatility, fitted, ctx);
  const innovation = innovationOf(spec);
  const columns = columnsOf(innovation, volatility.ownNoise);
  const shape = shapeOf(innovation, parts.fitted, columns, step_s);
  const factorsFrom = (from_s: number, n: number) =>
    spec.profile
      ? profileFactors(spec.profile, parts.profile, from_s, step_s, n)
      : new Float64Array(n).fill(1);
  // The newest bar that an answer sees closed a minute before the start: see historyFactor.
  const newest_s = Math.floor((start_s - 60) / step_s) * step_s - step_s;
  const past = factorsFrom(newest_s - (history.length - 2) * step_s, history.length - 1);
  const future = factorsFrom(start_s + scoredOffset_s(step_s), steps);
  const returns = history.subarray(1).map((v, i) => (v - history[i]) / past[i]);
  const start = volatility.law(parts.params, ctx).start(returns);
  const bounce = parts.bounce && bounceOf(parts.bounce);
  const before = parts.bounce
    ? lastStandardised(returns, parts.size * start.unit * Math.sqrt(start.expected(0)), parts.bounce.length)
    : [];
  const out = new Float64Array(steps * paths);
  const x = new Float64Array(steps);
  for (let i = 0; i < paths; i++) {
    const z = noise.map((column) => Float32Array.from({ length: steps }, (_, h) => column[h * paths + i]));
    shape.draw(z, x);
    if (bounce) bouncePath(x, bounce, before);
    const walker = start.walker();
    for (let h = 0; h < steps; h++)
      out[h * paths + i] = parts.scale * start.unit * future[h] * walker.step(x[h], z[columns.own][h], h);
  }
  return out;
}
