// Judging a model on windows: its score on each, and the gain over another model with an honest standard error.
// Promises: a model sees only bars closed 60 s before a window; the same seeds give paired comparisons.
// Leaves to others: which windows, which baseline, and what gain is enough.
import { type Bars, gridPrices, type HistoryNeed, historyFor, lastPrice } from './bars.js';
import { ForecastError } from './errors.js';
import { toPrices } from './onnx/prices.js';
import type { Simulator } from './onnx/session.js';
import { type PlacePlan, placePlan, type Sampling } from './sampler/plan.js';
import { type PathScore, type Paths, type ScoringInterval, scorePaths } from './score/index.js';
import { LEAD_S } from './windows.js';

export interface EvaluatedCompetition {
  readonly horizon_s: number;
  readonly increment_s: number;
  readonly intervals: readonly ScoringInterval[];
}

/** What of a manifest decides how a model is asked. */
export interface ServedModel extends HistoryNeed {
  readonly sampling?: Sampling | undefined;
}

export interface EvaluateOptions {
  readonly paths: number;
  /** What the model reads: its manifest says. */
  readonly model: ServedModel;
  /** Seed of the window that starts at t0; give all models the same. */
  seedOf(t0: number): string;
}

/** Total score (bps) of every window, in the order of `starts`. Throws what history, model and score throw. */
export async function evaluate(
  sim: Simulator,
  b: Bars,
  starts: readonly number[],
  competition: EvaluatedCompetition,
  opts: EvaluateOptions,
): Promise<Float64Array> {
  const scores: number[] = [];
  await evaluateEach(sim, b, starts, competition, opts, ({ score }) => scores.push(score.total));
  return Float64Array.from(scores);
}

/** One window as a model was judged on it. */
export interface ForecastWindow {
  readonly t0: number;
  readonly paths: Paths;
  readonly real: Float64Array;
  readonly score: PathScore;
}

/** The same, telling `visit` of each window in turn: its score by interval, and the paths while they are at hand. */
export async function evaluateEach(
  sim: Simulator,
  b: Bars,
  starts: readonly number[],
  competition: EvaluatedCompetition,
  opts: EvaluateOptions,
  visit: (window: ForecastWindow) => void,
): Promise<void> {
  const { horizon_s, increment_s, intervals } = competition;
  if (b.step !== increment_s) {
    const hint = 'evaluate on bars whose step is the competition’s increment';
    throw new ForecastError('SWARM_E_SCORE_INPUT', `${b.step} s bars, increment ${increment_s} s`, hint);
  }
  const steps = horizon_s / increment_s;
  const place = placement(opts.model, competition);
  for (const t0 of starts) {
    const real = gridPrices(b, t0, horizon_s, increment_s);
    const history = historyFor(b, t0 - LEAD_S, opts.model);
    const request = {
      history,
      start_s: t0,
      step_s: increment_s,
      steps,
      paths: opts.paths,
      seed: opts.seedOf(t0),
      place,
    };
    const returns = await sim.simulate(request);
    // The price at t0 is not known yet when a forecast is due: anchor at the last close that was visible.
    const paths = toPrices(returns, steps, opts.paths, lastPrice(history));
    visit({ t0, paths, real, score: scorePaths(paths, real, increment_s, intervals) });
  }
}

/** The placing that a model's manifest states, on the grids that a competition scores. */
export function placement(
  { sampling }: ServedModel,
  { horizon_s, increment_s, intervals }: EvaluatedCompetition,
): PlacePlan | undefined {
  return sampling && placePlan(sampling, intervals, increment_s, horizon_s / increment_s);
}
