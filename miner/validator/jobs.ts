// The validator's thread: judging what came over the wire, keeping it until its horizon has passed, and scoring the field.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gridPrices } from '../../forecast/bars.js';
import { type Paths, type ScoringInterval, scorePaths } from '../../forecast/score/index.js';
import { type SimulatedMarket, simulatedMarket } from '../market/simulated.js';
import type { ResponseRule } from '../sn50/profile.js';
import { type Prompt, pointsOf } from '../sn50/prompt.js';
import { validateResponse } from '../sn50/response.js';
import { type FieldPrompt, RIVALS, rivalPaths } from './field.js';

export interface JudgeInput {
  /** Body of the miner's reply, null when there was none in time. */
  readonly body: string | null;
  readonly prompt: Prompt;
  readonly process_time: number | null;
  readonly rule: ResponseRule;
  /** Where a correct answer is kept until it is scored. */
  readonly file: string;
}

/** The validator's verdict text; a correct answer is on disk when this returns. */
export async function judge({ body, prompt, process_time, rule, file }: JudgeInput): Promise<string> {
  let output: unknown = null;
  if (body !== null) {
    try {
      output = (JSON.parse(body) as { simulation_output?: unknown }).simulation_output ?? null;
    } catch {
      return 'Response is empty';
    }
  }
  const verdict = validateResponse(output, prompt, process_time, rule);
  if (verdict !== 'CORRECT') return verdict;
  const rows = (output as [number, number, ...number[][]]).slice(2) as number[][];
  const prices = Float64Array.from(rows.flat());
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.part`, prices);
  await rename(`${file}.part`, file);
  return verdict;
}

export interface ScoreInput {
  readonly prompt: FieldPrompt;
  readonly intervals: readonly ScoringInterval[];
  /** Bars of the slot's own grid, from before the longest rival's history to the end of the horizon. */
  readonly bars: {
    readonly asset: string;
    readonly step: number;
    readonly open_s: Float64Array;
    readonly close: Float64Array;
  };
  /** The kept answer; null when there was none that was correct. */
  readonly file: string | null;
  /** Seed of a simulated market whose optimum is wanted. */
  readonly oracle: string | null;
}

export interface FieldScores {
  /** CRPS of ours and the rivals in the order of the field; -1 invalid. */
  readonly crps: number[];
  readonly oracle: number | null;
}

const markets = new Map<string, SimulatedMarket>();

function marketOf(seed: string, asset: string): SimulatedMarket {
  const key = `${seed} ${asset}`;
  const market = markets.get(key) ?? simulatedMarket(seed, asset);
  markets.set(key, market);
  return market;
}

/** Scores the field on one prompt; null while the last real price is missing, as the subnet retries then. */
export async function score({
  prompt,
  intervals,
  bars,
  file,
  oracle,
}: ScoreInput): Promise<FieldScores | null> {
  const { start_s, length_s, increment_s, simulations } = prompt;
  const real = gridPrices(bars, start_s, length_s, increment_s);
  if (Number.isNaN(real[real.length - 1]!)) return null;
  const scoreOf = (paths: Paths): number => {
    const { total } = scorePaths(paths, real, increment_s, intervals);
    return Number.isFinite(total) ? total : -1;
  };
  const points = pointsOf({ time_length: length_s, time_increment: increment_s });
  const ours = file === null ? -1 : scoreOf({ count: simulations, points, prices: await kept(file) });
  const crps = [ours];
  for (const rival of RIVALS) {
    const paths = await rivalPaths(rival, prompt, bars).catch(unlessBarsLack);
    crps.push(paths === null ? -1 : scoreOf(paths));
  }
  return { crps, oracle: oracle === null ? null : scoreOf(oraclePaths(oracle, prompt)) };
}

/** A rival without whole bars before the start does not answer, as a miner does not; anything else is a fault. */
function unlessBarsLack(error: { code?: string }): null {
  if (error.code === 'SWARM_E_BARS_GAP' || error.code === 'SWARM_E_BARS_TOO_FEW') return null;
  throw error;
}

function oraclePaths(seed: string, prompt: FieldPrompt): Paths {
  const { asset, start_s, length_s, increment_s, simulations } = prompt;
  // The oracle's k-th price is 60 s after first_s + k steps: on minutes the close of the bar that opens at t, on coarser
  // grids the last bar's close by t (forecast/bars.ts).

  const first_s = increment_s === 60 ? start_s : Math.floor(start_s / increment_s) * increment_s - 60;
  return marketOf(seed, asset).oraclePaths(
    first_s,
    Math.min(first_s, start_s - 60),
    length_s,
    increment_s,
    simulations,
    `${prompt.seed}/oracle`,
  );
}

async function kept(file: string): Promise<Float64Array> {
  const bytes = await readFile(file);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export async function forget({ file }: { file: string }): Promise<void> {
  await rm(file, { force: true });
}
