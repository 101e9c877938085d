// Graph pieces that every family shares: returns of the history, and noise turned into innovations.
// Promises: the same law as fit/student.ts, so that what is fitted is what is simulated.
// Leaves to others: variance.
import { GAUSSIAN_NU, MAP_LIMIT, MAP_STEPS_PER_UNIT, studentMap } from '../fit/student.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';

/** Log returns of the history, double [H - 1], oldest first. */
export function historyReturns(g: GraphBuilder, historyBars: number): string {
  const slice = (from: number, to: number) =>
    g.op('Slice', ['history', g.ints([from], [1]), g.ints([to], [1])]);
  return g.op('Sub', [slice(1, historyBars), slice(0, historyBars - 1)]);
}

/** Standardised innovations, float [steps, paths]: the noise itself for a Gaussian, else its t quantiles. */
export function innovations(g: GraphBuilder, nu: number): string {
  if (nu >= GAUSSIAN_NU) return g.op('Squeeze', ['noise', g.ints([2], [1])]);
  const map = studentMap(nu);
  // No rise after the last point: a position exactly there needs no clipping of its own.
  const rises = map.map((v, i) => (i + 1 < map.length ? map[i + 1] - v : 0));
  const z = g.op('Reshape', ['noise', g.ints([-1], [1])]);
  const clipped = g.op('Clip', [z, g.floats([-MAP_LIMIT]), g.floats([MAP_LIMIT])]);
  const position = g.op('Mul', [
    g.op('Add', [clipped, g.floats([MAP_LIMIT])]),
    g.floats([MAP_STEPS_PER_UNIT]),
  ]);
  const index = g.op('Cast', [position], { to: ELEMENT.INT32 });
  const part = g.op('Sub', [position, g.op('Cast', [index], { to: ELEMENT.FLOAT })]);
  // GatherElements, which wants a vector of indices: Gather copies entry by entry, and two of them took 4 of the 5 ms
  // that 1000 x 288 paths spent here. This way the whole map takes under 1 ms.
  const at = (table: Float64Array) => g.op('GatherElements', [g.floats(table), index]);
  const x = g.op('Add', [at(map), g.op('Mul', [part, at(rises)])]);
  return g.op('Reshape', [x, g.op('Slice', [g.op('Shape', ['noise']), g.ints([0], [1]), g.ints([2], [1])])]);
}

/** One entry of the noise's shape, int64 [1]: axis 0 is steps, axis 1 is paths. */
export function noiseAxis(g: GraphBuilder, axis: 0 | 1): string {
  return g.op('Slice', [g.op('Shape', ['noise']), g.ints([axis], [1]), g.ints([axis + 1], [1])]);
}

/** Sum of a double vector as a double [1]. */
export function total(g: GraphBuilder, vector: string): string {
  return g.op('ReduceSum', [vector, g.ints([0], [1])], { keepdims: 1 });
}

export function toFloat(g: GraphBuilder, value: string): string {
  return g.op('Cast', [value], { to: ELEMENT.FLOAT });
}
