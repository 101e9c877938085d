// har_season_mix: volatility of every step forecast directly from recent moves over many spans, the calendar and the
// profile of the week; block laws are mixtures of normals; everything is fitted to the score itself.
// Promises: bars may be missing; closed hours stay closed; its manifest states how paths are placed on its laws.
// Leaves to others: search over its spec. Heterogeneous spans after Corsi (2009), J. Financial Econometrics 7(2).
import { z } from 'zod';
import { type DirectFit, type DirectPlan, fitDirect } from '../direct/fit.js';
import { compileDirect } from '../direct/graph.js';
import type { StatePlan } from '../direct/state.js';
import { type Blocks, directSet, rowWidth, type SetOptions, termsOf } from '../direct/windows.js';
import { ForecastError } from '../errors.js';
import { trainingReturns } from '../fit/training.js';
import { MAX_HISTORY_BARS } from '../onnx/contract.js';
import { fitProfile, type ProfileParams, profileSchema } from '../profile/index.js';
import type { Family, Fitted, TrainingData } from './family.js';
import { parseParams } from './params.js';
import { horizon, scoredBlocks_s } from './spec-fields.js';

const seconds = z
  .number()
  .int()
  .min(60)
  .max(90 * 86_400);
const spans = z.array(seconds).max(12);

export const harSeasonMixSchema = z
  .strictObject({
    family: z.literal('har_season_mix'),
    horizon_s: horizon,
    profile: profileSchema,
    /** Half-lives of mean |return|, ascending; `level_s`, one of them, carries the level. */
    half_lives_s: spans.min(2),
    level_s: seconds,
    /** Half-lives of signed returns, and of how rough moves are compared with moves of a block. */
    signed_s: spans,
    rough_s: spans,
    /** Grid of history, seconds. */
    window_s: seconds,
    /** Horizons at which weights are free. */
    knots_s: z.array(z.number().int().min(1)).min(2).max(10),
    /** Lengths of the blocks that are fitted, and of first blocks. */
    blocks_s: z.array(seconds).min(1).max(8),
    first_s: z.array(seconds).max(16),
    ridge: z.number().min(0.001).max(1000),
    season_ridge: z.number().min(0.1).max(1000),
    /** Between training windows. */
    stride_s: seconds,
    /** 'pooled': shared with other assets, which the training data must bring along. */
    weights: z.enum(['own', 'pooled']),
    source_paths: z.number().int().min(1000).max(50_000),
  })
  .refine((s) => s.half_lives_s.includes(s.level_s), { message: 'level_s must be one of half_lives_s' });
export type HarSeasonMixSpec = z.infer<typeof harSeasonMixSchema>;

const list = z.array(z.number());
const paramsSchema = z.strictObject({
  weights: list,
  /** Per block group: weights, then scales of its mixture. */
  laws: list,
  season: list,
  /** Standard deviation of log volatility from path to path. */
  path_spread: z.number().min(0).max(1),
  day: list,
  hour: list,
  minute: list,
  closed: list,
  gaps: list,
});

const DAY = 86_400;
const HOUR = 3600;
const ROUGH_STEPS = 6;
const SWEEPS = 3;
/** Pooled windows of other assets: one to this many of the asset's own. */
const PEER_STRIDE = 2;

function statePlan(spec: HarSeasonMixSpec, step_s: number): StatePlan {
  return {
    half_lives_s: spec.half_lives_s,
    reference: spec.half_lives_s.indexOf(spec.level_s),
    signed_s: spec.signed_s,
    rough_s: spec.rough_s,
    block: ROUGH_STEPS,
    window: historyBars(spec, step_s) - 1,
  };
}

function historyBars(spec: HarSeasonMixSpec, step_s: number): number {
  const bars = Math.ceil(spec.window_s / step_s) + 1;
  if (bars <= MAX_HISTORY_BARS) return bars;
  const hint = `at a step of ${step_s} s window_s is at most ${(MAX_HISTORY_BARS - 1) * step_s}`;
  throw new ForecastError('SWARM_E_SPEC_INVALID', `har_season_mix would read ${bars} bars`, hint);
}

function blocksIn(spec: HarSeasonMixSpec, step_s: number): Blocks[] {
  const steps = spec.horizon_s / step_s;
  const inSteps = (s: number): number => Math.round(s / step_s);
  const fits = (n: number): boolean => n >= 1 && n <= steps;
  return [
    ...spec.blocks_s.map((s) => ({ steps: inSteps(s), first: inSteps(s) === steps })),
    ...spec.first_s.map((s) => ({ steps: inSteps(s), first: true })),
  ].filter((b) => fits(b.steps));
}

function directPlan(spec: HarSeasonMixSpec, step_s: number): DirectPlan {
  const steps = spec.horizon_s / step_s;
  if (!Number.isInteger(steps))
    throw new ForecastError(
      'SWARM_E_SPEC_INVALID',
      `a horizon of ${spec.horizon_s} s has no whole number of steps of ${step_s} s`,
      'choose a horizon that is a multiple of the step',
    );
  const blocks = blocksIn(spec, step_s);
  const knots = [...new Set(spec.knots_s.map((s) => Math.min(steps, Math.max(1, Math.round(s / step_s)))))];
  if (blocks.length === 0 || knots.length < 2)
    throw new ForecastError(
      'SWARM_E_SPEC_INVALID',
      `no block or fewer than two knots lie within ${spec.horizon_s} s at steps of ${step_s} s`,
      'give blocks_s and knots_s within the horizon',
    );
  return {
    steps,
    step_s,
    width: rowWidth(statePlan(spec, step_s)),
    knots: knots.sort((a, b) => a - b),
    terms: termsOf(blocks, steps),
    groups: blocks.length,
    ridge: spec.ridge,
    season_ridge: spec.season_ridge,
  };
}

