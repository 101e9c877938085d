// Forecasting: the exact score of one 24 h prompt, the paths of one fitted model, and one whole experiment.
import { type ExperimentInput, experiment } from '../../agents/trainer/experiment.js';
import { type Bars, contiguousHistory, gridPrices } from '../../forecast/bars.js';
import { fitAndCompile, type Spec } from '../../forecast/families/index.js';
import { trainingData } from '../../forecast/fit/training.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { placePlan, sweepsFor } from '../../forecast/sampler/plan.js';
import { scorePaths } from '../../forecast/score/index.js';
import { windowStarts } from '../../forecast/windows.js';
import { aggregate, epoch_s, simulatedMarket } from '../../miner/market/simulated.js';
import { findCompetition, loadProfile, scoringIntervals } from '../../miner/sn50/profile.js';
import { compiledScore } from './compiled.js';
import { type Bench, figure, quantile, timed } from './figure.js';
import { calibration, type PlainGarch, plainPaths, plainScore } from './plain.js';

const DAY_S = 86_400;
const STEP_S = 300;
const TRAIN_DAYS = 90;
const COUNT = 1000;
const SOURCE_PATHS = 20_000;
const STEPS = DAY_S / STEP_S;
/** Fits see 90 days; windows begin a day later, one every twelve hours. */
const WINDOWS = 60;

const rules = findCompetition(loadProfile('2026-05'), '24h');
const meta = { dataset_digest: '0'.repeat(64), code_version: 'bench' };

export const spec = {
  family: 'garch_t' as const,
  horizon_s: DAY_S,
  gjr: true,
  history_bars: 576,
  scale: 'fit' as const,
  nu: 'fit' as const,
};

/** Five-minute bars of the simulated market, whole days from its epoch on. */
export function simulatedDays(days: number): Bars {
  const minutes = simulatedMarket('bench', 'BTC').minuteBars(epoch_s, epoch_s + days * DAY_S);
  return { asset: 'BTC', step: STEP_S, ...aggregate(minutes, STEP_S) };
}

export const forecast: Bench = async (progress) => {
  const cutoff_s = epoch_s + TRAIN_DAYS * DAY_S;
  const bars = simulatedDays(TRAIN_DAYS + 2 + WINDOWS / 2);
  const train = trainingData(bars, cutoff_s, (TRAIN_DAYS * DAY_S) / STEP_S);
  progress('fitting');
  const { onnx, manifest } = fitAndCompile(spec, train, { ...meta, data_cutoff_s: cutoff_s });
  const history = contiguousHistory(bars, cutoff_s, manifest.history_bars);
  const anchor = Math.exp(history.at(-1)!);
  const request = { history, start_s: cutoff_s, step_s: STEP_S, steps: STEPS, paths: COUNT };
  const sim = await openInProcess(onnx);

  progress('paths');
  const paths_ms = quantile(
    await timed(20, async (run) =>
      toPrices(await sim.simulate({ ...request, seed: `${run}` }), STEPS, COUNT, anchor),
    ),
    0.5,
  );
  progress('placed paths');
  const place = placePlan(
    { source_paths: SOURCE_PATHS, sweeps: sweepsFor(DAY_S), laws: [] },
    scoringIntervals(rules),
    STEP_S,
    STEPS,
  );
  const placed_ms = quantile(
    await timed(9, async (run) =>
      toPrices(await sim.simulate({ ...request, seed: `${run}`, place }), STEPS, COUNT, anchor),
    ),
    0.5,
  );
  const plain_ms = quantile(
    await timed(10, (run) =>
      plainPaths(manifest.params as unknown as PlainGarch, COUNT, STEPS + 1, anchor, `${run}`),
    ),
    0.5,
  );

  progress('scores');
  const paths = toPrices(await sim.simulate({ ...request, seed: 'score' }), STEPS, COUNT, anchor);
  await sim.close();
  const real = gridPrices(bars, cutoff_s, DAY_S, STEP_S);
  const intervals = scoringIntervals(rules);
  const ours = scorePaths(paths, real, STEP_S, intervals).total;
  const theirs = plainScore(paths, real, STEP_S, intervals);
  if (!(Math.abs(ours - theirs) < 1e-6 * theirs)) throw new Error(`scores differ: ${ours} and ${theirs}`);
  const crps_ms = quantile(await timed(20, () => scorePaths(paths, real, STEP_S, intervals)), 0.5);
  const gufunc_ms = quantile(await timed(5, () => plainScore(paths, real, STEP_S, intervals)), 0.5);

  const compiled = compiledScore(paths, real, STEP_S, intervals);
  if (compiled === null) progress('crps24h: no python with numba; set SWARM_PYTHON to one');
  else if (!(Math.abs(compiled.total - ours) < 1e-9 * ours))
    throw new Error(`scores differ: ${ours} and ${compiled.total}`);

  progress('experiment');
  const experiment_s = await oneExperiment(bars, cutoff_s);
  progress('experiments in a row');
  const per_hour = await experimentsPerHour(bars, cutoff_s);
  progress('memory over 2,000 experiments');
  const memory = await memoryOver(2000, bars, cutoff_s);
  return [
    figure(
      'crps24h',
      'ms',
      crps_ms,
      compiled?.ms ?? gufunc_ms,
      `score of a 1000 x 289 prompt; reference: properscoring's loop, ${compiled === null ? 'interpreted' : 'compiled by numba'}`,
    ),
    figure(
      'paths_plain',
      'ms',
      paths_ms,
      plain_ms,
      '1000 x 289 paths of a fitted garch_t; reference: a plain loop',
    ),
    figure(
      'paths_placed',
      'ms',
      placed_ms,
      plain_ms,
      `the same, placed from ${SOURCE_PATHS} simulated paths; reference: the plain loop`,
    ),
    figure(
      'experiments_per_hour',
      '1/h',
      per_hour,
      1000,
      `garch_t specs one after the other, ${WINDOWS} windows each; reference: the aim`,
    ),
    figure(
      'memory_growth',
      'MiB',
      memory.end,
      memory.begin,
      'resident after 2,000 experiments; reference: after 200',
    ),
    figure(
      'experiment_s',
      's',
      experiment_s,
      calibration(),
      `fit on ${TRAIN_DAYS} days of 5 min bars and ${WINDOWS} windows; reference: 2e8 logistic maps`,
    ),
  ];
};

