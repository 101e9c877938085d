// A node on a real WebSocket that answers JSON-RPC from recorded metadata: a subnet, accounts, a pool that takes
// extrinsics. Everything it says is encoded by the recorded runtime itself; it can be told to fall silent, hang up, cut
// answers short, lie about its runtime, or serve another one.
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getDynamicBuilder, getLookupFn } from '@polkadot-api/metadata-builders';
import { Bytes, decAnyMetadata, Option, unifyMetadata } from '@polkadot-api/substrate-bindings';
import { type WebSocket, WebSocketServer } from 'ws';
import { devSigner } from '../../../miner/wallet/sr25519.js';
import { folder } from '../axon/captures.js';
import { alice, bob, mallory } from '../axon/scene.js';

const V15 = join(folder, 'chain', 'metadata_v15_spec343.hex.txt');
export const hasMetadata = existsSync(V15);
export const metadataV15 = (): string => readFileSync(V15, 'utf8').trim();

export const charlie = devSigner('//Charlie')!;
export const GENESIS = `0x${'1a'.repeat(32)}`;
export const NETUID = 50;
export const FREE_RAO = 7_450_117_072n;

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

/** Codecs of the recorded runtime. */
export function recordedTypes(metadata = metadataV15()) {
  const unified = unifyMetadata(decAnyMetadata(Option(Bytes()).dec(metadata)!));
  const lookup = getLookupFn(unified);
  return { unified, lookup, builder: getDynamicBuilder(lookup) };
}

export interface FakeNeuron {
  hotkey: string;
  coldkey: string;
  stake: bigint;
  permit: boolean;
  axon?: { ip: bigint; port: number; version: number; block: bigint };
}

/** What the node says about; tests change it between questions. */
export interface ChainState {
  genesis: string;
  spec: number;
  metadata: string;
  block: number;
  now_ms: number;
  burn: bigint;
  serving_rate_limit: bigint;
  neurons: FakeNeuron[];
  free: bigint;
  registration_allowed: boolean;
  /** How a submitted extrinsic fares. */
  fate: 'success' | 'failed' | 'dropped' | 'lost' | { code: number; message: string; data: string };
  /** Number of the pallet and of its error, when it fails. */
  failure: [pallet: number, error: number];
}

/** Turns the text of an answer into another, into none, or ends the connection. */
export type Mangle = (method: string, text: string) => string | null | 'hang up';

export interface FakeNode {
  readonly url: string;
  readonly state: ChainState;
  readonly asked: { method: string; params: unknown[] }[];
  readonly submitted: string[];
  connections: number;
  mangle: Mangle;
  /** Ends every connection there is. */
  hangUp(): void;
  close(): Promise<void>;
}

export const validator: FakeNeuron = {
  hotkey: alice.ss58,
  coldkey: charlie.ss58,
  stake: 70_000_000_000_000n,
  permit: true,
};
export const miner: FakeNeuron = { hotkey: bob.ss58, coldkey: charlie.ss58, stake: 0n, permit: false };
export const holder: FakeNeuron = {
  hotkey: mallory.ss58,
  coldkey: charlie.ss58,
  stake: 900_000_000_000n,
  permit: false,
};

export async function openNode(change: Partial<ChainState> = {}): Promise<FakeNode> {
  const types = recordedTypes();
  const state: ChainState = {
    genesis: GENESIS,
    spec: 343,
    metadata: metadataV15(),
    block: 6_852_690,
    now_ms: Date.now(),
    burn: 500_000n,
    serving_rate_limit: 50n,
    neurons: [validator, miner, holder],
    free: FREE_RAO,
    registration_allowed: true,
    fate: 'success',
    failure: [7, 0],
    ...change,
  };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const node: FakeNode = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    asked: [],
    submitted: [],
    connections: 0,
    mangle: (_, text) => text,
    hangUp: () => {
      for (const client of server.clients) client.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
  server.on('connection', (socket) => {
    node.connections += 1;
    socket.on('message', (data) => answerOne(node, types, socket, String(data)));
  });
  return node;
}

type Types = ReturnType<typeof recordedTypes>;

function answerOne(node: FakeNode, types: Types, socket: WebSocket, text: string): void {
  const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: unknown[] };
  node.asked.push({ method, params });
  const after: (() => void)[] = [];
  let body: object;
  try {
    body = { result: answerTo(node, types, method, params, socket, after) ?? null };
  } catch (error) {
    const { code = -32_000, message, data } = error as { code?: number; message: string; data?: string };
    body = { error: { code, message, ...(data === undefined ? {} : { data }) } };
  }
  const said = node.mangle(method, JSON.stringify({ jsonrpc: '2.0', id, ...body }));
  if (said === 'hang up') {
    socket.terminate();
    return;
  }
  if (said !== null) socket.send(said);
  for (const act of after) act();
}

