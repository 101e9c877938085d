// The answering thread: models in their sandboxes, paths drawn, rounded and written as the subnet wants them.
import { createHash } from 'node:crypto';
import type { HistoryNeed } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import { type Manifest, unpackArtifact } from '../../forecast/manifest.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openSandboxed } from '../../forecast/onnx/sandbox.js';
import type { Simulator } from '../../forecast/onnx/session.js';
import { placePlan } from '../../forecast/sampler/plan.js';
import type { ScoringInterval } from '../../forecast/score/index.js';
import type { ResponseRule } from '../sn50/profile.js';
import { type Prompt, parseStart, pointsOf } from '../sn50/prompt.js';
import { formatResponse } from '../sn50/response.js';

export interface LoadedModel extends HistoryNeed {
  readonly step_s: number;
  readonly asset: string;
  readonly family: string;
}

export interface AnswerInput {
  readonly digest: string;
  /** Log closes, as many as the model reads. */
  readonly history: Float64Array;
  readonly prompt: Prompt;
  readonly anchor: number;
  readonly seed: string;
  readonly rule: ResponseRule;
  /** What the prompt will be scored on: placed paths fit these grids. */
  readonly intervals: readonly ScoringInterval[];
}

export interface AnswerOutput {
  /** `simulation_output` as JSON text. */
  readonly text: string;
  /** sha256 of the prices before rounding, float64 as in memory. */
  readonly paths_digest: string;
}

interface Kept {
  readonly onnx: Uint8Array;
  readonly manifest: Manifest;
  /** Null after a failure: the next call opens a fresh sandbox. */
  sim: Simulator | null;
}

const models = new Map<string, Kept>();

const CANARY_PATHS = 16;

async function simulator(kept: Kept): Promise<Simulator> {
  kept.sim ??= await openSandboxed(kept.onnx);
  return kept.sim;
}

async function reset(kept: Kept): Promise<void> {
  const { sim } = kept;
  kept.sim = null;
  await sim?.close();
}

/** Opens a model and makes it answer once on a flat history: a model that cannot do that never serves. */
export async function load({ digest, bytes }: { digest: string; bytes: Uint8Array }): Promise<LoadedModel> {
  const { onnx, manifest } = unpackArtifact(bytes);
  const { history_bars, history_gaps, history_observed, step_s, asset, family } = manifest;
  if (!models.has(digest)) {
    const kept: Kept = { onnx, manifest, sim: null };
    try {
      const history = Float64Array.from({ length: history_bars }, (_, i) => (i % 2) * 1e-4);
      await (await simulator(kept)).simulate({
        history,
        start_s: 0,
        step_s,
        steps: 12,
        paths: CANARY_PATHS,
        seed: 'canary',
      });
    } catch (error) {
      await reset(kept);
      throw error;
    }
    models.set(digest, kept);
  }
  return { history_bars, history_gaps, history_observed, step_s, asset, family };
}

export async function drop({ digest }: { digest: string }): Promise<void> {
  const kept = models.get(digest);
  models.delete(digest);
  if (kept !== undefined) await reset(kept);
}

export async function answer(input: AnswerInput): Promise<AnswerOutput> {
  const model = models.get(input.digest);
  if (model === undefined)
    throw new ForecastError('SWARM_E_MODEL_FAILED', `model ${input.digest} is not loaded`, 'Load it first.');
  const { prompt } = input;
  const steps = pointsOf(prompt) - 1;
  const { sampling } = model.manifest;
  let returns: Float32Array;
  try {
    returns = await (await simulator(model)).simulate({
      history: input.history,
      start_s: parseStart(prompt.start_time),
      step_s: prompt.time_increment,
      steps,
      paths: prompt.num_simulations,
      seed: input.seed,
      place: sampling && placePlan(sampling, input.intervals, prompt.time_increment, steps),
    });
  } catch (error) {
    await reset(model);
    throw error;
  }
  const paths = toPrices(returns, steps, prompt.num_simulations, input.anchor);
  const digest = createHash('sha256')
    .update(new Uint8Array(paths.prices.buffer, paths.prices.byteOffset, paths.prices.byteLength))
    .digest('hex');
  return { text: formatResponse(paths, prompt, input.rule), paths_digest: digest };
}
