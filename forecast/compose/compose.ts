// One model from its components: volatility, profile, innovation, dynamics, level and recalibration, fitted in turn.
// Promises: every combination fits and compiles alike; a return is
//   level x factor of the profile x deviation of the volatility x (shock through the bounce),
// and recalibration says whether paths are drawn from that law or placed on it, corrected by block length.
// Leaves to others: what each component is.
import { assetClass } from '../asset-class.js';
import type { CompileContext, Fitted, MemberFamily } from '../families/family.js';
import { fitLevel } from '../fit/level.js';
import { fitTail } from '../fit/tail.js';
import type { TrainingData } from '../fit/training.js';
import { buildModel } from '../onnx/graph.js';
import { homeWeek } from '../profile/home-week.js';
import { bounceOf, bouncePath, fitBounce, shocksOf } from './bounce.js';
import { type Components, innovationOf } from './components.js';
import { composedGraph } from './composed-graph.js';
import { fitRecalibration } from './fit-recalibration.js';
import { fitShape } from './fit-shape.js';
import { nativeModel } from './native.js';
import { partsOf } from './parts.js';
import { identity, samplingOf } from './recalibration.js';
import { deseasonalised, weekOf } from './season.js';
import { columnsOf, shapeOf } from './shape.js';
import { commonKnobs, componentChoices, componentKnobs } from './space.js';
import { barsRead, keepsHours } from './trading-time.js';
import type { Filtered, Volatility } from './volatility.js';

/** A volatility's parameters; undefined: not of this spec. */
type Known = Readonly<Record<string, number | readonly number[] | undefined>>;

/** A family from its volatility process. */
export function composed<S extends Components, P extends Known>(
  volatility: Volatility<S, P>,
): MemberFamily<S> {
  const shape = (spec: S, step_s: number) => ({
    historyBars: barsRead(volatility, spec, step_s),
    calendarColumns: spec.profile === undefined ? 4 : 7,
    noiseColumns: columnsOf(innovationOf(spec), volatility.ownNoise).count,
  });
  const historyBars = (spec: S, step_s: number) => barsRead(volatility, spec, step_s);
  // In trading time the newest price alone is indispensable, for the path begins at it.
  const wholeBars = (spec: S, step_s: number) => (keepsHours(spec.profile) ? 1 : historyBars(spec, step_s));
  const part = {
    shape,
    graph: (g: Parameters<typeof composedGraph>[0], fitted: Fitted, ctx: CompileContext<S>) =>
      composedGraph(g, volatility, partsOf(volatility, fitted, ctx), ctx),
    simulator: (fitted: Fitted, ctx: CompileContext<S>) => nativeModel(volatility, fitted, ctx),
    week: (fitted: Fitted, spec: S) => weekOf(spec, fitted),
  };
  return {
    name: volatility.name,
    schema: volatility.schema,
    knobs: { ...volatility.knobs, ...commonKnobs },
    nested: componentKnobs,
    choices: { ...volatility.choices, ...componentChoices },
    start(asset, horizon_s) {
      const first = volatility.start(asset, horizon_s);
      return assetClass(asset) === 'crypto' ? first : { ...first, profile: homeWeek(asset) };
    },
    historyBars,
    wholeBars,
    observedBars: (spec, step_s) =>
      keepsHours(spec.profile) ? volatility.historyBars(spec, step_s) : undefined,
    fit(train, spec) {
      const fitted = fitComposed(volatility, train, spec);
      if (spec.recalibration?.kind !== 'interval') return fitted;
      const { step_s } = train;
      return {
        ...fitted,
        ...fitRecalibration(train, {
          horizon_s: spec.horizon_s,
          bars: historyBars(spec, step_s),
          whole: wholeBars(spec, step_s),
          columns: shape(spec, step_s).noiseColumns,
          week: part.week(fitted, spec),
          simulate: part.simulator({ ...fitted, ...identity(spec, step_s) }, { spec, step_s }),
        }),
      };
    },
    sampling: (fitted, ctx) =>
      ctx.spec.recalibration && samplingOf(partsOf(volatility, fitted, ctx).fitted, ctx),
    compile: (fitted, ctx) => buildModel(shape(ctx.spec, ctx.step_s), (g) => part.graph(g, fitted, ctx)),
    part,
  };
}

