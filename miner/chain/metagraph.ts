// Who is on the subnet: every neuron at one block, by one runtime call that returns just the columns that are wanted.
// Promises: the columns fit each other, or nothing is believed. Units: stake and emission in 1e9 rao, incentive in [0, 1].
import { z } from 'zod';
import { decodeSs58, encodeSs58 } from '../wallet/ss58.js';
import type { Chain, Look } from './client.js';
import { malformed } from './failure.js';

/** Where a neuron serves; null on the metagraph while it does not. */
export interface AxonOnChain {
  readonly ip: string;
  readonly port: number;
  readonly version: number;
  /** As the chain has them: 4 and 4 for what this miner says of itself. */
  readonly ip_type: number;
  readonly protocol: number;
  /** Block at which it was set. */
  readonly block: number;
}

export interface Neuron {
  readonly uid: number;
  readonly hotkey: string;
  readonly coldkey: string;
  readonly stake: number;
  readonly permit: boolean;
  /** Per tempo. */
  readonly emission: number;
  readonly incentive: number;
  /** Block of its last weights, for a validator. */
  readonly last_update: number;
  readonly axon: AxonOnChain | null;
}

export interface Metagraph {
  readonly netuid: number;
  readonly block: number;
  readonly hash: string;
  /** Time of the block, by the chain's own clock. */
  readonly at: string;
  readonly runtime: number;
  /** Blocks that have to pass between two serve_axon calls. */
  readonly serving_rate_limit: number;
  /** What a registration costs, in rao. */
  readonly burn_rao: string;
  readonly neurons: readonly Neuron[];
}

export const RAO = 1e9;
const FULL = 65_535;
const SUBNETS = 'SubnetInfoRuntimeApi';
const METAGRAPH = 'get_selective_metagraph';
const COLUMNS = [
  'netuid',
  'block',
  'burn',
  'serving_rate_limit',
  'hotkeys',
  'coldkeys',
  'axons',
  'validator_permit',
  'last_update',
  'emission',
  'incentives',
  'total_stake',
] as const;

const whole = z.union([z.number().int().min(0), z.bigint().min(0n)]);
const key = z.string().refine((text) => decodeSs58(text) !== null);
const graph = z.object({
  netuid: whole,
  block: whole,
  burn: whole,
  serving_rate_limit: whole,
  hotkeys: z.array(key),
  coldkeys: z.array(key),
  axons: z.array(
    z.object({
      block: whole,
      version: whole,
      ip: whole,
      port: whole,
      ip_type: whole,
      protocol: whole,
    }),
  ),
  validator_permit: z.array(z.boolean()),
  last_update: z.array(whole),
  emission: z.array(whole),
  incentives: z.array(whole),
  total_stake: z.array(whole),
});

export async function readMetagraph(chain: Chain, netuid: number, look?: Look): Promise<Metagraph> {
  const seen = look ?? (await chain.look());
  const fields = seen.runtime.apiFields(SUBNETS, METAGRAPH);
  const wanted = COLUMNS.map((column) => fields.indexOf(column));
  const missing = COLUMNS.filter((_, i) => wanted[i] === -1);
  if (missing.length > 0)
    throw malformed(chain.endpoint, `the metagraph has no ${missing.join(', ')} at this runtime`);
  const [answer, now] = await Promise.all([
    seen.ask(seen.runtime.api(SUBNETS, METAGRAPH, [netuid, wanted])),
    seen.ask(seen.runtime.storage('Timestamp', 'Now', [])),
  ]);
  const parsed = graph.safeParse(answer);
  if (answer === undefined) throw malformed(chain.endpoint, `there is no subnet ${netuid}`);
  if (!parsed.success)
    throw malformed(
      chain.endpoint,
      `a metagraph with a broken ${parsed.error.issues[0]?.path.join('.')}`,
      parsed.error,
    );
  const columns = parsed.data;
  assertFits(chain, columns, netuid);
  return {
    netuid,
    block: seen.block,
    hash: seen.hash,
    at: new Date(Number(now)).toISOString(),
    runtime: seen.runtime.version.spec,
    serving_rate_limit: Number(columns.serving_rate_limit),
    burn_rao: String(columns.burn),
    neurons: neuronsOf(columns),
  };
}

function assertFits(chain: Chain, columns: z.infer<typeof graph>, netuid: number): void {
  const n = columns.hotkeys.length;
  const lists = Object.entries(columns).filter(([, column]) => Array.isArray(column)) as [
    string,
    unknown[],
  ][];
  const odd = lists.find(([, list]) => list.length !== n);
  if (odd !== undefined)
    throw malformed(chain.endpoint, `a metagraph of ${n} neurons with ${odd[1].length} ${odd[0]}`);
  if (Number(columns.netuid) !== netuid)
    throw malformed(chain.endpoint, `the metagraph of ${columns.netuid}, not of ${netuid}`);
  if (new Set(columns.hotkeys).size !== n)
    throw malformed(chain.endpoint, 'a metagraph that names a hotkey twice');
}

const neuronsOf = (columns: z.infer<typeof graph>): Neuron[] =>
  columns.hotkeys.map((hotkey, uid) => ({
    uid,
    // Under this house's prefix, whatever the node's is.
    hotkey: encodeSs58(decodeSs58(hotkey)!),
    coldkey: columns.coldkeys[uid]!,
    stake: Number(columns.total_stake[uid]) / RAO,
    permit: columns.validator_permit[uid]!,
    emission: Number(columns.emission[uid]) / RAO,
    incentive: Number(columns.incentives[uid]) / FULL,
    last_update: Number(columns.last_update[uid]),
    axon: axonOf(columns.axons[uid]!),
  }));

function axonOf(axon: z.infer<typeof graph>['axons'][number]): AxonOnChain | null {
  const ip = BigInt(axon.ip);
  if (ip === 0n) return null;
  return {
    ip: Number(axon.ip_type) === 4 ? ipv4(ip) : `0x${ip.toString(16)}`,
    port: Number(axon.port),
    version: Number(axon.version),
    ip_type: Number(axon.ip_type),
    protocol: Number(axon.protocol),
    block: Number(axon.block),
  };
}

const ipv4 = (ip: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (ip >> shift) & 0xffn).join('.');
