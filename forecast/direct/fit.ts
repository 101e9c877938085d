// Fits a direct forecast: the log step volatility at every horizon as a linear function of the state, by CRPS.
// Promises: minimises the closed-form CRPS of every scored block over all training windows, each divided by its own
// level so that one wild month does not decide; ridge towards no effect; deterministic.
// Leaves to others: what the state is (state.ts), the profile, and how paths are made from it.
import { ForecastError } from '../errors.js';
import { descend } from '../fit/lbfgs.js';
import {
  type Curve,
  curveOf,
  fitLaw,
  type Law,
  LawSample,
  lawDeviation,
  readCrps,
  readSlope,
  STANDARD_LAW,
} from './law.js';

/** One scored block of the horizon, in steps; terms of one group share a law. */
export interface Term {
  readonly from: number;
  readonly to: number;
  readonly group: number;
}

/** Windows of one asset. */
export interface DirectSet {
  readonly n: number;
  /** [n x width] row-major; the first column is 1. */
  readonly x: Float64Array;
  /** log level per window. */
  readonly level: Float64Array;
  /** Profile factor of each step, [n x steps]. */
  readonly factor: Float32Array;
  /** Hour of the week of each window's first step, fractional. */
  readonly hour: Float64Array;
  /** Observed block log returns, [n x terms]; NaN where not observed. */
  readonly y: Float32Array;
}

export interface DirectPlan {
  readonly steps: number;
  readonly step_s: number;
  readonly width: number;
  /** Steps at which weights are free; between them they are linear in log h. */
  readonly knots: readonly number[];
  readonly terms: readonly Term[];
  readonly groups: number;
  /** Weight of the penalty on standardised weights, per window. */
  readonly ridge: number;
  /** Penalty on the refinement of the profile by hour of the week; 0 leaves the profile alone. */
  readonly season_ridge: number;
}

export interface DirectFit {
  /** [knots x width] on raw columns. */
  readonly weights: Float64Array;
  readonly laws: readonly Law[];
  /** Per set, log factor by hour of the week. */
  readonly season: readonly Float64Array[];
  /** Standard deviation of the log of realised over forecast volatility, beyond what a finite count of steps explains. */
  readonly pathSpread: number;
  /** Mean relative score. */
  readonly loss: number;
  readonly windows: number;
}

const HOURS = 168;
const MIN_WINDOWS = 100;

/** Position of each step among the knots, in [0, knots - 1]. */
export function knotPositions(knots: readonly number[], steps: number): Float64Array {
  const logs = knots.map(Math.log);
  return Float64Array.from({ length: steps }, (_, h) => {
    const l = Math.log(h + 1);
    let position = 0;
    for (let k = 0; k + 1 < logs.length; k++)
      position += Math.min(1, Math.max(0, (l - logs[k]) / (logs[k + 1] - logs[k])));
    return position;
  });
}

