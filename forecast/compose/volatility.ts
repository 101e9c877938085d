// What a volatility process is to the rest of a model: fitted, run over history, simulated natively and in a graph.
// Promises: one interface; the native walk and the graph are the same law.
// Leaves to others: profile, innovations, dynamics and level (compose.ts).
import type { ZodType, z } from 'zod';
import type { CompileContext, Knob } from '../families/family.js';
import type { BlockSet } from '../fit/level.js';
import type { TrainingData, TrainingReturns } from '../fit/training.js';
import type { GraphBuilder } from '../onnx/graph.js';
import type { Components } from './components.js';

/** Variances seen along training runs. */
export interface Filtered {
  /** Per run, the variance of the next return after each return; NaN where the model has not warmed up. */
  readonly variance: readonly Float64Array[];
  /** Expected sum of the variances of a block of steps, seen after return i of run; NaN as above. */
  blockVariance(run: number, i: number, block: BlockSet): number;
}

/** One simulated path's volatility. */
export interface Walker {
  /** The return, in units of Start.unit, of step h given its shock and this process' own normal. Steps in order. */
  step(shock: number, own: number, h: number): number;
}

/** Where paths begin. */
export interface Start {
  /** Standard deviation that a walker's returns are multiples of. */
  readonly unit: number;
  /** Expected variance of step h, in squared units. */
  expected(h: number): number;
  walker(): Walker;
}

export interface Law {
  filter(runs: readonly Float64Array[]): Filtered;
  /** After these returns (as many as the model reads); without any: at rest, in long-run units. */
  start(history?: Float64Array): Start;
}

/** What a volatility's graph is given. All returns are free of the profile. */
export interface GraphInputs {
  readonly bars: number;
  /** Level to multiply the simulated returns by. */
  readonly scale: number;
  /** Returns of the history, double [H - 1], oldest first. */
  returns(): string;
  /** Shocks, float [steps, paths]; `variance` adds and names the first step's variance, double [1]. */
  shocks(variance: () => string): string;
  /** This process' own normals, float [steps, paths]. */
  own(): string;
}

export interface Volatility<S extends Components, P> {
  readonly name: string;
  readonly schema: ZodType<S>;
  /** The fitted parameters; strips what belongs to other components. */
  readonly params: ZodType<P> & { readonly shape: z.ZodRawShape };
  readonly knobs: Readonly<Record<string, Knob>>;
  /** Alternatives of whole fields of its own. */
  readonly choices?: Readonly<Record<string, readonly unknown[]>>;
  /** Whether it draws a normal of its own per step and path. */
  readonly ownNoise: boolean;
  start(asset: string, horizon_s: number): S;
  historyBars(spec: S, step_s: number): number;
  /** Parameters that need no bars, if the spec leaves nothing to them. */
  given?(spec: S): P | undefined;
  /** Fits; `nu` is the tail to assume, or 'fit'. Returns the tail too where it is fitted along. */
  fit(
    train: TrainingData,
    returns: TrainingReturns,
    spec: S,
    nu: number | 'fit',
  ): { readonly params: P; readonly nu?: number };
  law(params: P, ctx: CompileContext<S>): Law;
  /** Simulated returns times the level, float [steps, paths]. */
  graph(g: GraphBuilder, params: P, ctx: CompileContext<S>, io: GraphInputs): string;
}
