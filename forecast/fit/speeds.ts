// How much each of several exponentially weighted variances should count, by maximum likelihood of a fat-tailed t.
// Promises: shares are non-negative and add up to 1; deterministic.
// Leaves to others: the variances, one set per speed.
import { minimise } from './simplex.js';
import { MIN_RETURNS, noConvergence, type TrainingData, tooFew } from './training.js';

/** Fat enough that single crashes do not choose the speeds. */
const NU = 5;
const MAX_SAMPLE = 20_000;

/** `states[k][run][i]`: variance by speed k after return i, NaN before warm-up. */
export function fitSpeedShares(
  train: TrainingData,
  runs: readonly Float64Array[],
  states: readonly (readonly Float64Array[])[],
): number[] {
  const rows: number[][] = [];
  runs.forEach((run, r) => {
    for (let i = 0; i + 1 < run.length; i++)
      if (states.every((s) => s[r][i] > 0)) rows.push([run[i + 1] ** 2, ...states.map((s) => s[r][i])]);
  });
  if (rows.length < MIN_RETURNS) throw tooFew(train, rows.length);
  const stride = Math.ceil(rows.length / MAX_SAMPLE);
  const sample = rows.filter((_, i) => i % stride === 0);
  const loss = (x: readonly number[]): number => {
    const shares = softmax(x.slice(1));
    const inverse = 1 / (NU - 2);
    const level = Math.exp(x[0]);
    let sum = 0;
    for (const row of sample) {
      let v = 0;
      for (let k = 0; k < shares.length; k++) v += shares[k] * row[k + 1];
      v *= level;
      sum += ((NU + 1) / 2) * Math.log1p((row[0] / v) * inverse) + 0.5 * Math.log(v);
    }
    return sum / sample.length;
  };
  const found = minimise(loss, [0, ...states.slice(1).map(() => 0)], 0.7, 1e-7, 800);
  if (!found.converged) throw noConvergence(train, 'the shares of the half-lives');
  return softmax(found.x.slice(1));
}

/** Shares from all but the first logit, which is 0. Bounded, so that a share of nothing has a minimum to converge to. */
function softmax(x: readonly number[]): number[] {
  const raw = [0, ...x].map((v) => Math.exp(8 * Math.tanh(v / 8)));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((v) => v / sum);
}
