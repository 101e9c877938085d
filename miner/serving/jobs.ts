// The simulating thread: models in their sandboxes, returns out.
// Promises: a model that fails is opened anew for the next call, and one that has worked long is renewed before its
// sandbox's time is over. Leaves to others: which model, how thoroughly, and writing what is sent (writing.ts).
import type { HistoryNeed } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import { type Manifest, unpackArtifact } from '../../forecast/manifest.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openSandboxed } from '../../forecast/onnx/sandbox.js';
import type { Simulator } from '../../forecast/onnx/session.js';
import { type Paths, type ScoringInterval, scorePaths } from '../../forecast/score/index.js';
import { placeFor, type Thoroughness } from './sampling.js';
import { thinned } from './writing.js';

export interface LoadedModel extends HistoryNeed {
  readonly step_s: number;
  readonly asset: string;
  readonly family: string;
  /** Whether its manifest asks for placed paths: only then can less be done. */
  readonly placed: boolean;
}

interface PathsInput {
  readonly digest: string;
  /** Log closes, as many as the model reads. */
  readonly history: Float64Array;
  readonly start_s: number;
  readonly step_s: number;
  readonly steps: number;
  readonly paths: number;
  readonly seed: string;
  /** What the prompt will be scored on: placed paths fit these grids. */
  readonly intervals: readonly ScoringInterval[];
  readonly sampling: Thoroughness;
}

export interface SimulateInput extends PathsInput {
  /** Steps from one point that is wanted to the next. */
  readonly every: number;
}

interface Kept {
  readonly onnx: Uint8Array;
  readonly manifest: Manifest;
  /** Null after a failure, or at rest: the next call opens a fresh sandbox. */
  sim: Simulator | null;
  /** Wall time that the present sandbox has worked. */
  worked_ms: number;
}

const models = new Map<string, Kept>();

const CANARY_PATHS = 16;
/** Half of the CPU time that a sandbox lives for: a model that serves for weeks is renewed, not killed at work. */
const RENEW_MS = 1_800_000;

async function simulator(kept: Kept): Promise<Simulator> {
  if (kept.worked_ms > RENEW_MS) await reset(kept);
  kept.sim ??= await openSandboxed(kept.onnx);
  return kept.sim;
}

async function reset(kept: Kept): Promise<void> {
  const { sim } = kept;
  kept.sim = null;
  kept.worked_ms = 0;
  await sim?.close();
}

/** Opens a model and makes it answer once on a flat history: a model that cannot do that never serves. */
export async function load({ digest, bytes }: { digest: string; bytes: Uint8Array }): Promise<LoadedModel> {
  const { onnx, manifest } = unpackArtifact(bytes);
  const { history_bars, history_gaps, history_observed, step_s, asset, family, sampling } = manifest;
  const known = models.get(digest);
  // Warm before it serves: one that rested is opened again.
  if (known !== undefined) await simulator(known);
  else {
    const kept: Kept = { onnx, manifest, sim: null, worked_ms: 0 };
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
  const need = { history_bars, history_gaps, history_observed };
  return { ...need, step_s, asset, family, placed: sampling !== undefined };
}

/** Ends a model's sandbox and keeps the model: who answers only when others fail needs no process of its own. */
export async function rest({ digest }: { digest: string }): Promise<void> {
  const kept = models.get(digest);
  if (kept !== undefined) await reset(kept);
}

export async function drop({ digest }: { digest: string }): Promise<void> {
  const kept = models.get(digest);
  models.delete(digest);
  if (kept !== undefined) await reset(kept);
}

/** Price paths [paths x (steps / every + 1)] from a first price of 1, in memory that threads share. */
export async function simulate(input: SimulateInput): Promise<Float64Array> {
  const simulated = await pathsOf(input, 1);
  const prices = thinned(simulated.prices, simulated.points, input.every);
  const shared = new Float64Array(new SharedArrayBuffer(prices.byteLength));
  shared.set(prices);
  return shared;
}

export interface ScoreInput extends PathsInput {
  readonly anchor: number;
  /** Real prices on the grid, NaN where a bar is missing. */
  readonly real: Float64Array;
}

/** What such paths would have scored. */
export async function score(input: ScoreInput): Promise<number> {
  const paths = await pathsOf(input, input.anchor);
  return scorePaths(paths, input.real, input.step_s, input.intervals).total;
}

async function pathsOf(input: PathsInput, anchor: number): Promise<Paths> {
  const model = models.get(input.digest);
  if (model === undefined)
    throw new ForecastError('SWARM_E_MODEL_FAILED', `model ${input.digest} is not loaded`, 'Load it first.');
  const { history, start_s, step_s, steps, paths, seed, intervals, sampling } = input;
  const began = performance.now();
  let returns: Float32Array;
  try {
    const place = placeFor(model.manifest, sampling, intervals, step_s, steps);
    returns = await (await simulator(model)).simulate({
      history,
      start_s,
      step_s,
      steps,
      paths,
      seed,
      place,
    });
  } catch (error) {
    await reset(model);
    throw error;
  }
  model.worked_ms += performance.now() - began;
  return toPrices(returns, steps, paths, anchor);
}
