// What a direct forecast looks at: how large recent moves were, over many spans, with the profile taken out.
// Promises: causal and gap-aware: every average divides by the weights of the bars that exist; the graph computes the
// same numbers from one history (graph.ts).
// Leaves to others: what these features mean for the horizon (fit.ts).

export interface StatePlan {
  /** Half-lives of mean |return|, seconds; the one at `reference` carries the level. */
  readonly half_lives_s: readonly number[];
  readonly reference: number;
  /** Half-lives of signed returns. */
  readonly signed_s: readonly number[];
  /** Half-lives over which moves of `block` steps are compared with moves of one. */
  readonly rough_s: readonly number[];
  readonly block: number;
  /** Steps of history. */
  readonly window: number;
}

/** One per plan entry: level differences, signed, roughness. */
export const featureCount = (plan: StatePlan): number =>
  plan.half_lives_s.length - 1 + plan.signed_s.length + plan.rough_s.length;

/** Keeps a stale or frozen feed finite: (0.001 bps). */
export const SIZE_FLOOR = 1e-7;
/** Features are clipped here, in units of their own logs or ratios. */
export const FEATURE_LIMIT = 4;

/** Weighted mean over the last `window` values, newest heaviest, of those that are not NaN. */
export function windowedMean(values: Float64Array, keep: number, window: number): Float64Array {
  const out = new Float64Array(values.length);
  const gone = keep ** window;
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < values.length; i++) {
    const now = values[i];
    sum = keep * sum + (Number.isNaN(now) ? 0 : now);
    weight = keep * weight + (Number.isNaN(now) ? 0 : 1);
    const left = i >= window ? values[i - window] : Number.NaN;
    if (!Number.isNaN(left)) {
      sum -= gone * left;
      weight -= gone;
    }
    out[i] = weight > 1e-9 ? sum / weight : Number.NaN;
  }
  return out;
}

export interface States {
  /** log mean |return| over the reference half-life, after each bar. */
  readonly level: Float64Array;
  /** Per feature, its value after each bar. */
  readonly features: readonly Float64Array[];
}

/** `returns`: deseasonalised log returns on the grid, NaN where none exists. */
export function statesOf(returns: Float64Array, step_s: number, plan: StatePlan): States {
  const keep = (half_life_s: number): number => 2 ** (-step_s / half_life_s);
  const size = returns.map(Math.abs);
  const means = plan.half_lives_s.map((hl) => windowedMean(size, keep(hl), plan.window));
  const logs = means.map((m) => m.map((v) => Math.log(Math.max(SIZE_FLOOR, v))));
  const level = logs[plan.reference];
  const clip = (v: number): number =>
    Number.isNaN(v) ? 0 : Math.min(FEATURE_LIMIT, Math.max(-FEATURE_LIMIT, v));
  const differences = logs
    .filter((_, k) => k !== plan.reference)
    .map((own) => own.map((v, i) => clip(v - level[i])));
  const signed = plan.signed_s.map((hl) =>
    windowedMean(returns, keep(hl), plan.window).map((v, i) => clip(v / Math.exp(level[i]))),
  );
  const blocks = blockSums(returns, plan.block).map(Math.abs);
  const rough = plan.rough_s.map((hl) => {
    const long = windowedMean(blocks, keep(hl), plan.window);
    const short = windowedMean(size, keep(hl), plan.window);
    return long.map((v, i) => clip(Math.log(Math.max(SIZE_FLOOR, v) / Math.max(SIZE_FLOOR, short[i]))));
  });
  return { level, features: [...differences, ...signed, ...rough] };
}

/** Sum of the last `block` returns, NaN unless all exist. */
function blockSums(returns: Float64Array, block: number): Float64Array {
  const out = new Float64Array(returns.length).fill(Number.NaN);
  let sum = 0;
  let seen = 0;
  for (let i = 0; i < returns.length; i++) {
    const now = returns[i];
    seen = Number.isNaN(now) ? 0 : seen + 1;
    sum = Number.isNaN(now) ? 0 : sum + now;
    if (seen > block) sum -= returns[i - block];
    if (seen >= block) out[i] = sum;
  }
  return out;
}
