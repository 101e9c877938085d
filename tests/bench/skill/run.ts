// One slot of the skill table: walk-forward fits, every model served as a miner serves it, scored on the same windows.

import { type Bars, barsDigest, gridPrices, historyFor, indexAtOrBefore } from '../../../forecast/bars.js';
import { fitDirect } from '../../../forecast/direct/fit.js';
import { curveOf, readCrps } from '../../../forecast/direct/law.js';
import { knotPositions } from '../../../forecast/direct/plan.js';
import { blocksOf, directSet, termsOf } from '../../../forecast/direct/windows.js';
import { ForecastError } from '../../../forecast/errors.js';
import { evaluate, type ServedModel } from '../../../forecast/evaluate.js';
import { fitAndCompile, referenceSpec, type Spec } from '../../../forecast/families/index.js';
import { type TrainingData, trainingData } from '../../../forecast/fit/training.js';
import { openInProcess, type Simulator } from '../../../forecast/onnx/session.js';
import { fitProfile, profileFactors, scoredOffset_s } from '../../../forecast/profile/index.js';
import { pairedGain } from '../../../forecast/score/gain.js';
import type { ScoringInterval } from '../../../forecast/score/index.js';
import { LEAD_S, windowSetDigest } from '../../../forecast/windows.js';
import { findCompetition, loadProfile, scoringIntervals } from '../../../miner/sn50/profile.js';
import { ewmaHistory, fitScaledEwma, scaledEwma } from './scaled-ewma.js';
import type { SkillSlot } from './slots.js';

const DAY_S = 86_400;
const PATHS = 1000;
const ALL = 1e9;
/** Real prices a window needs: closed markets leave most of a day unobserved. */
const LEAST_OBSERVED = 20;

export interface SkillRow {
  readonly slot: string;
  readonly n: number;
  readonly b3: { readonly gain: number; readonly se: number };
  readonly b1: { readonly gain: number; readonly se: number };
  /** Gain over B3 of a model that knows each window's realised mean absolute return. */
  readonly oracle: number;
  readonly must: readonly [number, number] | null;
  readonly mean_crps: number;
  readonly windows_digest: string;
  readonly dataset_digest: string;
}

/** Seed of a window's noise: what agents use too. */
const seedOf = (slot: string) => (t0: number) => `${slot}@${t0}`;
const time_s = (iso: string): number => Date.parse(`${iso}T00:00:00Z`) / 1000;

