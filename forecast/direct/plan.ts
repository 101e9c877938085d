// What a direct fit is over: scored blocks, knots of the horizon, and the windows of one asset.
// Promises: data only, shared by the fit, the windows and the graph, which must agree on all of it.
// Leaves to others: everything that is computed from it.

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

/** Log factors of the profile's refinement: one per hour of the week. */
export const HOURS = 168;
/** The log volatility of a knot, relative to the level, is clipped here; alike in fit and graph. */
export const KNOT_LIMIT = 8;

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
