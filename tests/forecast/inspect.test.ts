// The door: each reason for refusing a model, one crafted model each.
import { describe, expect, it } from 'vitest';
import { buildModel } from '../../forecast/onnx/graph.js';
import { inspectModel } from '../../forecast/onnx/inspect.js';
import { ATTRIBUTE, type ModelProto } from '../../forecast/onnx/proto.js';
import { changed, honest } from './crafted.js';

type Draft = ModelProto & { graph: NonNullable<ModelProto['graph']> };
const node = (op_type: string, domain = '') => ({ op_type, domain, input: ['noise'], output: ['unused'] });
const bytes = new Uint8Array(3);
const nested = (depth: number): { name: string; node: object[] } => ({
  name: 'body',
  node:
    depth === 0
      ? []
      : [{ ...node('Scan'), attribute: [{ name: 'body', type: ATTRIBUTE.GRAPH, g: nested(depth - 1) }] }],
});

describe('inspectModel', () => {
  it('states the facts of an honest model', () => {
    expect(inspectModel(honest())).toMatchObject({
      historyBars: 2,
      depth: 1,
      opset: 17,
      initializerElements: 3,
    });
  });
  it.each<[string, RegExp, (m: Draft) => void]>([
    [
      'external data',
      /outside the model/,
      (m) =>
        m.graph.initializer?.push({
          name: 'x',
          dims: [1],
          data_type: 1,
          data_location: 1,
          external_data: [bytes],
        }),
    ],
    ['a custom domain', /com\.evil/, (m) => m.opset_import?.push({ domain: 'com.evil', version: 1 })],
    ['a node of a custom domain', /com\.evil\.Add/, (m) => m.graph.node?.push(node('Add', 'com.evil'))],
    [
      'functions',
      /functions/,
      (m) => {
        m.functions = [bytes];
      },
    ],
    [
      'training graphs',
      /training/,
      (m) => {
        m.training_info = [bytes];
      },
    ],
    ['Loop', /Loop is not allowed/, (m) => m.graph.node?.push(node('Loop'))],
    ['If', /If is not allowed/, (m) => m.graph.node?.push(node('If'))],
    ['an operator of its own randomness', /RandomNormal/, (m) => m.graph.node?.push(node('RandomNormal'))],
    [
      'too many nodes',
      /2000 nodes/,
      (m) => {
        m.graph.node = new Array(2001).fill(node('Abs'));
      },
    ],
    [
      'a huge claim of elements',
      /2000000 elements/,
      (m) => m.graph.initializer?.push({ name: 'x', dims: [3e6], data_type: 1 }),
    ],
    [
      'a tensor that holds less than it says',
      /says 10 elements and holds 1/,
      (m) => m.graph.initializer?.push({ name: 'x', dims: [10], data_type: 1, float_data: [1] }),
    ],
    [
      'strings',
      /not float/,
      (m) => m.graph.initializer?.push({ name: 'x', dims: [1], data_type: 8, string_data: [bytes] }),
    ],
    ['deep nesting', /nest deeper/, (m) => m.graph.node?.push(nested(3).node[0])],
    [
      'a graph in another operator',
      /Add holds a graph/,
      (m) =>
        m.graph.node?.push({
          ...node('Add'),
          attribute: [{ name: 'body', type: ATTRIBUTE.GRAPH, g: nested(0) }],
        }),
    ],
    [
      'another input',
      /its ports are/,
      (m) => {
        m.graph.input?.push({ name: 'extra' });
      },
    ],
    [
      'a missing input',
      /its ports are/,
      (m) => {
        m.graph.input?.splice(1, 1);
      },
    ],
    [
      'a shadowed input',
      /shadows an input/,
      (m) => m.graph.initializer?.push({ name: 'noise', dims: [1], data_type: 1, float_data: [1] }),
    ],
    [
      'a history of floats',
      /history has another type/,
      (m) => {
        m.graph.input![0].type!.tensor_type!.elem_type = 1;
      },
    ],
    [
      'fixed steps',
      /another type or shape/,
      (m) => {
        m.graph.output![0].type!.tensor_type!.shape!.dim![0] = { dim_value: 288 };
      },
    ],
    [
      'no graph',
      /no graph/,
      (m) => {
        m.graph = undefined as never;
      },
    ],
    [
      'an old opset',
      /opset 9/,
      (m) => {
        m.opset_import = [{ domain: '', version: 9 }];
      },
    ],
  ])('refuses %s', (_name, message, change) => {
    expect(() => inspectModel(changed(change))).toThrow(
      expect.objectContaining({ code: 'SWARM_E_MODEL_REFUSED', message: expect.stringMatching(message) }),
    );
  });
  it('refuses bytes that are no model or too many', () => {
    const refused = expect.objectContaining({ code: 'SWARM_E_MODEL_REFUSED' });
    expect(() => inspectModel(new Uint8Array([255, 255, 255]))).toThrow(refused);
    expect(() => inspectModel(new Uint8Array(0))).toThrow(refused);
    expect(() => inspectModel(honest().slice(0, -20))).toThrow(refused);
    expect(() => inspectModel(new Uint8Array(4 * 1024 * 1024 + 1))).toThrow(refused);
  });
  it('refuses more bars of history than a series can be asked for', () => {
    const noise = (bars: number) => buildModel(bars, (g) => g.op('Squeeze', ['noise', g.ints([2], [1])]));
    expect(inspectModel(noise(40_000)).historyBars).toBe(40_000);
    expect(() => inspectModel(noise(40_001))).toThrow(
      /history has another type or shape than \[2 to 40000\]/,
    );
  });
});
