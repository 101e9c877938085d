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
  const z = g.op('Squeeze', ['noise', g.ints([2], [1])]);
  if (nu >= GAUSSIAN_NU) return z;
  const map = studentMap(nu);
  const rises = map.subarray(1).map((v, i) => v - map[i]);
  const clipped = g.op('Clip', [z, g.floats([-MAP_LIMIT]), g.floats([MAP_LIMIT])]);
  const position = g.op('Mul', [
    g.op('Add', [clipped, g.floats([MAP_LIMIT])]),
    g.floats([MAP_STEPS_PER_UNIT]),
  ]);
  const cell = g.op('Min', [g.op('Floor', [position]), g.floats([map.length - 2])]);
  const index = g.op('Cast', [cell], { to: ELEMENT.INT32 });
  const part = g.op('Sub', [position, cell]);
  const base = g.op('Gather', [g.floats(map.subarray(0, map.length - 1)), index]);
  return g.op('Add', [base, g.op('Mul', [part, g.op('Gather', [g.floats(rises), index])])]);
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
