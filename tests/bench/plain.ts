// The plain way to do what the swarm does fast: straightforward loops, as one would write them first. References only.
import { innovation } from '../../forecast/fit/student.js';
import { type Rng, rng } from '../../forecast/rng.js';
import type { Paths, ScoringInterval } from '../../forecast/score/index.js';

/** GARCH(1,1) as its manifest states it: variance per step, scale on the standard deviation. */
export interface PlainGarch {
  readonly alpha: number;
  readonly gamma: number;
  readonly beta: number;
  readonly nu: number;
  readonly variance: number;
  readonly scale: number;
}

/** Prices of `count` paths with `points` points, one path after the other, from the long-run variance. */
export function plainPaths(
  g: PlainGarch,
  count: number,
  points: number,
  anchor: number,
  seed: string,
): number[][] {
  const draws: Rng = rng(seed);
  const shape = innovation(g.nu);
  const omega = 1 - g.alpha - g.gamma / 2 - g.beta;
  const sigma = Math.sqrt(g.variance);
  const paths: number[][] = [];
  for (let i = 0; i < count; i++) {
    const path = [anchor];
    let level = 0;
    let u = 1;
    for (let h = 1; h < points; h++) {
      const e = Math.sqrt(u) * shape(draws.normal());
      level += g.scale * sigma * e;
      path.push(anchor * Math.exp(level));
      u = omega + (g.alpha + (e < 0 ? g.gamma : 0)) * e * e + g.beta * u;
    }
    paths.push(path);
  }
  return paths;
}

/** properscoring's `_crps_ensemble_gufunc`, line by line, on an ensemble that it sorts itself. */
function gufunc(observation: number, forecasts: readonly number[]): number {
  const ensemble = [...forecasts].sort((a, b) => a - b);
  let integral = 0;
  let forecastCdf = 0;
  let previous = 0;
  let observed = 0;
  for (const forecast of ensemble) {
    if (observed === 0 && observation < forecast) {
      integral += (observation - previous) * forecastCdf ** 2;
      integral += (forecast - observation) * (forecastCdf - 1) ** 2;
      observed = 1;
    } else integral += (forecast - previous) * (forecastCdf - observed) ** 2;
    forecastCdf += 1 / ensemble.length;
    previous = forecast;
  }
  if (observed === 0) integral += observation - previous;
  return integral;
}

/** The subnet's 24 h score the plain way: changes in bps per interval, one CRPS per span. */
export function plainScore(
  paths: Paths,
  real: Float64Array,
  step_s: number,
  intervals: readonly ScoringInterval[],
): number {
  const { count, points, prices } = paths;
  let total = 0;
  for (const { seconds, kind } of intervals) {
    const stride = seconds / step_s;
    for (let to = stride; to < points; to += stride) {
      const value = (price: (k: number) => number): number =>
        kind === 'absolute' ? price(to) : ((price(to) - price(to - stride)) / price(to - stride)) * 1e4;
      const forecasts = Array.from({ length: count }, (_, i) => value((k) => prices[i * points + k]!));
      const crps = gufunc(
        value((k) => real[k]!),
        forecasts,
      );
      total += kind === 'absolute' ? (crps / real[real.length - 1]!) * 1e4 : crps;
      if (kind === 'gaps') break;
    }
  }
  return total;
}

/** A fixed amount of arithmetic: what this machine is worth at the moment. Returns seconds. */
export function calibration(): number {
  const started = performance.now();
  let x = 0.5;
  for (let i = 0; i < 2e8; i++) x = 3.99 * x * (1 - x);
  if (!(x > 0)) throw new Error('the logistic map left its interval');
  return (performance.now() - started) / 1000;
}