export async function measure(
  slot: SkillSlot,
  load: (name: string) => Bars,
  progress: (line: string) => void,
): Promise<SkillRow> {
  const id = `${slot.competition}/${slot.asset}`;
  const bars = load(slot.bars);
  const rules = findCompetition(loadProfile('2026-05'), slot.competition);
  const intervals = scoringIntervals(rules).filter((v) => v.seconds >= slot.step_s);
  const competition = { horizon_s: rules.length_s, increment_s: slot.step_s, intervals };
  const steps = rules.length_s / slot.step_s;
  const blocks = blocksOf(intervals, slot.step_s, steps);
  const scores = { model: [] as number[], b3: [] as number[], b1: [] as number[], oracle: [] as number[] };
  const used: number[] = [];
  const reference = fitAndCompile(
    referenceSpec(slot.reference),
    { asset: slot.asset, step_s: slot.step_s, segments: [], starts_s: [] },
    { data_cutoff_s: 0, dataset_digest: '0'.repeat(64), code_version: 'bench' },
  );
  const first = await openInProcess(reference.onnx);
  const half_lives_s = slot.competition === '24h' ? [DAY_S, 1.5 * DAY_S, 2 * DAY_S] : [1800];

  for (const [from_s, to_s] of folds(slot)) {
    // An embargo of one horizon between what is fitted and what is tested.
    const cutoff_s = from_s - rules.length_s;
    const train: TrainingData = {
      ...trainingData(bars, cutoff_s, ALL),
      peers: slot.peers.map((name) => trainingData(load(name), cutoff_s, ALL)),
    };
    let fitted: ReturnType<typeof fitAndCompile>;
    try {
      fitted = fitAndCompile(slot.spec as Spec, train, {
        data_cutoff_s: cutoff_s,
        dataset_digest: barsDigest(bars),
        code_version: 'bench',
      });
    } catch (error) {
      if (!(error instanceof ForecastError)) throw error;
      progress(
        `${id} from ${new Date(from_s * 1000).toISOString().slice(0, 10)}: ${error.code} ${error.message}`,
      );
      continue;
    }
    const yardstick = fitScaledEwma(train, half_lives_s, blocks, steps);
    const starts = usable(slot, bars, from_s, to_s, rules.length_s, fitted.manifest);
    const served = await openInProcess(fitted.onnx);
    const run = (sim: Simulator, model: ServedModel) =>
      evaluate(sim, bars, starts, competition, { paths: PATHS, model, seedOf: seedOf(id) });
    scores.model.push(...(await run(served, fitted.manifest)));
    scores.b3.push(...(await run(scaledEwma(yardstick), ewmaHistory(yardstick, bars))));
    scores.b1.push(...(await run(first, reference.manifest)));
    scores.oracle.push(...oracleScores(slot, bars, train, starts, intervals, steps));
    used.push(...starts);
    await served.close();
    progress(
      `${id} from ${new Date(from_s * 1000).toISOString().slice(0, 10)}: ${starts.length} windows, B3 ${yardstick.half_life_s / 3600} h x ${yardstick.scale.toFixed(3)}`,
    );
  }
  await first.close();
  const of = (xs: number[]) => Float64Array.from(xs);
  const model = of(scores.model);
  const b3 = pairedGain(of(scores.b3), model, { lag: 2 });
  const b1 = pairedGain(of(scores.b1), model, { lag: 2 });
  const best = pairedGain(of(scores.b3), of(scores.oracle), { lag: 2 });
  return {
    slot: id,
    n: used.length,
    b3: { gain: b3.gain, se: b3.se },
    b1: { gain: b1.gain, se: b1.se },
    oracle: best.gain,
    must: slot.must ?? null,
    mean_crps: b3.mean_model,
    windows_digest: windowSetDigest(used),
    dataset_digest: barsDigest(bars),
  };
}

function folds(slot: SkillSlot): [number, number][] {
  const [from, to] = [time_s(slot.from), time_s(slot.to)];
  const out: [number, number][] = [];
  for (let t = from; t < to; t += slot.refit_days * DAY_S)
    out.push([t, Math.min(to, t + slot.refit_days * DAY_S)]);
  return out;
}

/** Disjoint starts with a fresh bar, the model's history, and enough real prices. */
function usable(
  slot: SkillSlot,
  bars: Bars,
  from_s: number,
  to_s: number,
  horizon_s: number,
  model: ServedModel,
): number[] {
  const begin = time_s(slot.from) + slot.first_s;
  const starts: number[] = [];
  for (let k = Math.ceil((from_s - begin) / slot.stride_s); ; k++) {
    const t0 = begin + k * slot.stride_s;
    if (t0 + horizon_s > to_s) return starts;
    const last = indexAtOrBefore(bars, t0 - LEAD_S - bars.step);
    if (last < 0 || t0 - LEAD_S - (bars.open_s[last]! + bars.step) > 2 * bars.step) continue;
    const real = gridPrices(bars, t0, horizon_s, slot.step_s);
    const observed = real.reduce((n, v) => n + (Number.isNaN(v) ? 0 : 1), 0);
    const whole = slot.spec.profile.closed === 'never';
    if (observed < (whole ? real.length : LEAST_OBSERVED)) continue;
    // A level at the end is scored only where the market is open then.
    if (Number.isNaN(real[0]!) || Number.isNaN(real.at(-1)!)) continue;
    try {
      historyFor(bars, t0 - LEAD_S, model);
      starts.push(t0);
    } catch (error) {
      if (!(error instanceof ForecastError)) throw error;
    }
  }
}

