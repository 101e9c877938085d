// Models that nobody honest would send, for tests of the door and the sandbox.
import { families, fitAndCompile } from '../../forecast/families/index.js';
import { buildModel } from '../../forecast/onnx/graph.js';
import { decodeModel, encodeModel, type GraphProto, type ModelProto } from '../../forecast/onnx/proto.js';

const meta = { data_cutoff_s: 0, dataset_digest: '0'.repeat(64), code_version: 'test' };

export function honest(): Uint8Array {
  const train = { asset: 'BTC', step_s: 60, segments: [], starts_s: [] };
  return fitAndCompile(families.gbm.start('BTC', 3600), train, meta).onnx;
}

/** An honest model after `change`. */
export function changed(change: (model: ModelProto & { graph: GraphProto }) => void): Uint8Array {
  const model = decodeModel(honest());
  const graph = model.graph;
  if (graph === undefined) throw new Error('the honest model has no graph');
  const draft = { ...model, graph };
  change(draft);
  return encodeModel(draft);
}

/** Passes inspection, then multiplies matrices of `size` for `rounds` rounds. */
export function slow(size: number, rounds: number): Uint8Array {
  return buildModel(2, (g) => {
    const shape = g.ints([size, size]);
    // Fed by the noise, so that the runtime cannot fold it into a constant while it opens the model.
    const zero = g.op('Mul', [g.op('ReduceSum', ['noise'], { keepdims: 0 }), g.floats([0])]);
    let m = g.op('Expand', [g.op('Add', [zero, g.floats([1e-3])]), shape]);
    for (let i = 0; i < rounds; i++) m = g.op('MatMul', [m, m]);
    const sum = g.op('ReduceSum', [m], { keepdims: 0 });
    const none = g.op('Mul', [g.op('Min', [sum, g.floats([0])]), g.floats([0])]);
    return g.op('Add', [g.op('Squeeze', ['noise', g.ints([2], [1])]), none]);
  });
}
