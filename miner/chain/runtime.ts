// What the chain's runtime looks like, read from its own metadata: how a storage key, an argument or a call is encoded,
// and what comes back. Nothing of the chain is a constant here, so an upgrade that moves a pallet or adds a field is read
// as it is. Promises: what this runtime does not have, or bytes that do not fit it, are SWARM_E_CHAIN_RESPONSE.
// The codec library is loaded at the first connection: 65 ms that no other command pays. Decoding metadata takes 60 ms.
import { malformed } from './failure.js';

export interface RuntimeVersion {
  readonly spec: number;
  readonly transaction: number;
}

/** A signed extension, in the order of signing. */
export interface Extension {
  readonly identifier: string;
  /** Whether it adds nothing, to the extrinsic and to what is signed. */
  readonly empty: boolean;
  encode(value: unknown): Uint8Array;
  encodeSigned(value: unknown): Uint8Array;
}

export interface Runtime {
  readonly version: RuntimeVersion;
  has(pallet: string, call: string): boolean;
  hasApi(api: string, method: string): boolean;
  /** A runtime call: the name of the method, its encoded arguments, and how its answer reads. */
  api(api: string, method: string, args: readonly unknown[]): Question;
  storage(pallet: string, entry: string, keys: readonly unknown[]): Question;
  /** Names of the fields of what a runtime call returns, in their order; empty when it is no record. */
  apiFields(api: string, method: string): string[];
  call(pallet: string, name: string, args: Readonly<Record<string, unknown>>): Uint8Array;
  /** The call that these bytes are, as plain values. */
  decodeCall(bytes: Uint8Array): unknown;
  readonly extensions: readonly Extension[];
  hash(bytes: Uint8Array): Uint8Array;
}

export interface Question {
  readonly method: string;
  readonly data: string;
  decode(answer: unknown): unknown;
}

/** The metadata version that all of this is written for; every node since 2023 serves it. */
export const METADATA_VERSION = 15;

/** From the answer to `Metadata_metadata_at_version`: an Option of bytes as hex. */
export async function loadRuntime(
  endpoint: string,
  metadataHex: unknown,
  version: RuntimeVersion,
): Promise<Runtime> {
  const [scale, builders] = await Promise.all([
    import('@polkadot-api/substrate-bindings'),
    import('@polkadot-api/metadata-builders'),
  ]);
  const bad = (what: string, cause?: unknown) =>
    malformed(endpoint, `${what} in the runtime of version ${version.spec}`, cause);
  const guarded = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw bad(what, error);
    }
  };

  const metadata = guarded('unreadable metadata', () => {
    const bytes = scale.Option(scale.Bytes()).dec(hexOf(metadataHex));
    if (bytes === undefined) throw new Error(`no metadata of version ${METADATA_VERSION}`);
    return scale.unifyMetadata(scale.decAnyMetadata(bytes));
  });
  if (!metadata.extrinsic.version.includes(4)) throw bad('no extrinsics of version 4');
  const lookup = builders.getLookupFn(metadata);
  const types = builders.getDynamicBuilder(lookup);
  const callType = lookup.call;
  if (callType === null) throw bad('no type of calls');

  const question = (
    what: string,
    method: string,
    data: string,
    value: { dec(bytes: string): unknown },
  ): Question => ({
    method,
    data,
    decode: (answer) => guarded(`an answer that does not fit ${what}`, () => value.dec(hexOf(answer))),
  });
  const methodOf = (api: string, method: string) =>
    metadata.apis.find(({ name }) => name === api)?.methods.find(({ name }) => name === method);
  const palletOf = (name: string) => metadata.pallets.find((one) => one.name === name);

  return {
    version,
    has(pallet, name) {
      const calls = palletOf(pallet)?.calls;
      if (calls === undefined) return false;
      const entry = lookup(calls.type);
      return entry.type === 'enum' && name in entry.value;
    },
    hasApi: (api, method) => methodOf(api, method) !== undefined,
    api(api, method, args) {
      const what = `${api}.${method}`;
      const codec = guarded(`no ${what}`, () => types.buildRuntimeCall(api, method));
      const data = guarded(`other arguments of ${what}`, () => codec.args.enc([...args]));
      return question(what, `${api}_${method}`, toHex(data), codec.value);
    },
    storage(pallet, entry, keys) {
      const what = `${pallet}.${entry}`;
      const codec = guarded(`no ${what}`, () => types.buildStorage(pallet, entry));
      const data = guarded(`other keys of ${what}`, () => codec.keys.enc(...keys));
      const { decode, ...asked } = question(what, 'state_getStorage', data, codec.value);
      return { ...asked, decode: (answer) => (answer === null ? codec.fallback : decode(answer)) };
    },
    apiFields(api, method) {
      const output = methodOf(api, method)?.output;
      if (output === undefined) throw bad(`no ${api}.${method}`);
      const entry = lookup(output);
      const inner = entry.type === 'option' ? entry.value : entry;
      return inner.type === 'struct' ? Object.keys(inner.value) : [];
    },
    call: (pallet, name, args) =>
      guarded(`no call ${pallet}.${name} with these arguments`, () => {
        const { codec, location } = types.buildCall(pallet, name);
        return Uint8Array.of(...location, ...codec.enc({ ...args }));
      }),
    decodeCall: (bytes) => guarded('no such call', () => types.buildDefinition(callType).dec(bytes)),
    extensions: (metadata.extrinsic.extensionsByVersion[0] ?? []).map((one) => {
      const extra = types.buildDefinition(one.type);
      const signed = types.buildDefinition(one.additionalSigned);
      return {
        identifier: one.identifier,
        empty: isEmpty(lookup(one.type)) && isEmpty(lookup(one.additionalSigned)),
        encode: (value) => guarded(`another ${one.identifier}`, () => extra.enc(value)),
        encodeSigned: (value) => guarded(`another ${one.identifier}`, () => signed.enc(value)),
      };
    }),
    hash: (bytes) => scale.Blake2256(bytes),
  };
}

type Shape = { readonly type: string; readonly value?: unknown };

/** Whether a type takes no byte. */
function isEmpty({ type, value }: Shape): boolean {
  if (type === 'void') return true;
  if (type === 'tuple') return (value as Shape[]).every(isEmpty);
  if (type === 'struct') return Object.values(value as Record<string, Shape>).every(isEmpty);
  return false;
}

const HEX = /^0x([0-9a-fA-F]{2})*$/;

function hexOf(value: unknown): string {
  if (typeof value === 'string' && HEX.test(value)) return value;
  throw new Error('not hex');
}

export const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;
