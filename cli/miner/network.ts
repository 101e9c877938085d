// Which chain a command means: a known network by name, or endpoints.
// Promises: what is read or sent without TLS never leaves this machine.
import { Option } from 'commander';
import { SwarmError } from '../../blackboard/errors.js';
import { FINNEY, type Network } from '../../miner/chain/network.js';
import { integer, list } from '../options.js';

export interface NetworkArguments {
  readonly chain?: string[];
  readonly genesis?: string;
  readonly netuid?: number;
}

const KNOWN: Readonly<Record<string, Network>> = {
  finney: FINNEY,
  test: { endpoints: ['wss://test.finney.opentensor.ai:443'], genesis: null, netuid: 247 },
  local: { endpoints: ['ws://127.0.0.1:9944'], genesis: null, netuid: 50 },
};

export const chainOptions = (): Option[] => [
  new Option(
    '--chain <network>',
    'finney, test, local, or endpoints (wss://...) separated by commas, tried in turn',
  ).argParser(list),
  new Option('--genesis <hash>', 'hash of block 0 of that chain; what else an endpoint serves is refused'),
  new Option('--netuid <n>', 'the subnet (default: 50, on test 247)').argParser(integer),
];

/** SWARM_E_USAGE for what is neither a network nor an endpoint that can be trusted. */
export function networkOf({ chain = ['finney'], genesis, netuid }: NetworkArguments): Network {
  const known = chain.length === 1 ? KNOWN[chain[0]!] : undefined;
  if (known === undefined) for (const url of chain) assertEndpoint(url);
  if (genesis !== undefined && !/^0x[0-9a-f]{64}$/.test(genesis))
    throw usage(`${genesis} is no hash of a block`, 'Give 0x and 64 hex digits.');
  return {
    endpoints: known?.endpoints ?? chain,
    genesis: genesis ?? known?.genesis ?? null,
    netuid: netuid ?? known?.netuid ?? FINNEY.netuid,
  };
}

function assertEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'wss:' || (url?.protocol === 'ws:' && local)) return;
  throw usage(
    `${text} is no endpoint of a chain`,
    `Give wss://HOST:PORT (ws:// on this machine alone), or one of ${Object.keys(KNOWN).join(', ')}.`,
  );
}

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);
