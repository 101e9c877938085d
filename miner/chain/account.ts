// What one wallet has on the chain: its balance, its place on the subnet, its stake, and what a place would cost.
// Read at one block. Units: TAO and alpha in 1e9 rao.
import { z } from 'zod';
import type { Chain, Look } from './client.js';
import { malformed } from './failure.js';
import { type Metagraph, type Neuron, RAO, readMetagraph } from './metagraph.js';

export interface Standing {
  readonly metagraph: Metagraph;
  /** Null while the hotkey is not registered. */
  readonly neuron: Neuron | null;
  /** What the coldkey may spend; null when it is not known. */
  readonly free: number | null;
  /** Alpha that the coldkey holds behind this hotkey; null when it is not known. */
  readonly stake: number | null;
  readonly burn_rao: bigint;
  readonly registration_allowed: boolean;
}

const account = z.object({ data: z.object({ free: z.union([z.bigint(), z.number()]) }) });
const staked = z.object({ stake: z.union([z.bigint(), z.number()]) }).optional();
const STAKES = ['StakeInfoRuntimeApi', 'get_stake_info_for_hotkey_coldkey_netuid'] as const;

/** `coldkey`: as it is known from the wallet; the chain names that of a registered hotkey. */
export async function readStanding(
  chain: Chain,
  netuid: number,
  hotkey: string,
  coldkey: string | null,
  look?: Look,
): Promise<Standing> {
  const seen = look ?? (await chain.look());
  const { runtime } = seen;
  const [metagraph, allowed] = await Promise.all([
    readMetagraph(chain, netuid, seen),
    seen.ask(runtime.storage('SubtensorModule', 'NetworkRegistrationAllowed', [netuid])),
  ]);
  const neuron = metagraph.neurons.find((one) => one.hotkey === hotkey) ?? null;
  const owner = coldkey ?? neuron?.coldkey ?? null;
  const [free, stake] =
    owner === null
      ? [null, null]
      : await Promise.all([
          freeOf(chain, seen, owner),
          runtime.hasApi(...STAKES) ? stakeOf(chain, seen, [hotkey, owner, netuid]) : null,
        ]);
  return {
    metagraph,
    neuron,
    free,
    stake,
    burn_rao: BigInt(metagraph.burn_rao),
    registration_allowed: allowed === true,
  };
}

async function freeOf(chain: Chain, { runtime, ask }: Look, owner: string): Promise<number> {
  const parsed = account.safeParse(await ask(runtime.storage('System', 'Account', [owner])));
  if (!parsed.success) throw malformed(chain.endpoint, 'an account without a balance', parsed.error);
  return Number(parsed.data.data.free) / RAO;
}

async function stakeOf(chain: Chain, { runtime, ask }: Look, args: readonly unknown[]): Promise<number> {
  const parsed = staked.safeParse(await ask(runtime.api(...STAKES, args)));
  if (!parsed.success) throw malformed(chain.endpoint, 'stake that is no number', parsed.error);
  return Number(parsed.data?.stake ?? 0) / RAO;
}
