// Bounce: an autoregression of standardised returns at short lags, e = c x + sum of coefficient k times e k steps ago.
// Promises: stationary, variance 1, no drift; coefficients shrunk by what their own noise explains.
// Leaves to others: the shocks x and the volatility that e is multiplied by.
import { ForecastError } from '../errors.js';
import { toFloat } from '../families/innovation.js';
import { solve } from '../fit/linear.js';
import type { TrainingData } from '../fit/training.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { MAX_BOUNCE, sizeOf } from './components.js';

/** Larger standardised returns count as this: one crash must not set the coefficients, nor the next step's mean. */
const CLIP = 4;

export interface Bounce {
  readonly coefficients: readonly number[];
  /** Factor on the shocks, so that the variance stays 1. */
  readonly fresh: number;
}

export function bounceOf(coefficients: readonly number[]): Bounce {
  // The response to one shock; coefficients add up to at most 0.8, so 500 steps leave under 1e-9.
  const response = [1];
  for (let t = 1; t < 500; t++)
    response.push(coefficients.reduce((sum, c, k) => sum + (k < t ? c * response[t - 1 - k] : 0), 0));
  return { coefficients, fresh: 1 / Math.sqrt(response.reduce((sum, r) => sum + r * r, 0)) };
}

/** Least squares with shrinkage. Throws SWARM_E_FIT_FAILED where returns are far from noise. */
export function fitBounce(train: TrainingData, runs: readonly Float64Array[], lags: number): number[] {
  const moments = Array.from({ length: lags }, () => new Float64Array(lags));
  const right = new Float64Array(lags);
  let [count, squares] = [0, 0];
  for (const run of runs) {
    const e = run.map(clipped);
    for (let t = lags; t < e.length; t++) {
      if (Number.isNaN(e[t - lags])) continue;
      count++;
      squares += e[t] * e[t];
      for (let j = 0; j < lags; j++) {
        right[j] += e[t] * e[t - 1 - j];
        for (let k = 0; k < lags; k++) moments[j][k] += e[t - 1 - j] * e[t - 1 - k];
      }
    }
  }
  const raw = solve(moments, right);
  const noise = 1 / count;
  // Positive-part shrinkage (James & Stein 1961), coefficient by coefficient.
  const shrunk = raw.map((c) => c * Math.max(0, 1 - noise / (c * c)));
  if (count === 0 || !(squares > 0) || !(sizeOf(shrunk) <= MAX_BOUNCE)) {
    throw new ForecastError(
      'SWARM_E_FIT_FAILED',
      `${train.asset}: autocorrelations at ${lags} lags are those of a stale feed, not of returns`,
      'check the training bars, or leave dynamics out',
    );
  }
  return shrunk;
}

/** Shocks that, through the bounce, gave these standardised returns; NaN where a lag is missing. */
export function shocksOf(run: Float64Array, { coefficients, fresh }: Bounce): Float64Array {
  return run.map((e, t) => {
    let sum = e;
    for (let k = 0; k < coefficients.length; k++)
      sum -= coefficients[k] * (t > k ? run[t - 1 - k] : Number.NaN);
    return sum / fresh;
  });
}

/** Turns shocks into standardised returns in place. `before`: those before the first, latest first. */
export function bouncePath(
  x: Float64Array,
  { coefficients, fresh }: Bounce,
  before: readonly number[],
): void {
  for (let h = 0; h < x.length; h++) {
    let e = fresh * x[h];
    for (let k = 0; k < coefficients.length; k++)
      e += coefficients[k] * (h > k ? x[h - 1 - k] : before[k - h]);
    x[h] = e;
  }
}

/** The last returns over the deviation of the next, latest first. */
export function lastStandardised(returns: Float64Array, deviation: number, lags: number): number[] {
  return Array.from({ length: lags }, (_, k) => clipped(returns[returns.length - 1 - k] / deviation));
}

/** Standardised returns, float [steps, paths], by a Scan that starts from the history's last returns. */
export function bounceGraph(
  g: GraphBuilder,
  { coefficients, fresh }: Bounce,
  io: {
    readonly shocks: string;
    readonly returns: string;
    readonly count: number;
    readonly variance: string;
  },
  paths: string,
): string {
  const deviation = g.op('Sqrt', [io.variance]);
  const last = coefficients.map((_, k) => {
    const at = io.count - 1 - k;
    const r = g.op('Slice', [io.returns, g.ints([at], [1]), g.ints([at + 1], [1])]);
    const e = toFloat(g, g.op('Div', [r, deviation]));
    return g.op('Expand', [g.op('Clip', [e, g.floats([-CLIP]), g.floats([CLIP])]), paths]);
  });
  const weights = coefficients.map((c) => g.floats([c]));
  const scaled = g.op('Mul', [io.shocks, g.floats([fresh])]);
  const out = g.scan(last, [scaled], (b, states, [shock]) => {
    const e = states.reduce((sum, s, k) => b.op('Add', [sum, b.op('Mul', [weights[k], s])]), shock);
    // A state may not be handed on under the name it came in with.
    const kept = states.slice(0, -1).map((s) => b.op('Identity', [s]));
    return { states: [e, ...kept], outputs: [b.op('Identity', [e])] };
  });
  return out[coefficients.length];
}

function clipped(e: number): number {
  return Math.min(CLIP, Math.max(-CLIP, e));
}