function answerTo(
  node: FakeNode,
  types: Types,
  method: string,
  params: unknown[],
  socket: WebSocket,
  after: (() => void)[],
): unknown {
  const { state } = node;
  switch (method) {
    case 'chain_getBlockHash':
      return params[0] === 0 ? state.genesis : hashOf(params[0] as number);
    case 'chain_getFinalizedHead':
      return hashOf(state.block);
    case 'chain_getHeader':
      return { number: `0x${state.block.toString(16)}` };
    case 'state_getRuntimeVersion':
      return { specVersion: state.spec, transactionVersion: 1, specName: 'node-subtensor' };
    case 'state_call':
      return runtimeCall(state, types, params[0] as string, params[1] as string);
    case 'state_getStorage':
      return storage(node, types, params[0] as string);
    case 'system_accountNextIndex':
      return 141;
    case 'chain_getBlock':
      return { block: { extrinsics: ['0x00', ...node.submitted] } };
    case 'author_submitAndWatchExtrinsic':
      return submit(node, params[0] as string, socket, after);
    case 'author_unwatchExtrinsic':
      return true;
    default:
      throw Object.assign(new Error('Method not found'), { code: -32_601 });
  }
}

const hashOf = (block: number): string => `0x${block.toString(16).padStart(64, '0')}`;

function runtimeCall(state: ChainState, { builder }: Types, name: string, args: string): unknown {
  if (name === 'Metadata_metadata_at_version') return args === '0x0f000000' ? state.metadata : '0x00';
  if (name === 'SubnetInfoRuntimeApi_get_selective_metagraph') {
    const api = builder.buildRuntimeCall('SubnetInfoRuntimeApi', 'get_selective_metagraph');
    const [netuid] = api.args.dec(args) as [number];
    return hex(api.value.enc(netuid === NETUID ? metagraph(state) : undefined));
  }
  if (name === 'StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid') {
    const api = builder.buildRuntimeCall('StakeInfoRuntimeApi', 'get_stake_info_for_hotkey_coldkey_netuid');
    const [hotkey, coldkey, netuid] = api.args.dec(args) as [string, string, number];
    const stake = { stake: 12_000_000_000n, locked: 0n, emission: 0n, tao_emission: 0n, drain: 0n };
    return hex(api.value.enc({ hotkey, coldkey, netuid, ...stake, is_registered: true }));
  }
  if (name === 'TransactionPaymentApi_query_info') {
    const api = builder.buildRuntimeCall('TransactionPaymentApi', 'query_info');
    const weight = { ref_time: 1n, proof_size: 1n };
    return hex(api.value.enc({ weight, class: { type: 'Normal', value: undefined }, partial_fee: 123_456n }));
  }
  throw new Error(`no runtime call ${name}`);
}

/** Every field that was not asked for is left out, as the runtime leaves it out. */
const metagraph = ({ neurons, block, burn, serving_rate_limit }: ChainState) => ({
  ...Object.fromEntries(OTHER_FIELDS.map((field) => [field, undefined])),
  netuid: NETUID,
  block: BigInt(block),
  burn,
  serving_rate_limit,
  hotkeys: neurons.map(({ hotkey }) => hotkey),
  coldkeys: neurons.map(({ coldkey }) => coldkey),
  axons: neurons.map(({ axon }) => ({
    block: axon?.block ?? 0n,
    version: axon?.version ?? 0,
    ip: axon?.ip ?? 0n,
    port: axon?.port ?? 0,
    ip_type: axon === undefined ? 0 : 4,
    protocol: axon === undefined ? 0 : 4,
    placeholder1: 0,
    placeholder2: 0,
  })),
  validator_permit: neurons.map(({ permit }) => permit),
  last_update: neurons.map(() => 6_852_000n),
  emission: neurons.map((_, uid) => BigInt(uid) * 1_000_000_000n),
  incentives: neurons.map((_, uid) => uid * 100),
  total_stake: neurons.map(({ stake }) => stake),
});