function pooledSets(
  train: TrainingData,
  spec: HarSeasonMixSpec,
  options: Omit<SetOptions, 'profileParams' | 'stride_s'>,
  own: ProfileParams,
): ReturnType<typeof directSet>[] {
  const first = directSet(train, { ...options, profileParams: own, stride_s: spec.stride_s });
  if (spec.weights === 'own') return [first];
  const peers = train.peers ?? [];
  if (peers.length === 0)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${train.asset}: a pooled fit was given no other asset`,
      'train with peers, or set weights to own',
    );
  const stride_s = spec.stride_s * PEER_STRIDE;
  return [
    first,
    ...peers.map((peer) =>
      directSet(peer, { ...options, profileParams: fitProfile(peer, spec.profile), stride_s }),
    ),
  ];
}

export const harSeasonMix: Family<HarSeasonMixSpec> = {
  name: 'har_season_mix',
  schema: harSeasonMixSchema,
  knobs: {
    ridge: { min: 0.1, max: 100, log: true },
    season_ridge: { min: 0.5, max: 100, log: true },
    stride_s: { min: 1200, max: 6 * HOUR, log: true, integer: true },
  },
  start: (asset, horizon_s) => {
    const spec = horizon_s > 3 * HOUR ? dayStart(horizon_s) : hourStart(horizon_s);
    return CLOSING.has(asset)
      ? { ...spec, profile: { ...closingWeek, holidays: asset.endsWith('X') } }
      : spec;
  },
  historyBars,
  gaps: true,
  fit(train, spec): Fitted {
    const plan = directPlan(spec, train.step_s);
    // Refuses what does not move before anything is learned from it.
    trainingReturns(train);
    const profileParams = fitProfile(train, spec.profile);
    const options = {
      plan: statePlan(spec, train.step_s),
      profile: spec.profile,
      steps: plan.steps,
      terms: plan.terms,
    };
    const fit = fitDirect(pooledSets(train, spec, options, profileParams), plan);
    return { ...profileParams, ...flattened(fit) };
  },
  compile(fitted, { spec, step_s }) {
    const p = parseParams('har_season_mix', paramsSchema, fitted);
    const plan = directPlan(spec, step_s);
    return compileDirect({
      bars: historyBars(spec, step_s),
      step_s,
      state: statePlan(spec, step_s),
      knots: plan.knots,
      weights: p.weights,
      season: p.season,
      pathSpread: p.path_spread,
      profile: spec.profile,
      profileParams: p,
    });
  },
  sampling(fitted, { spec, step_s }) {
    const { laws } = parseParams('har_season_mix', paramsSchema, fitted);
    const blocks = blocksIn(spec, step_s);
    const size = laws.length / blocks.length / 2;
    return {
      source_paths: spec.source_paths,
      sweeps: SWEEPS,
      laws: blocks.map((b, g) => ({
        seconds: b.steps * step_s,
        first: b.first,
        law: {
          weights: laws.slice(2 * g * size, (2 * g + 1) * size),
          scales: laws.slice((2 * g + 1) * size, (2 * g + 2) * size),
        },
      })),
    };
  },
};

function flattened(fit: DirectFit): Fitted {
  const round = (v: number): number => Number(v.toPrecision(9));
  return {
    weights: Array.from(fit.weights, round),
    laws: fit.laws.flatMap((l) => [...l.weights, ...l.scales].map(round)),
    season: Array.from(fit.season[0], round),
    path_spread: round(fit.pathSpread),
  };
}

const week = {
  kind: 'week',
  clock: 'utc',
  closed: 'never',
  holidays: false,
  closed_share: 0,
} as const;

/** Assets whose home market closes at night or at weekends; shares (AAPLX, ...) on New York's holidays too. */
const CLOSING: ReadonlySet<string> = new Set(['XAU', 'WTIOIL', 'SPYX', 'NVDAX', 'TSLAX', 'AAPLX', 'GOOGLX']);
const closingWeek = {
  kind: 'week',
  clock: 'new_york',
  closed: 'learned',
  holidays: true,
  closed_share: 0,
} as const;

function dayStart(horizon_s: number): HarSeasonMixSpec {
  return {
    family: 'har_season_mix',
    horizon_s,
    profile: week,
    half_lives_s: [1800, HOUR, 3 * HOUR, 8 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 25 * DAY],
    level_s: DAY,
    signed_s: [HOUR, 8 * HOUR, 3 * DAY],
    rough_s: [12 * HOUR, 3 * DAY],
    window_s: 60 * DAY,
    knots_s: [300, 900, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR],
    blocks_s: scoredBlocks_s(horizon_s),
    first_s: [],
    ridge: 2,
    season_ridge: 3,
    stride_s: 2 * HOUR,
    weights: 'own',
    source_paths: 4000,
  };
}

function hourStart(horizon_s: number): HarSeasonMixSpec {
  return {
    family: 'har_season_mix',
    horizon_s,
    profile: week,
    half_lives_s: [120, 300, 600, 1800, HOUR, 3 * HOUR, 8 * HOUR, DAY, 3 * DAY],
    level_s: 1800,
    signed_s: [300, 1800, 4 * HOUR],
    rough_s: [HOUR, 6 * HOUR],
    window_s: 10 * DAY,
    knots_s: [60, 240, 900, HOUR],
    blocks_s: scoredBlocks_s(horizon_s),
    first_s: [300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300],
    ridge: 2,
    season_ridge: 3,
    stride_s: 1200,
    weights: 'own',
    source_paths: 4000,
  };
}
