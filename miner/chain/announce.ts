// Telling the chain where the axon is: one extrinsic, signed by the hotkey, when what the chain says is not so.
// Promises: nothing is sent while the chain already says it, or before its rate limit has passed; only an address that a
// validator can reach is announced. A hotkey pays nothing for it.
import { isIPv4 } from 'node:net';
import { SwarmError } from '../../blackboard/errors.js';
import type { Signer } from '../wallet/sr25519.js';
import type { Chain } from './client.js';
import { signExtrinsic, signingFacts } from './extrinsic.js';
import type { Metagraph } from './metagraph.js';
import { submit } from './submit.js';

/** The axon as validators shall find it. */
export interface Face {
  readonly ip: string;
  readonly port: number;
}

/** 10.2.0, whose protocol the axon speaks. */
const VERSION = 10_002_000;
const IP_TYPE = 4;
const PROTOCOL = 4;

export type Announced =
  | { readonly outcome: 'unchanged' | 'not registered' }
  | { readonly outcome: 'too early'; readonly blocks: number }
  | { readonly outcome: 'announced'; readonly block: string };

/** The address as a number. SWARM_E_USAGE for one that nobody could reach. */
export function addressNumber(ip: string): bigint {
  const parts = ip.split('.').map(Number);
  const [first = 0] = parts;
  if (!isIPv4(ip) || first === 0 || first === 127 || first >= 224)
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${ip} cannot be an axon's address`,
      'Give the IPv4 address at which the world reaches this machine.',
    );
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

export async function announce(
  chain: Chain,
  metagraph: Metagraph,
  signer: Signer,
  face: Face,
): Promise<Announced> {
  const ip = addressNumber(face.ip);
  const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === signer.ss58);
  if (neuron === undefined) return { outcome: 'not registered' };
  const { axon } = neuron;
  const wanted = { ...face, version: VERSION, ip_type: IP_TYPE, protocol: PROTOCOL };
  if (axon !== null && Object.entries(wanted).every(([field, value]) => axon[field as keyof Face] === value))
    return { outcome: 'unchanged' };
  const look = await chain.look();
  const blocks = axon === null ? 0 : axon.block + metagraph.serving_rate_limit - look.block;
  if (blocks > 0 && metagraph.serving_rate_limit > 0) return { outcome: 'too early', blocks };
  const call = look.runtime.call('SubtensorModule', 'serve_axon', {
    netuid: metagraph.netuid,
    version: VERSION,
    ip,
    port: face.port,
    ip_type: IP_TYPE,
    protocol: PROTOCOL,
    placeholder1: 0,
    placeholder2: 0,
  });
  const extrinsic = signExtrinsic(call, signer, await signingFacts(chain, look, signer.ss58));
  return { outcome: 'announced', block: await submit(chain, look.runtime, extrinsic) };
}
