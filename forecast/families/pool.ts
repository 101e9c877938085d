// pool: several models in one; each simulates its share of the paths.
// Promises: a linear pool of its members' laws, up to rounding shares to whole paths.
// Leaves to others: the members, and the score that weights minimise (fit/pool.ts).
import { z } from 'zod';
import { ForecastError } from '../errors.js';
import { addScore, emptyScores, poolWeights } from '../fit/pool.js';
import type { TrainingData } from '../fit/training.js';
import { buildModel, type GraphBuilder, type ModelShape, renamed } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { rng } from '../rng.js';
import type { CompileContext, Family, Fitted, Knob } from './family.js';
import { noiseAxis } from './innovation.js';
import { parseParams } from './params.js';
import type { MemberSpec, PoolSpec, poolSchema, Spec } from './spec.js';

type Members = Readonly<Record<MemberSpec['family'], Family<Spec>>>;

const MAX_MEMBERS = 6;
/** Weights are judged at this many origins in the last third of the training bars, by as many paths of each member. */
const ORIGINS = 60;
const MIN_ORIGINS = 20;
const PATHS = 48;
const JUDGED_SHARE = 1 / 3;

export function poolFamily(members: Members, schema: typeof poolSchema): Family<PoolSpec> {
  const family = (m: MemberSpec): Family<Spec> => members[m.family];
  const historyBars = (spec: PoolSpec, step_s: number): number =>
    Math.max(...spec.members.map((m) => family(m).historyBars(m, step_s)));
  const shape = (spec: PoolSpec, step_s: number): ModelShape => {
    const shapes = spec.members.map((m) => partOf(family(m)).shape(m, step_s));
    const most = (of: (s: ModelShape) => number) => Math.max(...shapes.map(of));
    return {
      historyBars: historyBars(spec, step_s),
      calendarColumns: most((s) => s.calendarColumns),
      noiseColumns: most((s) => s.noiseColumns),
    };
  };
  const graph = (g: GraphBuilder, fitted: Fitted, ctx: CompileContext<PoolSpec>) =>
    poolGraph(g, fitted, ctx, family, shape(ctx.spec, ctx.step_s));
  return {
    name: 'pool',
    schema,
    knobs: {},
    nested: memberKnobs(members),
    start: (asset, horizon_s) => ({
      family: 'pool',
      horizon_s,
      members: (['ewma_t', 'garch_t'] as const).map(
        (name) => members[name].start(asset, horizon_s) as MemberSpec,
      ),
      weights: 'fit',
    }),
    historyBars,
    fit(train, spec) {
      const fits = spec.members.map((m) => family(m).fit(train, m));
      const weights = spec.weights === 'fit' ? fitWeights(train, spec, fits, family) : spec.weights;
      const own = fits.flatMap((fit, k) =>
        Object.entries(fit).map(([name, v]) => [`${k}.${name}`, v] as const),
      );
      return { ...Object.fromEntries(own), weights };
    },
    compile: (fitted, ctx) => buildModel(shape(ctx.spec, ctx.step_s), (g) => graph(g, fitted, ctx)),
    part: { shape, graph },
  };
}

function partOf(family: Family<Spec>): NonNullable<Family<Spec>['part']> {
  if (family.part) return family.part;
  const hint = 'leave it out of the pool';
  throw new ForecastError('SWARM_E_SPEC_INVALID', `${family.name} cannot be part of another model`, hint);
}

/** The members' own knobs, by place. */
function memberKnobs(members: Members): Readonly<Record<string, Knob>> {
  const out: Record<string, Knob> = {};
  for (let k = 0; k < MAX_MEMBERS; k++)
    for (const { name, knobs, nested } of Object.values(members))
      for (const [path, knob] of Object.entries(name === 'gbm' ? {} : { ...knobs, ...nested }))
        out[`members.${k}.${path}`] = knob;
  return out;
}

