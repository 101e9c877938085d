// Blocks of past residuals: what filtered historical simulation draws from when order matters.
// Promises: a block's start follows one normal through its distribution function; the native path and the graph agree
// but for normals within a rounding error of the border between two starts.
// Leaves to others: standardising the residuals.
import { type Column, normalCdfOf, normals, stepNumbers, stepsByPaths } from '../families/innovation.js';
import { normalCdf } from '../fit/normal.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';

/** Residuals of one path: at every multiple of `block`, that step's normal chooses where to read on. */
export function blockPath(residuals: Float64Array, block: number, z: Float32Array, out: Float64Array): void {
  const starts = residuals.length - block + 1;
  let from = 0;
  for (let h = 0; h < out.length; h++) {
    const within = h % block;
    if (within === 0) from = Math.min(starts - 1, Math.floor(normalCdf(z[h]) * starts));
    out[h] = residuals[from + within];
  }
}

export function blockGraph(g: GraphBuilder, residuals: Float64Array, block: number, column: Column): string {
  const starts = residuals.length - block + 1;
  const h = stepNumbers(g);
  const first = g.op('Mul', [g.op('Div', [h, g.ints([block])]), g.ints([block])]);
  const share = normalCdfOf(g, g.op('Gather', [normals(g, column), first]));
  const place = g.op('Floor', [g.op('Mul', [share, g.floats([starts])])]);
  const from = g.op('Cast', [g.op('Min', [place, g.floats([starts - 1])])], { to: ELEMENT.INT64 });
  const within = g.op('Unsqueeze', [g.op('Sub', [h, first]), g.ints([1], [1])]);
  const index = g.op('Reshape', [g.op('Add', [from, within]), g.ints([-1], [1])]);
  return g.op('Reshape', [g.op('GatherElements', [g.floats(residuals), index]), stepsByPaths(g)]);
}
