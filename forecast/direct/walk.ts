// One training window under given weights: its forecast variances, its score, and the derivatives of the score.
// Promises: the gradient is that of the score, through every scored block at once.
// Leaves to others: adding windows up, and penalties (fit.ts).
import { type Curve, type LawSample, readCrps, readSlope } from './law.js';
import { type DirectPlan, type DirectSet, HOURS, KNOT_LIMIT } from './plan.js';

/** In buffers that are used again for the next window. */
export class Walk {
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
      this.#knot[k] = Math.min(KNOT_LIMIT, Math.max(-KNOT_LIMIT, sum));
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
