// Training data and requests that the tests of composed models share.
// Promises: the same data every time. Leaves to others: what is checked.

import type { Components } from '../../forecast/compose/components.js';
import { composed } from '../../forecast/compose/compose.js';
import { nativeModel } from '../../forecast/compose/native.js';
import { columnsOf } from '../../forecast/compose/shape.js';
import type { Volatility } from '../../forecast/compose/volatility.js';
import type { Fitted, TrainingData } from '../../forecast/families/family.js';
import { innovation } from '../../forecast/fit/student.js';
import { openInProcess } from '../../forecast/onnx/index.js';
import type { Profile } from '../../forecast/profile/index.js';
import { rng } from '../../forecast/rng.js';

export const STEP = 300;
export const profile: Profile = {
  kind: 'week',
  clock: 'utc',
  closed: 'never',
  holidays: false,
  closed_share: 0,
};
/** A Monday, 00:00 UTC. */
export const MONDAY_S = 1_700_438_400;

/** GARCH returns with t shocks, busier by day: log prices of n + 1 bars. */
export function garchPrices(n: number, seed: string): Float64Array {
  const z = rng(seed);
  const shape = innovation(6);
  const out = new Float64Array(n + 1);
  let u = 1;
  for (let i = 0; i < n; i++) {
    const r = Math.sqrt(u) * shape(z.normal());
    const busy = 1 + 0.5 * Math.sin((2 * Math.PI * i * STEP) / 86_400);
    out[i + 1] = out[i] + r * 1e-3 * busy;
    u = 0.03 + 0.08 * r * r + 0.89 * u;
  }
  return out;
}

export function trainingOn(...segments: Float64Array[]): TrainingData {
  const starts_s = segments.map((_, i) => MONDAY_S + i * 60 * 86_400);
  return { asset: 'BTC', step_s: STEP, segments, starts_s };
}

const prices = garchPrices(8000, 'composed');
export const train = trainingOn(prices.slice(0, 6000), prices.slice(6000));

/** Returns [steps x paths] of a fitted spec by its ONNX model and natively, from the same normals. */
export async function bothWays<S extends Components, P extends object>(
  volatility: Volatility<S, P>,
  spec: S,
  fitted: Fitted,
  { steps, paths, seed = 'law', history_end = 5000 }: Request,
) {
  const ctx = { spec, step_s: STEP };
  const bars = volatility.historyBars(spec, STEP);
  const history = prices.slice(history_end - bars, history_end);
  const start_s = MONDAY_S + history_end * STEP;
  const family = composed(volatility as Volatility<S, Record<string, number>>);
  const sim = await openInProcess(family.compile(fitted, ctx));
  const innovationSpec = spec.innovation ?? { kind: 'student_t' as const, nu: 5 };
  const noise = Array.from({ length: columnsOf(innovationSpec, volatility.ownNoise).count }, (_, k) => {
    const column = new Float32Array(steps * paths);
    rng(k === 0 ? seed : `${seed}#${k}`).fillNormal(column);
    return column;
  });
  const request = { history, start_s, steps, paths };
  const got = await sim.simulate({ ...request, step_s: STEP, seed });
  await sim.close();
  return { got, want: nativeModel(volatility, fitted, ctx)({ ...request, noise }) };
}

interface Request {
  readonly steps: number;
  readonly paths: number;
  readonly seed?: string;
  readonly history_end?: number;
}
