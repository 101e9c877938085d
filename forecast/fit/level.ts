// The level: one factor on a model's standard deviations, chosen by the score that counts.
// Promises: minimises the mean CRPS of block returns at several leads and lengths, weighted as the subnet sums them.
// Leaves to others: the variance forecast itself and the shape of the block laws.
// CRPS wants less than the standard deviation when the variance forecast is uncertain: 0.75-0.90 on real bars.
import { rng } from '../rng.js';
import { minimiseOnLine } from './simplex.js';
import { noConvergence, type TrainingData } from './training.js';

export interface BlockSet {
  /** Steps before the block begins, and steps in it. */
  readonly lead: number;
  readonly length: number;
}

/** Mean CRPS of a fixed standardised law as a function of the standardised observation. */
type CrpsCurve = (u: number) => number;

const MAX_WINDOWS = 1500;
const LAW_PATHS = 2048;
export const MIN_LEVEL = 0.3;
export const MAX_LEVEL = 2;

/** Blocks of 1, 6, 36, ... steps at four leads each, and the whole horizon. */
function blockSets(horizonSteps: number): BlockSet[] {
  const sets: BlockSet[] = [];
  for (let length = 1; length < horizonSteps; length *= 6) {
    const room = horizonSteps - length;
    const leads = new Set([0, 1, 2, 3].map((q) => Math.floor((room * q) / 3)));
    for (const lead of leads) sets.push({ lead, length });
  }
  sets.push({ lead: 0, length: horizonSteps });
  return sets;
}

/** Exact mean CRPS curve of an ascending ensemble: E|X - u| - E|X - X'| / 2 by prefix sums. */
export function crpsCurve(x: Float64Array): CrpsCurve {
  const n = x.length;
  const prefix = new Float64Array(n + 1);
  let spread = 0;
  for (let i = 0; i < n; i++) {
    prefix[i + 1] = prefix[i] + x[i];
    spread += (2 * i - n + 1) * x[i];
  }
  const halfSpread = spread / (n * n);
  return (u) => {
    let lo = 0;
    let hi = n;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (x[mid] <= u) lo = mid + 1;
      else hi = mid;
    }
    return (u * (2 * lo - n) + prefix[n] - 2 * prefix[lo]) / n - halfSpread;
  };
}

/** Writes one path of unit-variance log returns [steps] from columns of standard normals [steps]. */
type Walk = (z: readonly Float32Array[], out: Float64Array) => void;

/**
 * Fits the level. `walk` simulates the law of the blocks, from `columns` normals per step;
 * `deviation(run, i, block)` is the model's standard deviation of the block's return seen after return i of run, or
 * NaN where the model has not warmed up.
 */
export function fitLevel(
  train: TrainingData,
  runs: readonly Float64Array[],
  horizonSteps: number,
  walk: Walk,
  deviation: (run: number, i: number, block: BlockSet) => number,
  columns = 1,
): number {
  const blocks = blockSets(horizonSteps);
  const curves = blockCurves(blocks, horizonSteps, walk, columns);
  const samples = blocks.map((block, k) => ({
    curve: curves[k],
    ...observe(runs, block, horizonSteps, deviation),
  }));
  if (samples.some((s) => s.y.length < 30)) throw noConvergence(train, 'the level: under 30 windows, so it');
  const loss = (logLevel: number): number => {
    const level = Math.exp(logLevel);
    let total = 0;
    samples.forEach(({ curve, y, sd }, k) => {
      let sum = 0;
      for (let i = 0; i < y.length; i++) sum += level * sd[i] * curve(y[i] / (level * sd[i]));
      // The subnet sums horizon/length blocks of each length; the leads of one length share that weight.
      const leads = blocks.filter((b) => b.length === blocks[k].length).length;
      total += ((horizonSteps / blocks[k].length) * sum) / (y.length * leads);
    });
    return total;
  };
  return Math.exp(minimiseOnLine(loss, Math.log(MIN_LEVEL), Math.log(MAX_LEVEL), 1e-4));
}

function blockCurves(blocks: readonly BlockSet[], steps: number, walk: Walk, columns: number): CrpsCurve[] {
  const streams = Array.from({ length: columns }, (_, k) => rng(`forecast/level/1${k > 0 ? `#${k}` : ''}`));
  const samples = blocks.map(() => new Float64Array(LAW_PATHS));
  const z = streams.map(() => new Float32Array(steps));
  const path = new Float64Array(steps);
  const sum = new Float64Array(steps + 1);
  for (let p = 0; p < LAW_PATHS; p++) {
    streams.forEach((stream, k) => {
      stream.fillNormal(z[k]);
    });
    walk(z, path);
    for (let h = 0; h < steps; h++) sum[h + 1] = sum[h] + path[h];
    blocks.forEach(({ lead, length }, k) => {
      samples[k][p] = (sum[lead + length] - sum[lead]) / Math.sqrt(length);
    });
  }
  return samples.map((sample) => crpsCurve(sample.sort()));
}

function observe(
  runs: readonly Float64Array[],
  block: BlockSet,
  horizonSteps: number,
  deviation: (run: number, i: number, block: BlockSet) => number,
): { y: number[]; sd: number[] } {
  const total = runs.reduce((n, run) => n + run.length, 0);
  const stride = Math.max(1, Math.floor(total / MAX_WINDOWS));
  const y: number[] = [];
  const sd: number[] = [];
  runs.forEach((run, r) => {
    for (let i = stride - 1; i + horizonSteps < run.length; i += stride) {
      const s = deviation(r, i, block);
      if (!(s > 0)) continue;
      let sum = 0;
      for (let h = 1; h <= block.length; h++) sum += run[i + block.lead + h];
      y.push(sum);
      sd.push(s);
    }
  });
  return { y, sd };
}
