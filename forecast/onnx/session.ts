// Running a model: history, start and seed in, simulated log returns out.
// Promises: noise and calendar are made here from the request alone, so all models given one seed share their
// random numbers; wrong or non-finite output is a failure, never a forecast.
// Leaves to others: trust. openInProcess is for models this process built; anything else goes through sandbox.ts.
// First: the library reads its switch when it is loaded.
import './telemetry-off.js';

import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ForecastError } from '../errors.js';
import { rng } from '../rng.js';
import { stratifiedNoise } from '../sampler/noise.js';
import { place } from '../sampler/place.js';
import type { PlacePlan } from '../sampler/plan.js';
import { CALENDAR_FEATURES, calendarFeatures } from './contract.js';
import { admit } from './inspect.js';

/** Values of one run's output: 2.3 MiB. Larger runs wait for memory, smaller ones for the start of every operation. */
const PORTION = 600_000;

export interface SimulateRequest {
  /** Natural log closes, oldest first, exactly as many as the model reads; NaN where a bar is missing. */
  readonly history: Float64Array;
  /** Unix seconds at which the first step begins. */
  readonly start_s: number;
  readonly step_s: number;
  readonly steps: number;
  readonly paths: number;
  readonly seed: string;
  /** Simulate many paths and place `paths` of them on the scored grids; absent: every path is drawn. */
  readonly place?: PlacePlan | undefined;
}

export interface Simulator {
  /** Log returns [steps x paths], row-major, natural log per step. Throws SWARM_E_MODEL_FAILED. */
  simulate(req: SimulateRequest): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens a model in this process. Throws SWARM_E_MODEL_REFUSED (inspection) or SWARM_E_MODEL_FAILED (runtime). */
export async function openInProcess(bytes: Uint8Array): Promise<Simulator> {
  const admitted = admit(bytes);
  const { historyBars, calendarColumns, noiseColumns } = admitted.facts;
  const session = await failing('it does not load', () =>
    InferenceSession.create(admitted.bytes, {
      executionProviders: ['cpu'],
      // One thread: 1000 x 288 paths take milliseconds, and a fleet of agents shares its cores.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 4,
    }),
  );
  const run = async (req: SimulateRequest, noise: Float32Array): Promise<Float32Array> => {
    const { steps } = req;
    const paths = noise.length / (steps * noiseColumns);
    const feeds = {
      history: new Tensor('float64', req.history, [historyBars]),
      calendar: new Tensor('float32', calendarColumnsOf(req, calendarColumns), [steps, calendarColumns]),
      noise: new Tensor('float32', noise, [steps, paths, noiseColumns]),
    };
    const { log_returns } = await failing('it stopped while simulating', () => session.run(feeds));
    return checkOutput(log_returns, steps, paths);
  };
  return {
    async simulate(req) {
      checkRequest(req, historyBars);
      const { steps, seed, place: plan } = req;
      if (plan === undefined) return run(req, seededNoise(req, noiseColumns));
      const paths = Math.max(req.paths, plan.source_paths);
      const width = portionOf(steps, paths);
      const buffer = new Float32Array(steps * width * noiseColumns);
      const portions: Float32Array[] = [];
      for (let from = 0; from < paths; from += width) {
        const noise = buffer.subarray(0, steps * Math.min(width, paths - from) * noiseColumns);
        portions.push(await run(req, stratifiedNoise(seed, steps, paths, noiseColumns, from, noise)));
      }
      return place(portions, steps, req.paths, plan);
    },
    async close() {
      await session.release();
    },
  };
}

/** Of paths that are simulated together: equal portions, so that what a model works on stays in the cache. */
function portionOf(steps: number, paths: number): number {
  const portions = Math.ceil((steps * paths) / PORTION);
  return Math.ceil(paths / portions);
}

/** Standard normals [steps, paths, columns]. The first column is the same for every number of columns. */
function seededNoise({ steps, paths, seed }: SimulateRequest, columns: number): Float32Array {
  const first = new Float32Array(steps * paths);
  rng(seed).fillNormal(first);
  if (columns === 1) return first;
  const out = new Float32Array(first.length * columns);
  for (let k = 0; k < columns; k++) {
    if (k > 0) rng(`${seed}#${k}`).fillNormal(first);
    for (let i = 0; i < first.length; i++) out[i * columns + k] = first[i];
  }
  return out;
}

function calendarColumnsOf({ start_s, step_s, steps }: SimulateRequest, columns: number): Float32Array {
  const all = calendarFeatures(start_s, step_s, steps);
  const width = CALENDAR_FEATURES.max;
  return all.filter((_, i) => i % width < columns);
}

function checkRequest(req: SimulateRequest, historyBars: number): void {
  const { history, steps, place: plan } = req;
  const paths = Math.max(req.paths, plan?.source_paths ?? 0);
  if (history.length !== historyBars) fail(`it reads ${historyBars} bars and was given ${history.length}`);
  // NaN is a missing bar; a model that cannot cope with one answers NaN and is refused for that.
  if (history.some((v) => v === Infinity || v === -Infinity)) fail('its history holds an infinite value');
  const counts = Number.isInteger(steps) && steps > 0 && Number.isInteger(paths) && req.paths > 0;
  if (!counts || steps * paths > 50_000_000) fail(`${steps} steps x ${paths} paths cannot be simulated`);
  if (!Number.isFinite(req.start_s) || !(req.step_s > 0))
    fail(`start ${req.start_s} s, step ${req.step_s} s`);
}

function checkOutput(output: Tensor | undefined, steps: number, paths: number): Float32Array {
  const data = output?.data;
  if (!(data instanceof Float32Array) || output?.dims.join('x') !== `${steps}x${paths}`) {
    return fail(`it returned [${output?.dims.join(', ')}], expected [${steps}, ${paths}]`);
  }
  // A sum of 32-bit values is finite unless one of them is not. Two sums: each waits for its own last addition.
  let [even, odd] = [0, 0];
  for (let i = 0; i < data.length - 1; i += 2) {
    even += data[i];
    odd += data[i + 1];
  }
  if (!Number.isFinite(even + odd + data[data.length - 1]))
    fail('it returned a log return that is not finite');
  return data;
}

async function failing<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ForecastError('SWARM_E_MODEL_FAILED', `model failed: ${what}: ${detail}`, HINT, { cause });
  }
}

const HINT = 'check the request against the manifest; if it is right, the model is broken';

function fail(why: string): never {
  throw new ForecastError('SWARM_E_MODEL_FAILED', `model failed: ${why}`, HINT);
}
