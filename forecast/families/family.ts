// What a model family is: a spec schema, a fit, and a compiler to ONNX. Nothing else.
// Promises: a fit depends on its arguments alone, and its result is plain JSON numbers.
// Leaves to others: which spec to try (knobs describe the space), where models are stored, how they are judged.
import type { ZodType } from 'zod';
import type { TrainingData } from '../fit/training.js';
import type { GraphBuilder, ModelShape } from '../onnx/graph.js';
import type { FittedWeek } from '../profile/index.js';
import type { Sampling } from '../sampler/plan.js';

export type { TrainingData } from '../fit/training.js';

/** Fitted parameters by name. */
export type Fitted = Readonly<Record<string, number | readonly number[]>>;

export interface NativeRequest {
  /** Log closes, oldest first, as many as the model reads. */
  readonly history: Float64Array;
  readonly start_s: number;
  readonly steps: number;
  readonly paths: number;
  /** Standard normals by column, each [steps, paths]; more columns than the model reads do no harm. */
  readonly noise: readonly Float32Array[];
}

/** Log returns [steps x paths], row-major. */
export type NativeSimulator = (request: NativeRequest) => Float64Array;

/** One numeric spec field that a searcher may vary. */
export interface Knob {
  readonly min: number;
  readonly max: number;
  /** Sample on a log scale. */
  readonly log?: boolean;
  readonly integer?: boolean;
}

export interface CompileContext<S> {
  readonly spec: S;
  readonly step_s: number;
}

export interface Family<S> {
  readonly name: string;
  readonly schema: ZodType<S>;
  readonly knobs: Readonly<Record<string, Knob>>;
  /** Knobs of components by path: `a.b` is field b of component a, and applies where the component has that field. */
  readonly nested?: Readonly<Record<string, Knob>>;
  /** Alternatives of whole fields; undefined leaves the field out. */
  readonly choices?: Readonly<Record<string, readonly unknown[]>>;
  /** A valid spec to start a search from, for an asset and a horizon in seconds. */
  start(asset: string, horizon_s: number): S;
  /** Bars of history that the compiled model reads. */
  historyBars(spec: S, step_s: number): number;
  /** How many of the newest of them must all be there; older ones may be missing (NaN). */
  wholeBars(spec: S, step_s: number): number;
  /** How many of them must be there at all, where some may be missing; undefined: a few. */
  observedBars?(spec: S, step_s: number): number | undefined;
  /** Whether the fit wants other assets beside its own (TrainingData.peers); absent: never. */
  pooled?(spec: S): boolean;
  /** How paths are placed; absent: they are drawn. */
  sampling?(params: Fitted, ctx: CompileContext<S>): Sampling | undefined;
  /** Throws SWARM_E_BARS_TOO_FEW or SWARM_E_FIT_FAILED. */
  fit(train: TrainingData, spec: S): Fitted;
  /** ONNX bytes; the same arguments give the same bytes. Throws SWARM_E_SPEC_INVALID for params of another family. */
  compile(params: Fitted, ctx: CompileContext<S>): Uint8Array;
}

/** A family whose models can be members of another. */
export interface MemberFamily<S> extends Family<S> {
  readonly part: Part<S>;
}

/** A model inside another graph. */
export interface Part<S> {
  /** Its inputs' dimensions. */
  shape(spec: S, step_s: number): ModelShape;
  /** The name of its log returns, float [steps, paths]. */
  graph(g: GraphBuilder, params: Fitted, ctx: CompileContext<S>): string;
  /** The same law without a graph. */
  simulator(params: Fitted, ctx: CompileContext<S>): NativeSimulator;
  /** Which hours of the week are closed, and how the others differ; undefined: it does not know. */
  week(params: Fitted, spec: S): FittedWeek | undefined;
}
