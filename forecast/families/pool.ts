// pool: several models in one; each simulates its share of the paths.
// Promises: a linear pool of its members' laws, up to rounding shares to whole paths.
// Leaves to others: the members, and the score that weights minimise (fit/pool.ts).
import { z } from 'zod';
import { fitRecalibration } from '../compose/fit-recalibration.js';
import { recalibrationParams, samplingOf } from '../compose/recalibration.js';
import { recalibrationChoices } from '../compose/space.js';
import { buildModel, type GraphBuilder, type ModelShape, renamed } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import type { CompileContext, Family, Fitted, Knob, MemberFamily, NativeSimulator } from './family.js';
import { noiseAxis } from './innovation.js';
import { parseParams } from './params.js';
import { fitWeights } from './pool-weights.js';
import type { MemberSpec, PoolSpec, poolSchema, Spec } from './spec.js';

type Members = Readonly<Record<MemberSpec['family'], MemberFamily<Spec>>>;

const MAX_MEMBERS = 6;

export function poolFamily(members: Members, schema: typeof poolSchema): Family<PoolSpec> {
  const family = (m: MemberSpec): MemberFamily<Spec> => members[m.family];
  const historyBars = (spec: PoolSpec, step_s: number): number =>
    Math.max(...spec.members.map((m) => family(m).historyBars(m, step_s)));
  const wholeBars = (spec: PoolSpec, step_s: number): number =>
    Math.max(...spec.members.map((m) => family(m).wholeBars(m, step_s)));
  const shape = (spec: PoolSpec, step_s: number): ModelShape => {
    const shapes = spec.members.map((m) => family(m).part.shape(m, step_s));
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
    choices: { recalibration: recalibrationChoices },
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
    wholeBars,
    observedBars(spec, step_s) {
      const each = spec.members.map((m) => family(m).observedBars?.(m, step_s) ?? 0);
      return Math.max(...each) || undefined;
    },
    pooled: (spec) => spec.members.some((m) => family(m).pooled?.(m) ?? false),
    fit(train, spec) {
      const fits = spec.members.map((m) => family(m).fit(train, m));
      const weights = spec.weights === 'fit' ? fitWeights(train, spec, fits, family) : spec.weights;
      const own = fits.flatMap((fit, k) =>
        Object.entries(fit).map(([name, v]) => [`${k}.${name}`, v] as const),
      );
      const fitted: Fitted = { ...Object.fromEntries(own), weights };
      if (spec.recalibration?.kind !== 'interval') return fitted;
      const ctx = { spec, step_s: train.step_s };
      const weeks = spec.members.map((m, k) => family(m).part.week(fits[k], m));
      const uncorrected = {
        horizon_s: spec.horizon_s,
        bars: historyBars(spec, train.step_s),
        whole: wholeBars(spec, train.step_s),
        columns: shape(spec, train.step_s).noiseColumns,
        week: weeks.find((w) => w?.profile.closed === 'learned'),
        simulate: poolSimulator(fitted, ctx, family),
      };
      return { ...fitted, ...fitRecalibration(train, uncorrected) };
    },
    sampling(fitted, ctx) {
      parseParams('pool', z.object(recalibrationParams(ctx.spec, ctx.step_s)), fitted);
      return ctx.spec.recalibration && samplingOf(fitted, ctx);
    },
    compile: (fitted, ctx) => buildModel(shape(ctx.spec, ctx.step_s), (g) => graph(g, fitted, ctx)),
  };
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

function weightsOf(fitted: Fitted, spec: PoolSpec): readonly number[] {
  const weightsSchema = z.object({ weights: z.array(z.number().min(0)).length(spec.members.length) });
  return parseParams('pool', weightsSchema, fitted).weights;
}

/** The pool without a graph: each member its share of the paths, in the order of the members. */
export function poolSimulator(
  fitted: Fitted,
  { spec, step_s }: CompileContext<PoolSpec>,
  family: (m: MemberSpec) => MemberFamily<Spec>,
): NativeSimulator {
  const weights = weightsOf(fitted, spec);
  const members = spec.members.map((m, k) => ({
    bars: family(m).historyBars(m, step_s),
    simulate: family(m).part.simulator(fittedOf(fitted, k), { spec: m, step_s }),
  }));
  return ({ history, start_s, steps, paths, noise }) => {
    const out = new Float64Array(steps * paths);
    let [from, share] = [0, 0];
    for (const [k, { bars, simulate }] of members.entries()) {
      share += weights[k];
      const to = k === members.length - 1 ? paths : Math.round(paths * Math.min(1, share));
      const width = to - from;
      const own = noise.map((column) => columnsFrom(column, steps, paths, from, to));
      const request = { history: history.subarray(history.length - bars), start_s, steps, paths: width };
      const returns = simulate({ ...request, noise: own });
      for (let h = 0; h < steps; h++) out.set(returns.subarray(h * width, (h + 1) * width), h * paths + from);
      from = to;
    }
    return out;
  };
}

/** Columns [from, to) of a matrix [rows x width]. */
function columnsFrom(
  matrix: Float32Array,
  rows: number,
  width: number,
  from: number,
  to: number,
): Float32Array {
  const out = new Float32Array(rows * (to - from));
  for (let h = 0; h < rows; h++) out.set(matrix.subarray(h * width + from, h * width + to), h * (to - from));
  return out;
}

function poolGraph(
  g: GraphBuilder,
  fitted: Fitted,
  { spec, step_s }: CompileContext<PoolSpec>,
  family: (m: MemberSpec) => MemberFamily<Spec>,
  whole: ModelShape,
): string {
  const weights = weightsOf(fitted, spec);
  const paths = g.op('Cast', [noiseAxis(g, 1)], { to: ELEMENT.DOUBLE });
  const ends = weights.map((_, k) => {
    if (k === weights.length - 1) return noiseAxis(g, 1);
    const share = weights.slice(0, k + 1).reduce((a, b) => a + b, 0);
    const end = g.op('Round', [g.op('Mul', [paths, g.doubles([Math.min(1, share)])])]);
    return g.op('Cast', [end], { to: ELEMENT.INT64 });
  });
  const parts = spec.members.map((m, k) => {
    const part = family(m).part;
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
