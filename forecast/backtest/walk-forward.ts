// Walking forward: windows in time order, a model refitted every so often on what lay before, its baselines beside it.
// Promises: a fit of a block sees no bar that closed later than one horizon before the block begins, so no window shares
// a bar with a fit's last forecast; all models answer the same windows with the same noise.
// Leaves to others: how a model is scored (an argument, so that it may be a thread), and what the scores say.
import { ForecastError } from '../errors.js';
import { referenceSpec, type Spec, yardstickSpec } from '../families/index.js';
import type { ModelRef, Scored, WindowScore } from './scorer.js';

/** What is under test: a spec that is refitted as time goes by, or an artifact as it is. */
export type Candidate =
  | { readonly spec: Spec; readonly train_bars: number; readonly refit_s: number }
  | { readonly artifact: Uint8Array };

export interface WalkPlan {
  readonly asset: string;
  readonly horizon_s: number;
  /** Blocks of refit_s are counted from here. */
  readonly from_s: number;
  readonly starts: readonly number[];
  readonly candidate: Candidate;
}

export interface Block {
  /** Fits of the block use bars closed by then. */
  readonly cutoff_s: number;
  readonly starts: readonly number[];
}

export interface Walk {
  readonly model: readonly WindowScore[];
  readonly yardstick: readonly WindowScore[];
  readonly reference: readonly WindowScore[];
  /** Fits by where they came from, and what they and the scoring took. */
  readonly cost: { fits: number; hits: number; fit_ms: number; score_ms: number };
}

/** Windows per call of the scorer: about a quarter of a second, so that progress moves and an interrupt is heard. */
const CHUNK = 8;

/** Starts grouped by the refit they fall under; empty stretches make no block. */
export function blocksOf(plan: Pick<WalkPlan, 'from_s' | 'starts' | 'horizon_s'>, refit_s: number): Block[] {
  if (!(refit_s > 0))
    throw new ForecastError('SWARM_E_SCORE_INPUT', `a refit every ${refit_s} s`, 'give a positive period');
  const groups = new Map<number, number[]>();
  for (const t0 of plan.starts) {
    const k = Math.floor((t0 - plan.from_s) / refit_s);
    groups.set(k, [...(groups.get(k) ?? []), t0]);
  }
  return [...groups].map(([k, starts]) => ({
    cutoff_s: plan.from_s + k * refit_s - plan.horizon_s,
    starts,
  }));
}

/** The model that answers each window: one per block. */
export function modelsOf(plan: WalkPlan): { ref: ModelRef; starts: readonly number[] }[] {
  const { candidate } = plan;
  if ('artifact' in candidate)
    return [{ ref: { kind: 'artifact', artifact: candidate.artifact }, starts: plan.starts }];
  const { spec, train_bars, refit_s } = candidate;
  return blocksOf(plan, refit_s).map(({ cutoff_s, starts }) => ({
    ref: { kind: 'fit', spec, cutoff_s, train_bars },
    starts,
  }));
}

/** Throws SWARM_E_SCORE_INPUT unless the rows are of these windows and their intervals add up to their totals. */
function checked(rows: readonly WindowScore[], starts: readonly number[]): readonly WindowScore[] {
  const wrong =
    rows.length !== starts.length ||
    rows.some(({ t0, total, intervals }, i) => {
      const sum = intervals.reduce((a, b) => a + b, 0);
      return t0 !== starts[i] || !(Math.abs(sum - total) <= 1e-9 * Math.abs(total));
    });
  if (!wrong) return rows;
  throw new ForecastError(
    'SWARM_E_SCORE_INPUT',
    `scores of the windows from ${starts[0]} are not of these windows, or do not add up`,
    'the scorer is broken: its figures mean nothing',
  );
}

/** Scores candidate, yardstick and reference miner. `onDone` hears how many windows are finished. */
export async function walkForward(
  plan: WalkPlan,
  score: (ref: ModelRef, starts: readonly number[]) => Promise<Scored>,
  onDone: (windows: number) => void = () => undefined,
): Promise<Walk> {
  const cost = { fits: 0, hits: 0, fit_ms: 0, score_ms: 0 };
  const model: WindowScore[] = [];
  const yardstick: WindowScore[] = [];
  const reference: WindowScore[] = [];
  const baselines = [
    [yardstick, { kind: 'fixed', spec: yardstickSpec(plan.asset, plan.horizon_s) }],
    [reference, { kind: 'fixed', spec: referenceSpec(plan.asset) }],
  ] as const;
  for (const { ref, starts } of modelsOf(plan)) {
    for (let i = 0; i < starts.length; i += CHUNK) {
      const chunk = starts.slice(i, i + CHUNK);
      const scored = await score(ref, chunk);
      model.push(...checked(scored.windows, chunk));
      cost.fit_ms += scored.fit_ms;
      cost.score_ms += scored.score_ms;
      if (i === 0 && scored.fit_from !== undefined) cost[scored.fit_from === 'fit' ? 'fits' : 'hits'] += 1;
      for (const [rows, base] of baselines) {
        const { windows, score_ms } = await score(base, chunk);
        rows.push(...checked(windows, chunk));
        cost.score_ms += score_ms;
      }
      onDone(model.length);
    }
  }
  return { model, yardstick, reference, cost };
}
