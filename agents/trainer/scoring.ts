// Scoring models of one slot on given windows: the yardstick once per window set, untrusted artifacts in the sandbox.
// Pure computation over its inputs: no database, no clock. Noise is a function of slot and window alone, so every
// comparison shares it.

import type { Bars } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import { type EvaluatedCompetition, evaluate, type ServedModel } from '../../forecast/evaluate.js';
import { fitAndCompile, yardstickSpec } from '../../forecast/families/index.js';
import { openSandboxed } from '../../forecast/onnx/sandbox.js';
import { openInProcess, type Simulator } from '../../forecast/onnx/session.js';
import { usableWindows, windowSetDigest } from '../../forecast/windows.js';
import { noiseSeed } from '../runtime/windows.js';

export interface SlotData {
  readonly slot: string;
  readonly competition: EvaluatedCompetition;
  readonly bars: Bars;
  readonly dataset_digest: string;
  readonly code_version: string;
  /** Newey-West lag of the window plan. */
  readonly lag: number;
  readonly paths: number;
  /** Bars of history that every window must have before it. */
  readonly lookback_bars: number;
}

/** A small map that forgets its oldest entry. */
export class ScoreCache {
  readonly #kept = new Map<string, Float64Array>();
  readonly #limit = 16;

  async get(key: string, make: () => Promise<Float64Array>): Promise<Float64Array> {
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const made = await make();
    if (this.#kept.size >= this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, made);
    return made;
  }
}

const yardsticks = new ScoreCache();

/** The yardstick's scores on a window set: the same numbers for everybody. */
export function yardstickScores(data: SlotData, starts: readonly number[]): Promise<Float64Array> {
  return yardsticks.get(`${data.slot} ${windowSetDigest(starts)}`, async () => {
    const train = { asset: data.bars.asset, step_s: data.bars.step, segments: [], starts_s: [] };
    const meta = { data_cutoff_s: 0, dataset_digest: data.dataset_digest, code_version: data.code_version };
    const { onnx, manifest } = fitAndCompile(
      yardstickSpec(data.bars.asset, data.competition.horizon_s),
      train,
      meta,
    );
    const sim = await openInProcess(onnx);
    try {
      return await scoresOf(data, sim, starts, manifest);
    } finally {
      await sim.close();
    }
  });
}

/** One model's score per window; `model` is its manifest. */
export const scoresOf = (
  data: SlotData,
  sim: Simulator,
  starts: readonly number[],
  model: ServedModel,
): Promise<Float64Array> =>
  evaluate(sim, data.bars, starts, data.competition, {
    paths: data.paths,
    model,
    seedOf: (t0) => noiseSeed(data.slot, t0),
  });

export const mean = (xs: Float64Array): number => xs.reduce((a, b) => a + b, 0) / xs.length;

/** The windows among `starts` that have whole bars around them; fewer than `min` is an error. */
export function windowsOf(data: SlotData, starts: readonly number[], min: number): number[] {
  const { horizon_s, increment_s } = data.competition;
  const usable = usableWindows(data.bars, starts, { history: data.lookback_bars, horizon_s, increment_s });
  if (usable.length < min)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${data.slot}: ${usable.length} of ${starts.length} windows have whole bars, ${min} are needed`,
      'Import more bars for this period.',
    );
  return usable;
}

/** Opens a model of whatever origin in the locked-down child for as long as `use` runs. */
export async function inSandbox<T>(onnx: Uint8Array, use: (sim: Simulator) => Promise<T>): Promise<T> {
  const sim = await openSandboxed(onnx);
  try {
    return await use(sim);
  } finally {
    await sim.close();
  }
}