/** Throws SWARM_E_BARS_TOO_FEW under 100 windows, SWARM_E_FIT_FAILED when no finite optimum is found. */
export function fitDirect(sets: readonly DirectSet[], plan: DirectPlan): DirectFit {
  const windows = sets.reduce((sum, s) => sum + s.n, 0);
  if (windows < MIN_WINDOWS)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${windows} training windows, ${MIN_WINDOWS} needed`,
      'train on a longer period',
    );
  const scaling = standardise(sets, plan.width);
  const problem = new Problem(sets, plan, scaling, windows);
  let laws: Law[] = Array.from({ length: plan.groups }, () => STANDARD_LAW);
  let x: Float64Array = new Float64Array(problem.size);
  laws = problem.laws(x, laws);
  let loss = Number.NaN;
  for (const calls of [25, 40]) {
    const curves = laws.map(curveOf);
    const found = descend((at, gradient) => problem.loss(at, gradient, curves), x, 1e-7, calls);
    x = found.x;
    loss = found.value;
    laws = problem.laws(x, laws);
  }
  if (!Number.isFinite(loss) || x.some((v) => !Number.isFinite(v)))
    throw new ForecastError(
      'SWARM_E_FIT_FAILED',
      'the direct forecast has no finite optimum',
      'check the training bars or raise the ridge',
    );
  const unit = lawDeviation(laws[0]);
  const weights = problem.rawWeights(x);
  // Paths that are drawn, not placed, should have the shortest blocks' deviation: it moves from the laws to the level.
  for (let k = 0; k < plan.knots.length; k++) weights[k * plan.width] += Math.log(unit);
  return {
    weights,
    laws: laws.map((law) => ({ ...law, scales: law.scales.map((v) => v / unit) })),
    season: problem.seasons(x),
    pathSpread: problem.spread(x),
    loss,
    windows,
  };
}

interface Scaling {
  readonly mean: Float64Array;
  readonly sd: Float64Array;
}

function standardise(sets: readonly DirectSet[], width: number): Scaling {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  let n = 0;
  for (const s of sets) {
    n += s.n;
    for (let i = 0; i < s.n; i++)
      for (let j = 0; j < width; j++) {
        const v = s.x[i * width + j];
        mean[j] += v;
        square[j] += v * v;
      }
  }
  const sd = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    mean[j] /= n;
    sd[j] = Math.sqrt(Math.max(0, square[j] / n - mean[j] ** 2)) || 1;
  }
  mean[0] = 0;
  sd[0] = 1;
  return { mean, sd };
}

/** The loss over all windows as a function of [knots x width] weights and, per set, 168 profile refinements. */
class Problem {
  readonly size: number;
  readonly #hat: { lower: Int32Array; part: Float64Array };
  readonly #z: Float64Array[];

  constructor(
    readonly sets: readonly DirectSet[],
    readonly plan: DirectPlan,
    readonly scaling: Scaling,
    readonly windows: number,
  ) {
    const { knots, width, steps } = plan;
    this.size = knots.length * width + (plan.season_ridge > 0 ? sets.length * HOURS : 0);
    const position = knotPositions(knots, steps);
    const lower = Int32Array.from(position, (p) => Math.min(knots.length - 2, Math.floor(p)));
    this.#hat = { lower, part: position.map((p, h) => p - lower[h]) };
    this.#z = sets.map((s) => s.x.map((v, i) => (v - scaling.mean[i % width]) / scaling.sd[i % width]));
  }

  /** Weighted mean score plus penalties; writes the gradient. */
  loss(x: Float64Array, gradient: Float64Array, curves: readonly Curve[]): number {
    const { knots, width, ridge, season_ridge } = this.plan;
    gradient.fill(0);
    let sum = 0;
    this.#each(x, (set, i, walk) => {
      sum += walk.score(curves, this.sets[set].y, i);
      walk.gradient(gradient, this.#z[set], i, this.#seasonOffset(set));
    });
    sum /= this.windows;
    for (let k = 0; k < gradient.length; k++) gradient[k] /= this.windows;
    const weights = knots.length * width;
    for (let k = 0; k < weights; k++) {
      if (k % width === 0) continue;
      sum += ridge * x[k] * x[k];
      gradient[k] += 2 * ridge * x[k];
    }
    for (let k = weights; k < x.length; k++) {
      sum += season_ridge * x[k] * x[k];
      gradient[k] += 2 * season_ridge * x[k];
    }
    return sum;
  }

  /** Laws refitted to the blocks in units of their forecast scales. */
  laws(x: Float64Array, start: readonly Law[]): Law[] {
    const samples = Array.from({ length: this.plan.groups }, () => new LawSample());
    this.#each(x, (set, i, walk) => walk.collect(samples, this.sets[set].y, i));
    return samples.map((sample, g) => (sample.total > 0 ? fitLaw(sample, start[g]) : start[g]));
  }

  spread(x: Float64Array): number {
    const { steps } = this.plan;
    let n = 0;
    let sum = 0;
    let square = 0;
    this.#each(x, (set, i, walk) => {
      const v = walk.logRealised(this.sets[set].y, i);
      if (Number.isNaN(v)) return;
      n += 1;
      sum += v;
      square += v * v;
    });
    const variance = n > 1 ? square / n - (sum / n) ** 2 : 0;
    // Var(log of a mean of |z|) of normals is 0.571 / steps; heavier tails make it about twice that.
    return Math.min(1, Math.sqrt(Math.max(0, variance - 1.2 / steps)));
  }

  rawWeights(x: Float64Array): Float64Array {
    const { knots, width } = this.plan;
    const out = new Float64Array(knots.length * width);
    for (let k = 0; k < knots.length; k++) {
      for (let j = 0; j < width; j++) {
        const w = x[k * width + j] / this.scaling.sd[j];
        out[k * width + j] += w;
        if (j > 0) out[k * width] -= w * this.scaling.mean[j];
      }
    }
    return out;
  }

  seasons(x: Float64Array): Float64Array[] {
    return this.sets.map((_, s) => {
      const at = this.#seasonOffset(s);
      return at < 0 ? new Float64Array(HOURS) : x.slice(at, at + HOURS);
    });
  }

  #seasonOffset(set: number): number {
    const { knots, width, season_ridge } = this.plan;
    return season_ridge > 0 ? knots.length * width + set * HOURS : -1;
  }

  #each(x: Float64Array, visit: (set: number, i: number, walk: Walk) => void): void {
    const walk = new Walk(this.plan, this.#hat);
    this.sets.forEach((s, set) => {
      const at = this.#seasonOffset(set);
      const season = at < 0 ? null : x.subarray(at, at + HOURS);
      for (let i = 0; i < s.n; i++) {
        walk.prepare(x, this.#z[set], s, i, season);
        visit(set, i, walk);
      }
    });
  }
}

/** One window's forecast and its derivatives, in buffers that are used again for the next window. */
class Walk {
  readonly #variance: Float64Array;
  readonly #prefix: Float64Array;
  readonly #pull: Float64Array;
  readonly #knot: Float64Array;
  readonly #hour: Int32Array;
  readonly #shortest: number;

  constructor(
    readonly plan: DirectPlan,
    readonly hat: { lower: Int32Array; part: Float64Array },
  ) {
    this.#variance = new Float64Array(plan.steps);
    this.#prefix = new Float64Array(plan.steps + 1);
    this.#pull = new Float64Array(plan.steps + 1);
    this.#knot = new Float64Array(plan.knots.length);
    this.#hour = new Int32Array(plan.steps);
    this.#shortest = Math.min(...plan.terms.map((t) => t.to - t.from));
  }

  /** Step variances in units of the window's level squared. */
  prepare(
    weights: Float64Array,
    z: Float64Array,
    set: DirectSet,
    i: number,
    season: Float64Array | null,
  ): void {
    const { steps, width, knots, step_s } = this.plan;
    const { lower, part } = this.hat;
    for (let k = 0; k < knots.length; k++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += weights[k * width + j] * z[i * width + j];
      this.#knot[k] = Math.min(8, Math.max(-8, sum));
    }
    for (let h = 0; h < steps; h++) {
      const k = lower[h];
      let log = this.#knot[k] + part[h] * (this.#knot[k + 1] - this.#knot[k]);
      if (season !== null) {
        const hour = Math.floor(set.hour[i] + (h * step_s) / 3600) % HOURS;
        this.#hour[h] = hour;
        log += season[hour];
      }
      const f = set.factor[i * steps + h];
      const v = Math.exp(2 * log) * f * f;
      this.#variance[h] = v;
      this.#prefix[h + 1] = this.#prefix[h] + v;
    }
    this.#level = Math.exp(set.level[i]);
    this.#pull.fill(0);
  }

  #level = 1;

  score(curves: readonly Curve[], y: Float32Array, i: number): number {
    const { terms } = this.plan;
    let sum = 0;
    for (let t = 0; t < terms.length; t++) {
      const observed = y[i * terms.length + t];
      if (Number.isNaN(observed)) continue;
      const { from, to, group } = terms[t];
      const variance = this.#prefix[to] - this.#prefix[from];
      const scale = Math.sqrt(variance);
      const u = observed / (this.#level * scale);
      sum += scale * readCrps(curves[group], u);
      const pull = (scale * readSlope(curves[group], u)) / variance;
      this.#pull[from] += pull;
      this.#pull[to] -= pull;
    }
    return sum;
  }

  /** Adds the derivatives of the last score. */
  gradient(into: Float64Array, z: Float64Array, i: number, season: number): void {
    const { steps, width, knots } = this.plan;
    const { lower, part } = this.hat;
    this.#knot.fill(0);
    let pull = 0;
    for (let h = 0; h < steps; h++) {
      pull += this.#pull[h];
      const g = pull * this.#variance[h];
      this.#knot[lower[h]] += (1 - part[h]) * g;
      this.#knot[lower[h] + 1] += part[h] * g;
      if (season >= 0) into[season + this.#hour[h]] += g;
    }
    for (let k = 0; k < knots.length; k++) {
      const g = this.#knot[k];
      for (let j = 0; j < width; j++) into[k * width + j] += g * z[i * width + j];
    }
  }

  /** Log of the mean |return| over the shortest blocks over the forecast's; NaN when half were not observed. */
  logRealised(y: Float32Array, i: number): number {
    const { terms, steps } = this.plan;
    let realised = 0;
    let forecast = 0;
    let seen = 0;
    for (let t = 0; t < terms.length; t++) {
      const { from, to } = terms[t];
      const observed = y[i * terms.length + t];
      if (to - from !== this.#shortest || Number.isNaN(observed)) continue;
      realised += Math.abs(observed);
      forecast += this.#level * Math.sqrt(this.#prefix[to] - this.#prefix[from]);
      seen++;
    }
    return 2 * seen * this.#shortest > steps && realised > 0 ? Math.log(realised / forecast) : Number.NaN;
  }

  collect(samples: readonly LawSample[], y: Float32Array, i: number): void {
    const { terms } = this.plan;
    for (let t = 0; t < terms.length; t++) {
      const observed = y[i * terms.length + t];
      if (Number.isNaN(observed)) continue;
      const { from, to, group } = terms[t];
      const scale = Math.sqrt(this.#prefix[to] - this.#prefix[from]);
      samples[group].add(observed / (this.#level * scale), scale);
    }
  }
}
