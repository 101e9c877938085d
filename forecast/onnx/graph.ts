// A small builder for ONNX graphs: write a model as calls, get its bytes.
// Promises: deterministic names and bytes; inputs and output always as in contract.ts.
// Leaves to others: the mathematics, and checking what others built (inspect.ts).
import { INPUTS, OPSET, OUTPUT, type Port } from './contract.js';
import {
  ATTRIBUTE,
  type AttributeProto,
  ELEMENT,
  encodeModel,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.js';

type Attribute = number | readonly number[] | GraphProto;

export interface GraphBuilder {
  /** Adds a node with one output and returns the output's name. */
  op(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string;
  /** Adds an initializer and returns its name. Without dims: a scalar for one value, else a vector. */
  floats(values: ArrayLike<number>, dims?: readonly number[]): string;
  doubles(values: ArrayLike<number>, dims?: readonly number[]): string;
  ints(values: ArrayLike<number>, dims?: readonly number[]): string;
  /**
   * A Scan over the first axis. `body` receives the names of the states and of this step's slices, and returns the new
   * states and this step's outputs; it may also read any name of the outer graph.
   * States and slices are float vectors over paths, or float or double vectors of one entry (`along`).
   * Returns the final states, then the stacked outputs.
   */
  scan(
    states: readonly string[],
    sequences: readonly string[],
    body: (g: GraphBuilder, states: string[], slices: string[]) => { states: string[]; outputs: string[] },
    along?: Along,
  ): string[];
}

type Along = 'paths' | 'one' | 'one_double';

interface Draft {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  next: number;
}

/** Fixed dimensions of a model's inputs. */
export interface ModelShape {
  readonly historyBars: number;
  readonly calendarColumns: number;
  readonly noiseColumns: number;
}

/**
 * Bytes of a model; `body` returns the name of a float [steps, paths] value. A number is the bars of history, of a
 * model that reads four calendar columns and one normal per step and path.
 */
export function buildModel(shape: number | ModelShape, body: (g: GraphBuilder) => string): Uint8Array {
  const { historyBars, calendarColumns, noiseColumns } =
    typeof shape === 'number' ? { historyBars: shape, calendarColumns: 4, noiseColumns: 1 } : shape;
  const fixed: Readonly<Record<string, number>> = {
    history: historyBars,
    calendar: calendarColumns,
    noise: noiseColumns,
  };
  const draft: Draft = { nodes: [], initializers: [], next: 0 };
  const g = builder(draft, draft.nodes);
  const result = body(g);
  draft.nodes.push({ op_type: 'Identity', input: [result], output: [OUTPUT.name] });
  return encodeModel({
    ir_version: 8,
    producer_name: 'synth-swarm',
    opset_import: [{ domain: '', version: OPSET }],
    graph: {
      name: 'forecast',
      node: draft.nodes,
      initializer: draft.initializers,
      input: INPUTS.map((port) => valueInfo(port, fixed[port.name])),
      output: [valueInfo(OUTPUT)],
    },
  });
}

function builder(draft: Draft, nodes: NodeProto[]): GraphBuilder {
  const fresh = (stem: string): string => `${stem.toLowerCase()}_${draft.next++}`;
  const constant =
    (type: number, field: 'float_data' | 'double_data' | 'int64_data') =>
    (
      values: ArrayLike<number>,
      dims: readonly number[] = values.length === 1 ? [] : [values.length],
    ): string => {
      const name = fresh('const');
      draft.initializers.push({ name, dims: [...dims], data_type: type, [field]: Array.from(values) });
      return name;
    };
  return {
    op(type, inputs, attributes = {}) {
      const output = fresh(type);
      nodes.push({
        op_type: type,
        input: [...inputs],
        output: [output],
        attribute: attributesOf(attributes),
      });
      return output;
    },
    floats: constant(ELEMENT.FLOAT, 'float_data'),
    doubles: constant(ELEMENT.DOUBLE, 'double_data'),
    ints: constant(ELEMENT.INT64, 'int64_data'),
    scan(states, sequences, body, along = 'paths') {
      const inner: NodeProto[] = [];
      const stateNames = states.map(() => fresh('state'));
      const sliceNames = sequences.map(() => fresh('slice'));
      const result = body(builder(draft, inner), stateNames, sliceNames);
      const outputs = [...result.states, ...result.outputs];
      const graph: GraphProto = {
        name: fresh('body'),
        node: inner,
        input: [...stateNames, ...sliceNames].map((name) => vector(name, along)),
        output: outputs.map((name) => vector(name, along)),
      };
      const names = outputs.map(() => fresh('scan'));
      const attribute = attributesOf({ body: graph, num_scan_inputs: sequences.length });
      nodes.push({ op_type: 'Scan', input: [...states, ...sequences], output: names, attribute });
      return names;
    },
  };
}

/** The same builder for a part of a model, to which inputs go by other names: what it reads is another value. */
export function renamed(g: GraphBuilder, names: Readonly<Record<string, string>>): GraphBuilder {
  const of = (list: readonly string[]) => list.map((name) => names[name] ?? name);
  return {
    ...g,
    op: (type, inputs, attributes) => g.op(type, of(inputs), attributes),
    scan: (states, sequences, body, along) =>
      g.scan(of(states), of(sequences), (b, s, x) => body(renamed(b, names), s, x), along),
  };
}

function attributesOf(values: Readonly<Record<string, Attribute>>): AttributeProto[] {
  return Object.entries(values).map(([name, value]) => {
    if (typeof value === 'number') return { name, type: ATTRIBUTE.INT, i: value };
    if (isList(value)) return { name, type: ATTRIBUTE.INTS, ints: [...value] };
    return { name, type: ATTRIBUTE.GRAPH, g: value };
  });
}

function isList(value: readonly number[] | GraphProto): value is readonly number[] {
  return Array.isArray(value);
}

/** A Scan's state or slice. */
function vector(name: string, along: Along): ValueInfoProto {
  const dim = along === 'paths' ? { dim_param: along } : { dim_value: 1 };
  const elem_type = along === 'one_double' ? ELEMENT.DOUBLE : ELEMENT.FLOAT;
  return { name, type: { tensor_type: { elem_type, shape: { dim: [dim] } } } };
}

/** `fixed`: the value of the port's dimension that is neither symbolic nor the same for all models. */
function valueInfo(port: Port, fixed = 0): ValueInfoProto {
  const dim = port.shape.map((d) =>
    typeof d === 'string' ? { dim_param: d } : { dim_value: typeof d === 'number' ? d : fixed },
  );
  return { name: port.name, type: { tensor_type: { elem_type: port.type, shape: { dim } } } };
}
