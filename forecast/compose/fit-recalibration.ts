// Fitting a recalibration: the model forecasts its own training bars from many origins, and what its block laws should
// have been decides scale and tail per block length.
// Promises: deterministic, training bars only; a correction that does not pay beyond its own standard error is none.
// Leaves to others: what a correction does to a law (sampler/correction.ts), and the level, which is fitted before.

import { ForecastError } from '../errors.js';
import type { Fitted, NativeSimulator } from '../families/family.js';
import { crpsCurve } from '../fit/level.js';
import { noConvergence, type TrainingData, trainingGrid, trainingReturns } from '../fit/training.js';
import {
  closedFactor,
  type FittedWeek,
  newestOpen_s,
  profileFactors,
  scoredOffset_s,
} from '../profile/index.js';
import { corrected, MAX_TAIL, MIN_TAIL, rootMeanSquare } from '../sampler/correction.js';
import { stratifiedNoise } from '../sampler/noise.js';
import { pairedGain } from '../score/gain.js';
import { corrections, recalibratedBlocks_s } from './recalibration.js';

const DAY_S = 86_400;
/** Simulated paths per origin, and how many of their steps a fit may spend. */
const PATHS = 400;
const MAX_PATH_STEPS = 11_000_000;
/** Fewer origins cannot tell a correction from luck. */
const MIN_ORIGINS = 10;
/** Origins are the later share of the training bars: the market that is forecast is like them. */
const LATER = 2 / 3;
/** Blocks of one length that are looked at, spread over all origins. */
const MAX_BLOCKS = 1500;
/** A correction's gain must be this many of its standard errors to be worth anything: with one, quiet weeks misled. */
const ERRORS = 2;
/** What a model misses about volatility stays missed for days. */
const MEMORY_S = 5 * DAY_S;

const SCALES = Float64Array.from({ length: 71 }, (_, k) => 1.02 ** (k - 35));
const TAILS = Float64Array.from(
  { length: Math.round((MAX_TAIL - MIN_TAIL) / 0.1) + 1 },
  (_, k) => Math.round(10 * MIN_TAIL + k) / 10,
);
const IDENTITY = TAILS.indexOf(1) * SCALES.length + SCALES.indexOf(1);

/** A fitted model that is to be recalibrated. */
export interface Uncorrected {
  readonly horizon_s: number;
  /** Bars of history that it reads, and how many of the newest must all be there. */
  readonly bars: number;
  readonly whole: number;
  /** Columns of noise. */
  readonly columns: number;
  /** Says which bars are closed: their blocks teach nothing. */
  readonly week: FittedWeek | undefined;
  readonly simulate: NativeSimulator;
}

/** Parameters of the recalibration. Throws SWARM_E_BARS_TOO_FEW or SWARM_E_FIT_FAILED. */
export function fitRecalibration(train: TrainingData, model: Uncorrected): Fitted {
  // Refuses what does not move before anything is learned from it.
  trainingReturns(train);
  const { step_s } = train;
  const lengths = recalibratedBlocks_s(model, step_s).map((s) => s / step_s);
  const steps = model.horizon_s / step_s;
  const seen = observations(train, model.week);
  const origins = originsOf(train, seen, model, steps);
  const losses = lengths.map(() => [] as Float64Array[]);
  origins.forEach(({ history, start_s, at }, o) => {
    const noise = noiseOf(`forecast/recalibration/1/${o}`, steps, model.columns);
    const returns = model.simulate({ history, start_s, steps, paths: PATHS, noise });
    lengths.forEach((length, k) => {
      const loss = originLoss(returns, steps, length, seen, at, o, origins.length);
      if (loss !== undefined) losses[k].push(loss);
    });
  });
  const span_s = origins[0].start_s - origins[origins.length - 1].start_s;
  const lag = Math.ceil((MEMORY_S * origins.length) / span_s);
  const cells = losses.map((each) => bestCell(train, each, lag));
  return corrections(
    cells.map((c) => Number(SCALES[c % SCALES.length].toPrecision(6))),
    cells.map((c) => TAILS[Math.floor(c / SCALES.length)]),
  );
}

interface Observations {
  readonly start_s: number;
  readonly logs: Float64Array;
  /** Open bars before each. */
  readonly open: Uint32Array;
  /** Missing bars before each. */
  readonly missing: Uint32Array;
}

function observations(train: TrainingData, week: FittedWeek | undefined): Observations {
  const { start_s, logs } = trainingGrid(train);
  const factors = week && profileFactors(week.profile, week.params, start_s, train.step_s, logs.length);
  const shut = week ? closedFactor(week.profile) : 0;
  return {
    start_s,
    logs,
    open: countedBefore(logs.length, (i) => factors === undefined || factors[i] > shut),
    missing: countedBefore(logs.length, (i) => Number.isNaN(logs[i])),
  };
}

