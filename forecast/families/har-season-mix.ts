// har_season_mix: volatility of every step forecast directly from recent moves over many spans, the calendar and the
// profile of the week; block laws are mixtures of normals; everything is fitted to the score itself.
// Promises: bars may be missing; closed hours stay closed; its manifest states how paths are placed on its laws.
// Leaves to others: search over its spec. Heterogeneous spans after Corsi (2009), J. Financial Econometrics 7(2).
import { z } from 'zod';
import { mixtureMap } from '../compose/mixture.js';
import { type DirectFit, fitDirect } from '../direct/fit.js';
import { type DirectModel, directGraph, directShape } from '../direct/graph.js';
import { type Law, lawDeviation } from '../direct/law.js';
import { directReturns } from '../direct/native.js';
import type { DirectPlan } from '../direct/plan.js';
import type { StatePlan } from '../direct/state.js';
import { type Blocks, directSet, rowWidth, type SetOptions, termsOf } from '../direct/windows.js';
import { ForecastError } from '../errors.js';
import { trainingReturns } from '../fit/training.js';
import { MAX_HISTORY_BARS } from '../onnx/contract.js';
import { buildModel, type ModelShape } from '../onnx/graph.js';
import { fitProfile, type ProfileParams } from '../profile/index.js';
import { sweepsFor } from '../sampler/plan.js';
import type { CompileContext, Fitted, MemberFamily, TrainingData } from './family.js';
import { type HarSeasonMixSpec, harSeasonMixSchema, harSeasonMixStart } from './har-season-mix-spec.js';
import { parseParams } from './params.js';

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

const HOUR = 3600;
const ROUGH_STEPS = 6;
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

/** An entry of a sampling's laws. */
interface StatedLaw {
  readonly seconds: number;
  readonly first: boolean;
  readonly law: Law;
}

export const harSeasonMix: MemberFamily<HarSeasonMixSpec> = {
  name: 'har_season_mix',
  schema: harSeasonMixSchema,
  knobs: {
    ridge: { min: 0.1, max: 100, log: true },
    season_ridge: { min: 0.5, max: 100, log: true },
    stride_s: { min: 1200, max: 6 * HOUR, log: true, integer: true },
  },
  start: harSeasonMixStart,
  historyBars,
  wholeBars: () => 0,
  choices: { weights: ['own', 'pooled'] },
  pooled: (spec) => spec.weights === 'pooled',
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
  compile: (fitted, ctx) =>
    buildModel(shape(ctx.spec, ctx.step_s), (g) => directGraph(g, modelOf(fitted, ctx))),
  part: {
    shape,
    graph: (g, fitted, ctx) => directGraph(g, withTails(modelOf(fitted, ctx), fitted, ctx)),
    simulator(fitted, ctx) {
      const model = withTails(modelOf(fitted, ctx), fitted, ctx);
      return (request) => directReturns(model, request);
    },
    week: (params, { profile }) => ({ profile, params }),
  },
  sampling: (fitted, ctx) => ({
    source_paths: ctx.spec.source_paths,
    sweeps: sweepsFor(ctx.spec.horizon_s),
    laws: lawsOf(fitted, ctx),
  }),
};

function shape(spec: HarSeasonMixSpec, step_s: number): ModelShape {
  return directShape(historyBars(spec, step_s));
}

function modelOf(fitted: Fitted, { spec, step_s }: CompileContext<HarSeasonMixSpec>): DirectModel {
  const p = parseParams('har_season_mix', paramsSchema, fitted);
  return {
    bars: historyBars(spec, step_s),
    step_s,
    state: statePlan(spec, step_s),
    knots: directPlan(spec, step_s).knots,
    weights: p.weights,
    season: p.season,
    pathSpread: p.path_spread,
    profile: spec.profile,
    profileParams: p,
  };
}

function lawsOf(fitted: Fitted, { spec, step_s }: CompileContext<HarSeasonMixSpec>): StatedLaw[] {
  const { laws } = parseParams('har_season_mix', paramsSchema, fitted);
  const blocks = blocksIn(spec, step_s);
  const size = laws.length / blocks.length / 2;
  return blocks.map((b, g) => ({
    seconds: b.steps * step_s,
    first: b.first,
    law: {
      weights: laws.slice(2 * g * size, (2 * g + 1) * size),
      scales: laws.slice((2 * g + 1) * size, (2 * g + 2) * size),
    },
  }));
}

/** Inside another model no law is placed: a step's shocks follow that of the shortest blocks themselves. */
function withTails(m: DirectModel, fitted: Fitted, ctx: CompileContext<HarSeasonMixSpec>): DirectModel {
  const { law } = lawsOf(fitted, ctx).reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const deviation = lawDeviation(law);
  return {
    ...m,
    shock: mixtureMap(
      law.weights,
      law.scales.map((v) => v / deviation),
    ),
  };
}

function flattened(fit: DirectFit): Fitted {
  const round = (v: number): number => Number(v.toPrecision(9));
  return {
    weights: Array.from(fit.weights, round),
    laws: fit.laws.flatMap((l) => [...l.weights, ...l.scales].map(round)),
    season: Array.from(fit.season[0], round),
    path_spread: round(fit.pathSpread),
  };
}