/** What member k's fit returned. Throws SWARM_E_SPEC_INVALID for parameters of no member. */
function fittedOf(fitted: Fitted, k: number): Fitted {
  const prefix = `${k}.`;
  const own = Object.entries(fitted).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

function poolGraph(
  g: GraphBuilder,
  fitted: Fitted,
  { spec, step_s }: CompileContext<PoolSpec>,
  family: (m: MemberSpec) => Family<Spec>,
  whole: ModelShape,
): string {
  const weightsSchema = z.object({ weights: z.array(z.number().min(0)).length(spec.members.length) });
  const { weights } = parseParams('pool', weightsSchema, fitted);
  const paths = g.op('Cast', [noiseAxis(g, 1)], { to: ELEMENT.DOUBLE });
  const ends = weights.map((_, k) => {
    if (k === weights.length - 1) return noiseAxis(g, 1);
    const share = weights.slice(0, k + 1).reduce((a, b) => a + b, 0);
    const end = g.op('Round', [g.op('Mul', [paths, g.doubles([Math.min(1, share)])])]);
    return g.op('Cast', [end], { to: ELEMENT.INT64 });
  });
  const parts = spec.members.map((m, k) => {
    const part = partOf(family(m));
    const { historyBars, noiseColumns } = part.shape(m, step_s);
    const [from, one] = [k === 0 ? g.ints([0], [1]) : ends[k - 1], g.ints([1], [1])];
    // At least one path is simulated, and then left out: not every operator takes an empty slice.
    const first = g.op('Min', [from, g.op('Sub', [noiseAxis(g, 1), one])]);
    const last = g.op('Max', [ends[k], g.op('Add', [first, one])]);
    let noise = g.op('Slice', ['noise', first, last, one]);
    if (noiseColumns < whole.noiseColumns)
      noise = g.op('Slice', [noise, g.ints([0], [1]), g.ints([noiseColumns], [1]), g.ints([2], [1])]);
    const history =
      historyBars === whole.historyBars
        ? 'history'
        : g.op('Slice', [
            'history',
            g.ints([whole.historyBars - historyBars], [1]),
            g.ints([whole.historyBars], [1]),
          ]);
    const returns = part.graph(renamed(g, { noise, history }), fittedOf(fitted, k), { spec: m, step_s });
    return g.op('Slice', [returns, g.ints([0], [1]), g.op('Sub', [ends[k], from]), one]);
  });
  return g.op('Concat', parts, { axis: 1 });
}

/**
 * Weights by CRPS of block sums in the last third of the bars; equal where too few origins have a whole history and
 * horizon. The members saw these bars when they were fitted: they have few parameters and many returns.
 */
function fitWeights(
  train: TrainingData,
  spec: PoolSpec,
  fits: readonly Fitted[],
  family: (m: MemberSpec) => Family<Spec>,
): number[] {
  const { step_s } = train;
  const steps = Math.max(1, Math.round(spec.horizon_s / step_s));
  const bars = Math.max(...spec.members.map((m) => family(m).historyBars(m, step_s)));
  const origins = originsOf(train, bars, steps);
  if (origins.length < MIN_ORIGINS) return spec.members.map(() => 1 / spec.members.length);
  const scores = emptyScores(spec.members.length);
  for (const { run, end } of origins) {
    const logs = train.segments[run];
    const noise = [0, 1, 2, 3].map((k) => {
      const column = new Float32Array(steps * PATHS);
      rng(`forecast/pool/${run}/${end}/${k}`).fillNormal(column);
      return column;
    });
    const start_s = train.starts_s[run] + end * step_s;
    const simulated = spec.members.map((m, k) => {
      const simulate = partOf(family(m)).simulate;
      if (!simulate) throw weightless(m.family);
      const history = logs.subarray(end - family(m).historyBars(m, step_s), end);
      const request = { history, start_s, steps, paths: PATHS, noise };
      return simulate(fits[k], { spec: m, step_s }, request);
    });
    for (let length = 1; length <= steps; length = length < steps ? Math.min(steps, length * 6) : steps + 1) {
      // The first and the last steps; one of many blocks speaks for all of its length, as the subnet sums them.
      for (const lead of new Set([0, steps - length])) {
        const draws = simulated.map((returns) => blockSums(returns, lead, length));
        const y = logs[end - 1 + lead + length] - logs[end - 1 + lead];
        addScore(scores, draws, y, steps / length);
      }
    }
  }
  return poolWeights(train, scores);
}

function weightless(name: string): ForecastError {
  const hint = 'give weights as numbers';
  return new ForecastError('SWARM_E_SPEC_INVALID', `weights of a pool with ${name} cannot be fitted`, hint);
}

/** Ends of histories (exclusive bar indices) with a whole horizon after them, evenly over the last third of the bars. */
function originsOf(train: TrainingData, bars: number, steps: number): { run: number; end: number }[] {
  const total = train.segments.reduce((n, s) => n + s.length, 0);
  const all: { run: number; end: number }[] = [];
  let before = 0;
  train.segments.forEach((logs, run) => {
    const first = Math.max(bars, Math.ceil(total * (1 - JUDGED_SHARE)) - before);
    for (let end = first; end + steps <= logs.length; end++) all.push({ run, end });
    before += logs.length;
  });
  const stride = Math.max(1, Math.floor(all.length / ORIGINS));
  return all.filter((_, i) => i % stride === 0);
}

/** Sum of `length` steps from `lead` on, by path. */
function blockSums(returns: Float64Array, lead: number, length: number): Float64Array {
  const sums = new Float64Array(PATHS);
  for (let h = lead; h < lead + length; h++)
    for (let i = 0; i < PATHS; i++) sums[i] += returns[h * PATHS + i];
  return sums;
}