function countedBefore(n: number, is: (i: number) => boolean): Uint32Array {
  const out = new Uint32Array(n + 1);
  for (let i = 0; i < n; i++) out[i + 1] = out[i] + (is(i) ? 1 : 0);
  return out;
}

interface Origin {
  readonly history: Float64Array;
  readonly start_s: number;
  /** Index of the bar that the first simulated step is scored on. */
  readonly at: number;
}

/** One horizon after the other, latest first, wherever the history is whole; their later share, thinned to the budget. */
function originsOf(
  { asset, step_s }: TrainingData,
  { start_s, logs, missing }: Observations,
  { bars, whole }: Uncorrected,
  steps: number,
): Origin[] {
  const found: Origin[] = [];
  const offset_s = scoredOffset_s(step_s);
  for (let at = logs.length - steps; at > bars; at--) {
    const begin_s = start_s + at * step_s - offset_s;
    const end = (newestOpen_s(begin_s, step_s) - start_s) / step_s + 1;
    if (end < bars || missing[end] > missing[end - whole] || Number.isNaN(logs[at - 1])) continue;
    found.push({ history: logs.slice(end - bars, end), start_s: begin_s, at });
    at -= steps - 1;
  }
  const later = found.slice(0, Math.ceil(LATER * found.length));
  if (later.length < MIN_ORIGINS)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${asset}: ${later.length} horizons of ${steps * step_s} s follow a full history, ${MIN_ORIGINS} needed to recalibrate`,
      'train on a longer period, shorten the history, or recalibrate by identity',
    );
  const thin = Math.ceil((later.length * steps * PATHS) / MAX_PATH_STEPS);
  return later.filter((_, i) => i % thin === 0);
}

/** Standard normals by column, each [steps, PATHS]. */
function noiseOf(seed: string, steps: number, columns: number): Float32Array[] {
  const all = stratifiedNoise(seed, steps, PATHS, columns);
  if (columns === 1) return [all];
  return Array.from({ length: columns }, (_, k) =>
    new Float32Array(steps * PATHS).map((_, i) => all[i * columns + k]),
  );
}

/** Summed CRPS, in simulated root mean squares, of an origin's blocks of one length under every correction; undefined where no block was seen. */
function originLoss(
  returns: Float64Array,
  steps: number,
  length: number,
  { logs, open }: Observations,
  at: number,
  o: number,
  origins: number,
): Float64Array | undefined {
  const blocks = Math.floor(steps / length);
  const stride = Math.ceil((blocks * origins) / MAX_BLOCKS);
  const loss = new Float64Array(SCALES.length * TAILS.length);
  const sums = new Float64Array(PATHS);
  let seen = 0;
  // Every origin begins elsewhere, so that all hours have their turn.
  for (let b = o % Math.min(stride, blocks); b < blocks; b += stride) {
    const from = at + b * length;
    const moved = logs[from + length - 1] - logs[from - 1];
    if (Number.isNaN(moved) || open[from + length] === open[from]) continue;
    sums.fill(0);
    for (let h = b * length; h < (b + 1) * length; h++)
      for (let i = 0; i < PATHS; i++) sums[i] += returns[h * PATHS + i];
    addLosses(sums.sort(), moved, loss);
    seen++;
  }
  return seen > 0 ? loss : undefined;
}

/** Adds the CRPS of an ascending sample under every correction, in units of its size: a storm does not decide alone. */
function addLosses(simulated: Float64Array, moved: number, loss: Float64Array): void {
  const size = rootMeanSquare(simulated);
  for (let t = 0; t < TAILS.length; t++) {
    const curve = crpsCurve(corrected(simulated, { scale: 1, tail: TAILS[t] }));
    for (let s = 0; s < SCALES.length; s++) {
      const scale = SCALES[s];
      loss[t * SCALES.length + s] += (scale / size) * curve(moved / scale);
    }
  }
}

/**
 * The correction whose gain over none, less its own standard errors, is largest; none where that is not above 0. About
 * the truth this moves each estimate towards identity by as many standard errors of itself.
 */
function bestCell(train: TrainingData, losses: readonly Float64Array[], lag: number): number {
  if (losses.length < MIN_ORIGINS) return IDENTITY;
  const column = (c: number): Float64Array => Float64Array.from(losses, (loss) => loss[c]);
  const none = column(IDENTITY);
  if (!(none.every(Number.isFinite) && none.some((v) => v > 0)))
    throw noConvergence(train, 'the recalibration');
  let [best, most] = [IDENTITY, 0];
  for (let c = 0; c < SCALES.length * TAILS.length; c++) {
    const { gain, se } = pairedGain(none, column(c), { lag: Math.min(lag, Math.floor(losses.length / 4)) });
    const sure = gain - ERRORS * se;
    if (sure > most) [best, most] = [c, sure];
  }
  return best;
}