/**
 * Closed-form score (bps) of the profile scaled by each window's own realised mean absolute return: what no forecast of
 * volatility can beat. Its laws are fitted on training windows.
 */
function oracleScores(
  slot: SkillSlot,
  bars: Bars,
  train: TrainingData,
  starts: readonly number[],
  intervals: readonly ScoringInterval[],
  steps: number,
): number[] {
  const blocks = blocksOf(intervals, slot.step_s, steps);
  const { profile, stride_s } = slot.spec;
  const knots = [1, steps];
  const profileParams = fitProfile(train, profile);
  const terms = termsOf(blocks, steps);
  const state = {
    half_lives_s: [slot.spec.level_s],
    reference: 0,
    signed_s: [],
    rough_s: [],
    block: 6,
    window: 500,
  };
  const known = directSet(train, { plan: state, profile, profileParams, steps, terms, stride_s });
  const shortest = Math.min(...blocks.map((b) => b.steps));
  const realised = (y: Float32Array, factor: ArrayLike<number>, at: number): number => {
    let sum = 0;
    let n = 0;
    terms.forEach(({ from, to }, t) => {
      const v = y[at * terms.length + t]!;
      if (to - from !== shortest || Number.isNaN(v)) return;
      let variance = 0;
      for (let h = from; h < to; h++) variance += factor[at * steps + h]! ** 2;
      // A stray bar in closed hours says nothing about the session.
      if (variance < 1e-4 * (to - from)) return;
      sum += Math.abs(v) / Math.sqrt(variance);
      n += 1;
    });
    return n > 5 ? Math.log(Math.max(1e-8, sum / n)) : Number.NaN;
  };
  const keep = Array.from({ length: known.n }, (_, i) => i).filter((i) =>
    Number.isFinite(realised(known.y, known.factor, i)),
  );
  const rows = <T extends Float32Array | Float64Array>(all: T, width: number): T => {
    const out = all.slice(0, keep.length * width) as T;
    keep.forEach((i, k) => {
      out.set(all.subarray(i * width, (i + 1) * width), k * width);
    });
    return out;
  };
  const fit = fitDirect(
    [
      {
        n: keep.length,
        x: new Float64Array(keep.length).fill(1),
        level: Float64Array.from(keep, (i) => realised(known.y, known.factor, i)),
        factor: rows(known.factor, steps),
        hour: rows(known.hour, 1),
        y: rows(known.y, terms.length),
      },
    ],
    {
      steps,
      step_s: slot.step_s,
      width: 1,
      knots,
      terms,
      groups: blocks.length,
      ridge: 1,
      season_ridge: 0,
    },
  );
  const curves = fit.laws.map(curveOf);
  // A block may be scored by two intervals: the level at the end and the gap over the whole horizon.
  const times = blocks.map(
    (b) =>
      intervals.filter((v) => {
        const length = Math.trunc(v.seconds / slot.step_s);
        return length === b.steps && (length === steps || (v.kind !== 'change') === b.first);
      }).length,
  );
  const position = knotPositions(knots, steps);
  const at = position.map((p) => Math.exp(fit.weights[0]! + p * (fit.weights[1]! - fit.weights[0]!)));
  return starts.map((t0) => {
    const real = gridPrices(bars, t0, steps * slot.step_s, slot.step_s);
    const open_s = t0 - (t0 % slot.step_s) + scoredOffset_s(slot.step_s);
    const factor = profileFactors(profile, profileParams, open_s, slot.step_s, steps);
    const y = Float32Array.from(terms, ({ from, to }) => Math.log(real[to]! / real[from]!));
    const level = Math.exp(realised(y, factor, 0));
    let sum = 0;
    terms.forEach(({ from, to, group }, t) => {
      if (Number.isNaN(y[t]!)) return;
      let variance = 0;
      for (let h = from; h < to; h++) variance += (at[h]! * factor[h]!) ** 2;
      const scale = level * Math.sqrt(variance);
      sum += times[group]! * scale * readCrps(curves[group]!, y[t]! / scale);
    });
    return sum * 10_000;
  });
}
