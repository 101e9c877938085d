// `swarm wallet show`: whose hotkey a file holds, and what the chain says of it where one can be reached. Says addresses
// and public keys, and of the secret only its form.
import { SwarmError } from '../../blackboard/errors.js';
import { readStanding } from '../../miner/chain/account.js';
import { withChain } from '../../miner/chain/client.js';
import { coldkeyAddress } from '../../miner/wallet/coldkey.js';
import { defaultHotkeyPath, loadHotkey } from '../../miner/wallet/hotkey.js';
import { type NetworkArguments, networkOf } from './network.js';

/** A look for a person: who waits longer thinks that it hangs. */
const PATIENCE = { connect_ms: 5000, answer_ms: 10_000 };

export interface WalletArguments extends NetworkArguments {
  readonly hotkey?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
}

export async function walletShowCommand(o: WalletArguments): Promise<void> {
  const { path, signer, encrypted, from } = await loadHotkey(o.hotkey ?? defaultHotkeyPath(process.env));
  const coldkey = coldkeyAddress(process.env);
  const shown = {
    file: path,
    ss58: signer.ss58,
    public_key: `0x${Buffer.from(signer.publicKey).toString('hex')}`,
    crypto: 'sr25519',
    encrypted,
    from,
    coldkey: coldkey ?? 'not known: no coldkeypub.txt beside it',
    ...(o.offline ? {} : await onChain(o, signer.ss58, coldkey)),
  };
  const lines = Object.entries(shown).map(([key, value]) => `${key.padEnd(14)}${value ?? 'not known'}`);
  process.stdout.write(`${o.json ? JSON.stringify(shown) : lines.join('\n')}\n`);
}

async function onChain(
  o: WalletArguments,
  hotkey: string,
  coldkey: string | null,
): Promise<Record<string, unknown>> {
  const network = networkOf(o);
  try {
    return await withChain(
      network,
      async (chain) => {
        const { neuron, free, stake, metagraph, burn_rao } = await readStanding(
          chain,
          network.netuid,
          hotkey,
          coldkey,
        );
        return {
          chain: `block ${metagraph.block} at ${chain.endpoint}`,
          registered: neuron === null ? `no, costs ${Number(burn_rao) / 1e9} TAO` : `uid ${neuron.uid}`,
          balance_tao: free,
          stake_alpha: stake,
          emission: neuron?.emission ?? 0,
          incentive: neuron?.incentive ?? 0,
          axon: neuron?.axon ? `${neuron.axon.ip}:${neuron.axon.port}` : 'not announced',
        };
      },
      PATIENCE,
    );
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error;
    return { chain: `not read: ${error.message}` };
  }
}
