// The door for ONNX models: what may be opened at all, decided from the bytes before any runtime sees them.
// Promises: an accepted model is small, closed (no files, no foreign operators), bounded (no Loop, no If) and has
// exactly the ports of contract.ts. Refuses with SWARM_E_MODEL_REFUSED and says why.
// Leaves to others: what a model costs to run (sandbox.ts limits that) and whether it forecasts well.
import { ForecastError } from '../errors.js';
import { INPUTS, OUTPUT, type Port } from './contract.js';
import { ALLOWED_OPS } from './operators.js';
import {
  type AttributeProto,
  decodeModel,
  ELEMENT,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.js';

export interface ModelFacts {
  readonly historyBars: number;
  readonly calendarColumns: number;
  readonly noiseColumns: number;
  readonly nodes: number;
  /** Distinct operator types, sorted. */
  readonly operators: readonly string[];
  readonly initializerElements: number;
  readonly opset: number;
  /** 1 for a flat graph, 2 with Scan bodies. */
  readonly depth: number;
}

export const MAX_MODEL_BYTES = 4 * 1024 * 1024;
const MAX_NODES = 2000;
const MAX_INITIALIZER_ELEMENTS = 2_000_000;
const MAX_DEPTH = 2;
const OPSETS = { min: 13, max: 21 };
const ELEMENT_BYTES: Record<number, number> = {
  [ELEMENT.FLOAT]: 4,
  [ELEMENT.INT32]: 4,
  [ELEMENT.INT64]: 8,
  [ELEMENT.BOOL]: 1,
  [ELEMENT.DOUBLE]: 8,
};

/** Facts about an acceptable model. Throws SWARM_E_MODEL_REFUSED. */
export function inspectModel(bytes: Uint8Array): ModelFacts {
  return admit(bytes).facts;
}

/**
 * Inspects, and returns the bytes a runtime may load: encoded again from what was inspected, so that nothing
 * the inspection did not understand can reach the runtime. Throws SWARM_E_MODEL_REFUSED.
 */
export function admit(bytes: Uint8Array): { facts: ModelFacts; bytes: Uint8Array } {
  if (bytes.length > MAX_MODEL_BYTES) refuse(`${bytes.length} bytes, at most ${MAX_MODEL_BYTES} are opened`);
  const model = decode(bytes);
  const facts = inspect(model);
  return { facts, bytes: encodeModel(model) };
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return decodeModel(bytes);
  } catch (cause) {
    throw refusal('the bytes are not an ONNX model', cause);
  }
}

function inspect(model: ModelProto): ModelFacts {
  if (model.functions?.length) refuse('it defines functions');
  if (model.training_info?.length) refuse('it carries training graphs');
  const opsets = model.opset_import ?? [];
  const foreign = opsets.find((o) => !isOnnxDomain(o.domain));
  if (foreign) refuse(`operator domain ${JSON.stringify(foreign.domain)} is not ONNX's own`);
  const opset = opsets[0]?.version ?? 0;
  if (opsets.length !== 1 || opset < OPSETS.min || opset > OPSETS.max) {
    refuse(`opset ${opset}, expected one between ${OPSETS.min} and ${OPSETS.max}`);
  }
  const graph = model.graph ?? refuse('it has no graph');
  const count = { nodes: 0, elements: 0, depth: 0, operators: new Set<string>() };
  walk(graph, 1, count);
  const { historyBars, calendarColumns, noiseColumns } = checkPorts(graph);
  const { nodes, elements, depth } = count;
  return {
    historyBars,
    calendarColumns,
    noiseColumns,
    nodes,
    operators: [...count.operators].sort(),
    initializerElements: elements,
    opset,
    depth,
  };
}

interface Count {
  nodes: number;
  elements: number;
  depth: number;
  readonly operators: Set<string>;
}

function walk(graph: GraphProto, depth: number, count: Count): void {
  if (depth > MAX_DEPTH) refuse(`graphs nest deeper than ${MAX_DEPTH}`);
  count.depth = Math.max(count.depth, depth);
  if (graph.sparse_initializer?.length) refuse('it has sparse initializers');
  for (const tensor of graph.initializer ?? []) countTensor(tensor, count);
  for (const node of graph.node ?? []) {
    const op = node.op_type ?? '';
    if (++count.nodes > MAX_NODES) refuse(`more than ${MAX_NODES} nodes`);
    if (!isOnnxDomain(node.domain)) refuse(`operator ${node.domain}.${op} is not ONNX's own`);
    if (op === 'Loop' || op === 'If') refuse(`${op} is not allowed: run time must be bounded by the shapes`);
    if (!ALLOWED_OPS.has(op))
      refuse(`operator ${JSON.stringify(op)} is not on the list of allowed operators`);
    count.operators.add(op);
    for (const attribute of node.attribute ?? []) checkAttribute(op, attribute, depth, count);
  }
}