const OTHER_FIELDS = ['name', 'symbol', 'identity'];

function storage({ state, submitted }: FakeNode, { builder }: Types, key: string): unknown {
  const entry = (pallet: string, name: string) => builder.buildStorage(pallet, name);
  const of = (pallet: string, name: string, keys: unknown[], value: unknown): unknown => {
    const codec = entry(pallet, name);
    return key === codec.keys.enc(...keys) ? hex(codec.value.enc(value)) : undefined;
  };
  const account = entry('System', 'Account');
  const prefix = account.keys.enc(alice.ss58).slice(0, 66);
  if (key.startsWith(prefix))
    return hex(
      account.value.enc({
        nonce: 141,
        consumers: 0,
        providers: 1,
        sufficients: 0,
        data: { free: state.free, reserved: 100_000_000n, frozen: 0n, flags: 0n },
      }),
    );
  return (
    of('Timestamp', 'Now', [], BigInt(state.now_ms)) ??
    of('SubtensorModule', 'Burn', [NETUID], state.burn) ??
    of('SubtensorModule', 'NetworkRegistrationAllowed', [NETUID], state.registration_allowed) ??
    padded(state, of('System', 'Events', [], eventsOf(state, submitted.length))) ??
    null
  );
}

const eventsOf = ({ fate, failure: [pallet, error] }: ChainState, index: number) => {
  const dispatch_info = {
    weight: { ref_time: 1n, proof_size: 1n },
    class: { type: 'Normal', value: undefined },
    pays_fee: { type: 'Yes', value: undefined },
  };
  const failed = {
    type: 'ExtrinsicFailed',
    value: {
      dispatch_error: {
        type: 'Module',
        value: moduleError(pallet, error),
      },
      dispatch_info,
    },
  };
  const value = fate === 'failed' ? failed : { type: 'ExtrinsicSuccess', value: { dispatch_info } };
  return [
    {
      phase: { type: 'ApplyExtrinsic', value: index },
      event: { type: 'System', value },
      topics: [],
    },
  ];
};

/** The chain gives a module's error four bytes; the library's encoder, not its decoder, gives it one. */
const padded = ({ fate, failure }: ChainState, events: unknown): unknown => {
  const written = `03${Buffer.from(failure).toString('hex')}`;
  return fate === 'failed' ? (events as string | undefined)?.replace(written, `${written}000000`) : events;
};

const moduleError = (pallet: number, error: number) => {
  const { unified, lookup } = recordedTypes();
  const found = unified.pallets.find(({ index }) => index === pallet)!;
  const entry = lookup(found.errors!.type);
  if (entry.type !== 'enum') throw new Error('errors are no enum');
  const [name] = Object.entries(entry.value).find(([, { idx }]) => idx === error)!;
  return { type: found.name, value: { type: name, value: undefined } };
};

function submit(node: FakeNode, extrinsic: string, socket: WebSocket, after: (() => void)[]): string {
  const { fate } = node.state;
  if (typeof fate === 'object') throw Object.assign(new Error(fate.message), fate);
  node.submitted.push(extrinsic);
  const tell = (result: unknown) =>
    socket.send(
      JSON.stringify({
        jsonrpc: '2.0',
        method: 'author_extrinsicUpdate',
        params: { subscription: 'watch', result },
      }),
    );
  after.push(() => {
    tell('ready');
    if (fate === 'lost') socket.terminate();
    else if (fate === 'dropped') tell('dropped');
    if (fate === 'lost' || fate === 'dropped') return;
    node.state.block += 1;
    tell({ inBlock: hashOf(node.state.block) });
    tell({ finalized: hashOf(node.state.block) });
  });
  return 'watch';
}
