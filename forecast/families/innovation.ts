// Graph pieces that every family shares: returns of the history, and columns of noise turned into innovations.
// Promises: the same law as fit/map.ts, so that what is fitted is what is simulated.
// Leaves to others: variance.
import { MAP_LIMIT, MAP_STEPS_PER_UNIT, mapPoint } from '../fit/map.js';
import { GAUSSIAN_NU, studentMap } from '../fit/student.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';

/** One column of the noise, of how many. */
export interface Column {
  readonly index: number;
  readonly of: number;
}
export const ONLY: Column = { index: 0, of: 1 };

/** Log returns of the history, double [H - 1], oldest first. */
export function historyReturns(g: GraphBuilder, historyBars: number): string {
  const slice = (from: number, to: number) =>
    g.op('Slice', ['history', g.ints([from], [1]), g.ints([to], [1])]);
  return g.op('Sub', [slice(1, historyBars), slice(0, historyBars - 1)]);
}

/** Standardised innovations, float [steps, paths]: the noise itself for a Gaussian, else its t quantiles. */
export function innovations(g: GraphBuilder, nu: number, column = ONLY): string {
  return nu >= GAUSSIAN_NU ? normals(g, column) : mapped(g, studentMap(nu), column);
}

/** A column of the noise as it is, float [steps, paths]. */
export function normals(g: GraphBuilder, column: Column): string {
  return g.op('Squeeze', [narrowed(g, column), g.ints([2], [1])]);
}

/** A column of the noise through a map, float [steps, paths]. */
export function mapped(g: GraphBuilder, map: Float64Array, column: Column): string {
  // Every piece of the map as a line in z; flat from the last point on.
  const slopes = map.map((v, i) => (i + 1 < map.length ? (map[i + 1] - v) * MAP_STEPS_PER_UNIT : 0));
  const offsets = map.map((v, i) => v - mapPoint(i) * slopes[i]);
  const all = g.op('Reshape', [narrowed(g, column), g.ints([-1], [1])]);
  const z = g.op('Clip', [all, g.floats([-MAP_LIMIT]), g.floats([MAP_LIMIT])]);
  const scaled = g.op('Mul', [z, g.floats([MAP_STEPS_PER_UNIT])]);
  const position = g.op('Add', [scaled, g.floats([MAP_LIMIT * MAP_STEPS_PER_UNIT])]);
  const index = g.op('Cast', [position], { to: ELEMENT.INT32 });
  // GatherElements, which wants a vector of indices: Gather copies entry by entry, and two of them took 4 of the 5 ms
  // that 1000 x 288 paths spent here. This way the whole map takes under 1 ms.
  const at = (table: Float64Array) => g.op('GatherElements', [g.floats(table), index]);
  const x = g.op('Add', [g.op('Mul', [z, at(slopes)]), at(offsets)]);
  return g.op('Reshape', [x, stepsByPaths(g)]);
}

/** The shape [steps, paths], int64 [2]. */
export function stepsByPaths(g: GraphBuilder): string {
  return g.op('Slice', [g.op('Shape', ['noise']), g.ints([0], [1]), g.ints([2], [1])]);
}

function narrowed(g: GraphBuilder, { index, of }: Column): string {
  if (of === 1) return 'noise';
  return g.op('Slice', ['noise', g.ints([index], [1]), g.ints([index + 1], [1]), g.ints([2], [1])]);
}

/** One entry of the noise's shape, int64 [1]: axis 0 is steps, axis 1 is paths. */
export function noiseAxis(g: GraphBuilder, axis: 0 | 1): string {
  return g.op('Slice', [g.op('Shape', ['noise']), g.ints([axis], [1]), g.ints([axis + 1], [1])]);
}

/** The numbers 0, 1, ... of the steps, int64 [steps]. */
export function stepNumbers(g: GraphBuilder): string {
  const steps = g.op('Squeeze', [noiseAxis(g, 0), g.ints([0], [1])]);
  return g.op('Range', [g.ints([0]), steps, g.ints([1])]);
}

/** P(Z <= z) of normals, elementwise in float: within 1e-7. */
export function normalCdfOf(g: GraphBuilder, z: string): string {
  const erf = g.op('Erf', [g.op('Mul', [z, g.floats([Math.SQRT1_2])])]);
  return g.op('Add', [g.op('Mul', [erf, g.floats([0.5])]), g.floats([0.5])]);
}

/** Sum of a double vector as a double [1]. */
export function total(g: GraphBuilder, vector: string): string {
  return g.op('ReduceSum', [vector, g.ints([0], [1])], { keepdims: 1 });
}

export function toFloat(g: GraphBuilder, value: string): string {
  return g.op('Cast', [value], { to: ELEMENT.FLOAT });
}