function checkAttribute(op: string, a: AttributeProto, depth: number, count: Count): void {
  if (a.tensors?.length || a.graphs?.length || a.sparse_tensor || a.ref_attr_name) {
    refuse(`attribute ${a.name} of ${op} holds tensors, graphs or references`);
  }
  if (a.t) countTensor(a.t, count);
  if (a.g && op !== 'Scan') refuse(`${op} holds a graph`);
  if (a.g) walk(a.g, depth + 1, count);
}

function countTensor(tensor: TensorProto, count: Count): void {
  const name = tensor.name ?? '';
  if (tensor.data_location || tensor.external_data?.length)
    refuse(`tensor ${name} keeps its data outside the model`);
  const width = ELEMENT_BYTES[tensor.data_type ?? 0];
  if (width === undefined || tensor.string_data?.length || tensor.segment) {
    refuse(`tensor ${name} is not float, double, int32, int64 or bool`);
  }
  const dims = tensor.dims ?? [];
  const elements = dims.reduce((n, d) => n * d, 1);
  count.elements += elements;
  if (dims.some((d) => !(d >= 0)) || count.elements > MAX_INITIALIZER_ELEMENTS) {
    refuse(`initializers hold more than ${MAX_INITIALIZER_ELEMENTS} elements`);
  }
  const typed =
    (tensor.float_data?.length ?? 0) +
    (tensor.int32_data?.length ?? 0) +
    (tensor.int64_data?.length ?? 0) +
    (tensor.double_data?.length ?? 0);
  const held = tensor.raw_data?.length ? tensor.raw_data.length / width + typed : typed;
  if (held !== elements) refuse(`tensor ${name} says ${elements} elements and holds ${held}`);
}

function checkPorts(graph: GraphProto): Pick<ModelFacts, 'historyBars' | 'calendarColumns' | 'noiseColumns'> {
  const inputs = graph.input ?? [];
  const outputs = graph.output ?? [];
  const named = (list: readonly ValueInfoProto[]) => list.map((v) => v.name).join(', ');
  const wanted = INPUTS.map((p) => p.name).join(', ');
  if (named(inputs) !== wanted || named(outputs) !== OUTPUT.name) {
    refuse(`its ports are (${named(inputs)}) -> (${named(outputs)}), not (${wanted}) -> (${OUTPUT.name})`);
  }
  const shadow = graph.initializer?.find((t) => INPUTS.some((p) => p.name === t.name));
  if (shadow) refuse(`initializer ${shadow.name} shadows an input`);
  INPUTS.forEach((port, i) => {
    checkPort(port, inputs[i]);
  });
  checkPort(OUTPUT, outputs[0]);
  const fixed = (input: number, axis: number): number =>
    inputs[input].type?.tensor_type?.shape?.dim?.[axis].dim_value ?? 0;
  return { historyBars: fixed(0, 0), calendarColumns: fixed(1, 1), noiseColumns: fixed(2, 2) };
}

function checkPort(port: Port, value: ValueInfoProto): void {
  const tensor = value.type?.tensor_type;
  const dims = tensor?.shape?.dim ?? [];
  const fits = port.shape.every((want, k) => {
    const { dim_value: fixed, dim_param: symbol } = dims[k] ?? {};
    if (typeof want === 'string') return symbol === want && fixed === undefined;
    if (symbol !== undefined || fixed === undefined) return false;
    return typeof want === 'number' ? fixed === want : fixed >= want.min && fixed <= want.max;
  });
  if (tensor?.elem_type !== port.type || dims.length !== port.shape.length || !fits) {
    const shape = port.shape.map((d) => (typeof d === 'object' ? `${d.min} to ${d.max}` : d)).join(', ');
    refuse(`${port.name} has another type or shape than [${shape}]`);
  }
}

function isOnnxDomain(domain: string | undefined): boolean {
  return domain === undefined || domain === '' || domain === 'ai.onnx';
}

function refuse(why: string): never {
  throw refusal(why);
}

function refusal(why: string, cause?: unknown): ForecastError {
  const hint = 'do not run it; build models with the families of this room';
  return new ForecastError('SWARM_E_MODEL_REFUSED', `model refused: ${why}`, hint, { cause });
}
