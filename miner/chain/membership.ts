// The chain inside the miner's process: who is a member of the subnet, and that the chain knows where the axon is.
// Promises: it runs beside the serving and never stops it; an axon is announced at most once for each look, and what keeps
// it from being announced is an alert, once. Leaves to others: what members may do (axon/policy.ts).
import type { Members } from '../axon/policy.js';
import type { MinerContext } from '../context.js';
import type { Signer } from '../wallet/sr25519.js';
import { announce, type Face } from './announce.js';
import type { Chain } from './client.js';
import { Follower } from './follow.js';
import type { Metagraph } from './metagraph.js';
import type { Network } from './network.js';

export interface ChainOptions {
  readonly network: Network;
  /** Where the last good metagraph is kept. */
  readonly file: string;
  readonly max_age_s: number;
  /** Where the world reaches the axon; null leaves what the chain says as it is. Without a port: the axon's own. */
  readonly face: { readonly ip: string; readonly port: number | undefined } | null;
  readonly every_s?: number;
}

export interface Membership {
  readonly members: Members;
  /** Our own place on the subnet, by the last good metagraph; null without one. */
  uid(): number | null;
  close(): Promise<void>;
}

export function openMembership(
  context: Pick<MinerContext, 'log' | 'alert'>,
  { face, ...options }: ChainOptions,
  signer: Signer,
  port: number,
): Membership {
  const stop = new AbortController();
  const { log } = context;
  let said = '';
  const say = async (what: string, code: string, message: string): Promise<void> => {
    if (said === what) return;
    said = what;
    await context.alert('warning', code, message);
  };
  const here: Face | null = face && { ip: face.ip, port: face.port ?? port };
  const looked = async (chain: Chain, metagraph: Metagraph): Promise<void> => {
    const neuron = metagraph.neurons.find(({ hotkey }) => hotkey === signer.ss58);
    if (neuron === undefined)
      return say(
        'unregistered',
        'SWARM_W_NOT_REGISTERED',
        `${signer.ss58} is not on subnet ${metagraph.netuid}: no validator asks it; \`swarm miner register\` registers it`,
      );
    if (here === null) return;
    try {
      const done = await announce(chain, metagraph, signer, here);
      if (done.outcome === 'announced') log.info({ ...here, block: done.block }, 'the axon is announced');
      if (done.outcome === 'too early') log.info({ blocks: done.blocks }, 'the axon is announced later');
      said = '';
    } catch (error) {
      const { code = 'SWARM_E_UNEXPECTED', message } = error as { code?: string; message: string };
      log.warn({ code, err: error }, 'the axon could not be announced');
      await say(message, code, `the axon could not be announced: ${message}`);
    }
  };
  const follower = new Follower({
    ...options,
    log,
    alert: (severity, code, message) => context.alert(severity, code, message),
    looked,
  });
  const running = follower.run(stop.signal);
  return {
    members: follower.members,
    uid: () => follower.metagraph?.neurons.find(({ hotkey }) => hotkey === signer.ss58)?.uid ?? null,
    async close() {
      stop.abort();
      await running;
    },
  };
}