function fitComposed<S extends Components, P extends Known>(
  volatility: Volatility<S, P>,
  train: TrainingData,
  spec: S,
): Fitted {
  const given = readsNoBars(spec) ? volatility.given?.(spec) : undefined;
  if (given !== undefined) return { ...defined(given), nu: spec.nu as number, scale: spec.scale as number };
  const innovation = innovationOf(spec);
  const { returns, profile } = deseasonalised(train, spec.profile);
  const { runs } = returns;
  // Other laws than t get the variance that maximises a t likelihood: fat tails then do not pass for variance.
  const tail =
    innovation.kind === 'gaussian' ? 1000 : innovation.kind === 'student_t' ? innovation.nu : 'fit';
  const { params, nu } = volatility.fit(train, returns, spec, tail);
  const ctx = { spec, step_s: train.step_s };
  const law = volatility.law(params, ctx);
  const filtered = law.filter(runs);
  const plain = spec.dynamics === undefined && innovation.jumps === undefined;
  const standardised = plain && innovation.kind === 'student_t' ? [] : residuals(runs, filtered);
  const coefficients = spec.dynamics && coefficientsOf(train, standardised, spec.dynamics);
  const bounce = coefficients && bounceOf(coefficients);
  const shocks = bounce ? standardised.map((run) => shocksOf(run, bounce)) : standardised;
  const shaped: Fitted =
    plain && innovation.kind === 'student_t'
      ? { nu: innovation.nu !== 'fit' ? innovation.nu : (nu ?? fitTail(train, runs, filtered.variance)) }
      : fitShape(train, innovation, joined(shocks));
  const fitted: Fitted = {
    ...defined(params),
    ...shaped,
    ...(coefficients ? { bounce: coefficients } : {}),
    ...profile,
  };
  if (spec.scale !== 'fit') return { ...fitted, scale: spec.scale };
  const size = typeof shaped['residual_size'] === 'number' ? shaped['residual_size'] : 1;
  const columns = columnsOf(innovation, volatility.ownNoise);
  const shape = shapeOf(innovation, fitted, columns, train.step_s);
  const rest = law.start();
  const steps = Math.max(1, Math.round(spec.horizon_s / train.step_s));
  const before = coefficients?.map(() => 0) ?? [];
  // Returns without their profile on both sides: one level serves all hours.
  const scale = fitLevel(
    train,
    runs,
    steps,
    (z, out) => {
      shape.draw(z, out);
      if (bounce) bouncePath(out, bounce, before);
      const walker = rest.walker();
      for (let h = 0; h < out.length; h++)
        out[h] = walker.step(out[h], z[columns.own][h], h) / Math.sqrt(rest.expected(h));
    },
    (run, i, block) => size * Math.sqrt(filtered.blockVariance(run, i, block)),
    columns.count,
  );
  return { ...fitted, scale };
}

function defined(params: Known): Fitted {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined)) as Fitted;
}

function readsNoBars(spec: Components): boolean {
  const plain = spec.profile === undefined && spec.dynamics === undefined && spec.innovation === undefined;
  return plain && spec.scale !== 'fit' && spec.nu !== 'fit';
}

function coefficientsOf(
  train: TrainingData,
  standardised: readonly Float64Array[],
  { lags, coefficients }: NonNullable<Components['dynamics']>,
): readonly number[] {
  return coefficients === 'fit' ? fitBounce(train, standardised, lags) : coefficients;
}

/** Per run, each return over the deviation expected for it; NaN where the model had not warmed up. */
function residuals(runs: readonly Float64Array[], { variance }: Filtered): Float64Array[] {
  return runs.map((run, r) => run.map((v, i) => (i > 0 ? v / Math.sqrt(variance[r][i - 1]) : Number.NaN)));
}

function joined(runs: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(runs.reduce((n, run) => n + run.length, 0));
  let n = 0;
  for (const run of runs) for (const e of run) if (Number.isFinite(e)) out[n++] = e;
  return out.slice(0, n);
}
