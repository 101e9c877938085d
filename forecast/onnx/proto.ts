// The subset of ONNX's protobuf messages that our models use, encoded and decoded by reflection.
// Promises: one encoding per model; fields outside the subset are dropped by decode, so that bytes encoded again hold
// only what was looked at. Field numbers are those of onnx.proto3, fixed by the ONNX specification.
// Leaves to others: judging a model (inspect.ts) and building one (graph.ts).
import protobuf from 'protobufjs';

/** AttributeProto.type. */
export const ATTRIBUTE = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
} as const;
/** TensorProto.data_type. */
export const ELEMENT = { FLOAT: 1, INT32: 6, INT64: 7, BOOL: 9, DOUBLE: 11 } as const;

export interface TensorProto {
  dims?: number[];
  data_type?: number;
  name?: string;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: number[];
  double_data?: number[];
  raw_data?: Uint8Array;
  /** Looked at only to be refused. */
  string_data?: Uint8Array[];
  external_data?: Uint8Array[];
  data_location?: number;
  segment?: Uint8Array;
}
export interface AttributeProto {
  name?: string;
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  /** Looked at only to be refused. */
  ref_attr_name?: string;
  tensors?: Uint8Array[];
  graphs?: Uint8Array[];
  sparse_tensor?: Uint8Array;
}
export interface NodeProto {
  input?: string[];
  output?: string[];
  name?: string;
  op_type?: string;
  domain?: string;
  attribute?: AttributeProto[];
}
interface Dimension {
  dim_value?: number;
  dim_param?: string;
}
export interface ValueInfoProto {
  name?: string;
  type?: { tensor_type?: { elem_type?: number; shape?: { dim?: Dimension[] } } };
}
export interface GraphProto {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  /** Looked at only to be refused. */
  sparse_initializer?: Uint8Array[];
}
export interface ModelProto {
  ir_version?: number;
  producer_name?: string;
  graph?: GraphProto;
  opset_import?: { domain?: string; version?: number }[];
  /** Looked at only to be refused. */
  functions?: Uint8Array[];
  training_info?: Uint8Array[];
}

type FieldSpec = readonly [id: number, type: string, rule?: 'repeated'];

const MESSAGES: Record<string, Record<string, FieldSpec>> = {
  ModelProto: {
    ir_version: [1, 'int64'],
    producer_name: [2, 'string'],
    graph: [7, 'GraphProto'],
    opset_import: [8, 'OperatorSetIdProto', 'repeated'],
    training_info: [20, 'bytes', 'repeated'],
    functions: [25, 'bytes', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
    sparse_initializer: [15, 'bytes', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    op_type: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
    domain: [7, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    tensors: [10, 'bytes', 'repeated'],
    graphs: [11, 'bytes', 'repeated'],
    type: [20, 'int32'],
    ref_attr_name: [21, 'string'],
    sparse_tensor: [22, 'bytes'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    data_type: [2, 'int32'],
    segment: [3, 'bytes'],
    float_data: [4, 'float', 'repeated'],
    int32_data: [5, 'int32', 'repeated'],
    string_data: [6, 'bytes', 'repeated'],
    int64_data: [7, 'int64', 'repeated'],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
    double_data: [10, 'double', 'repeated'],
    external_data: [13, 'bytes', 'repeated'],
    data_location: [14, 'int32'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensor_type: [1, 'TensorTypeProto'] },
  TensorTypeProto: { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dim_value: [1, 'int64'], dim_param: [2, 'string'] },
};

const root = new protobuf.Root();
for (const [name, fields] of Object.entries(MESSAGES)) {
  const type = new protobuf.Type(name);
  for (const [field, [id, kind, rule]] of Object.entries(fields))
    type.add(new protobuf.Field(field, id, kind, rule));
  root.add(type);
}
const Model = root.lookupType('ModelProto');

/** Bytes of a model; the same object gives the same bytes. */
export function encodeModel(model: ModelProto): Uint8Array {
  return Uint8Array.from(Model.encode(Model.fromObject(model)).finish());
}

/** Reads the subset. Absent fields are absent; int64 comes as number. Throws protobufjs errors on malformed bytes. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return Model.toObject(Model.decode(bytes), { longs: Number }) as ModelProto;
}
