// Fits a direct forecast: the log step volatility at every horizon as a linear function of the state, by CRPS.
// Promises: minimises the closed-form CRPS of every scored block over all training windows, each divided by its own
// level so that one wild month does not decide; ridge towards no effect; deterministic.
// Leaves to others: what the state is (state.ts), the profile, and how paths are made from it.
import { ForecastError } from '../errors.js';
import { descend } from '../fit/lbfgs.js';
import { type Curve, curveOf, fitLaw, type Law, LawSample, lawDeviation, STANDARD_LAW } from './law.js';
import { type DirectPlan, type DirectSet, HOURS, knotPositions } from './plan.js';
import { Walk } from './walk.js';

export interface DirectFit {
  /** [knots x width] on raw columns. */
  readonly weights: Float64Array;
  readonly laws: readonly Law[];
  /** Per set, log factor by hour of the week. */
  readonly season: readonly Float64Array[];
  /** Standard deviation of the log of realised over forecast volatility, beyond what a finite count of steps explains. */
  readonly pathSpread: number;
}

const MIN_WINDOWS = 100;

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
