// Registering a hotkey on the subnet: what it costs, what would be signed, and signing it.
// Promises: a plan says exactly the call that is signed, decoded from its own bytes; the coldkey is asked for only when
// there is something to sign; the price may not rise above what the plan says where the runtime can hold it there.
import { SwarmError } from '../../blackboard/errors.js';
import type { Signer } from '../wallet/sr25519.js';
import { readStanding, type Standing } from './account.js';
import type { Chain, Look } from './client.js';
import { signExtrinsic, signingFacts } from './extrinsic.js';
import { RAO } from './metagraph.js';
import { submit } from './submit.js';

const PALLET = 'SubtensorModule';
/** What a block may raise the price by before the call is in one. */
const SLACK_PERCENT = 10n;

export interface Plan {
  readonly look: Look;
  readonly standing: Standing;
  readonly call: Uint8Array;
  /** The call as the chain will read it. */
  readonly decoded: unknown;
  readonly cost: number;
  /** The most that is paid, where the runtime can hold it; else what it costs now. */
  readonly limit: number;
  readonly held: boolean;
}

/** Throws SWARM_E_CHAIN_REFUSED when there is nothing to register or it cannot be paid. */
export async function planRegistration(
  chain: Chain,
  netuid: number,
  hotkey: string,
  coldkey: string,
  max_burn: number | null,
): Promise<Plan> {
  const look = await chain.look();
  const standing = await readStanding(chain, netuid, hotkey, coldkey, look);
  const { neuron, burn_rao, free, registration_allowed } = standing;
  if (neuron !== null)
    throw pointless(`${hotkey} is registered already, as uid ${neuron.uid}`, 'Start the miner.');
  if (!registration_allowed)
    throw pointless(`subnet ${netuid} takes no registrations now`, 'Try again later.');
  const cost = Number(burn_rao) / RAO;
  if (max_burn !== null && cost > max_burn)
    throw pointless(`a registration costs ${cost} TAO, more than ${max_burn}`, 'Wait, or raise --max-burn.');
  if (free !== null && free <= cost)
    throw pointless(
      `a registration costs ${cost} TAO and ${coldkey} has ${free}`,
      'Send TAO to the coldkey, a little more than it costs.',
    );
  const held = look.runtime.has(PALLET, 'register_limit');
  const limit_rao =
    max_burn === null ? burn_rao + (burn_rao * SLACK_PERCENT) / 100n : BigInt(Math.floor(max_burn * RAO));
  const call = held
    ? look.runtime.call(PALLET, 'register_limit', { netuid, hotkey, limit_price: limit_rao })
    : look.runtime.call(PALLET, 'burned_register', { netuid, hotkey });
  return {
    look,
    standing,
    call,
    decoded: look.runtime.decodeCall(call),
    cost,
    limit: held ? Number(limit_rao) / RAO : cost,
    held,
  };
}

/** Signs and sends the plan; the hash of the finalized block. */
export async function register(
  chain: Chain,
  { look, call }: Plan,
  coldkey: Signer,
  progress: (text: string) => void,
): Promise<string> {
  const extrinsic = signExtrinsic(call, coldkey, await signingFacts(chain, look, coldkey.ss58));
  return submit(chain, look.runtime, extrinsic, progress);
}

const pointless = (what: string, hint: string): SwarmError =>
  new SwarmError('SWARM_E_CHAIN_REFUSED', what, hint);