/** One experiment's input, of `count` public windows. */
function inputFor(bars: Bars, cutoff_s: number, of: Spec, count: number): ExperimentInput {
  const from_s = cutoff_s + DAY_S;
  const starts = windowStarts(from_s, from_s + (WINDOWS / 2 + 1) * DAY_S, {
    stride_s: DAY_S / 2,
    horizon_s: DAY_S,
    max: WINDOWS,
  }).slice(0, count);
  return {
    slot: '24h/BTC',
    competition: { horizon_s: DAY_S, increment_s: STEP_S, intervals: scoringIntervals(rules) },
    bars,
    ...meta,
    lag: Math.min(2, count - 1),
    paths: COUNT,
    lookback_bars: (10 * DAY_S) / STEP_S,
    spec: of,
    data_cutoff_s: cutoff_s,
    train_bars: (TRAIN_DAYS * DAY_S) / STEP_S,
    starts,
    min_windows: count,
  };
}

/** Seconds for fit and score; the yardstick's scores are known by then, as they are to an agent at work. */
async function oneExperiment(bars: Bars, cutoff_s: number): Promise<number> {
  const [spent_ms] = await timed(1, () => experiment(inputFor(bars, cutoff_s, spec, WINDOWS)));
  return spent_ms! / 1000;
}

/** Different specs in a row for half a minute. */
async function experimentsPerHour(bars: Bars, cutoff_s: number): Promise<number> {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < 30_000) {
    const next: Spec = { ...spec, gjr: done % 2 === 0, history_bars: 400 + 16 * done };
    await experiment(inputFor(bars, cutoff_s, next, WINDOWS));
    done += 1;
  }
  return (done * 3_600_000) / (performance.now() - began);
}

/** Resident MiB after a tenth and after all of `count` small experiments: fit, compile, open, score, close. */
async function memoryOver(
  count: number,
  bars: Bars,
  cutoff_s: number,
): Promise<{ begin: number; end: number }> {
  const resident = (): number => process.memoryUsage().rss / 2 ** 20;
  let begin = 0;
  for (let i = 0; i < count; i++) {
    const next: Spec = {
      family: 'ewma_t',
      horizon_s: DAY_S,
      half_life_s: 3600 + i,
      scale: 0.9,
      nu: 5 + (i % 20),
    };
    await experiment(inputFor(bars, cutoff_s, next, 3));
    if (i + 1 === count / 10) begin = resident();
  }
  return { begin, end: resident() };
}
