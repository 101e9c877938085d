// Reading the chain from recorded metadata over a real socket: what is there, what cannot be believed, what has changed.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChain, withChain } from '../../../miner/chain/client.js';
import { readMetagraph } from '../../../miner/chain/metagraph.js';
import { alice, bob } from '../axon/scene.js';
import {
  type ChainState,
  type FakeNode,
  GENESIS,
  hasMetadata,
  type Mangle,
  NETUID,
  openNode,
} from './node.js';

const QUICK = { connect_ms: 5000, answer_ms: 3000 };

/** The result of one method changed as text. */
const changed = (wanted: string, change: (result: string) => string) => (method: string, text: string) => {
  const message = JSON.parse(text);
  if (method !== wanted || typeof message.result !== 'string' || message.result.length > 500_000) return text;
  return JSON.stringify({ ...message, result: change(message.result) });
};

describe.skipIf(!hasMetadata)('a look at the subnet', () => {
  let node: FakeNode;
  beforeEach(async () => {
    node = await openNode();
  });
  afterEach(() => node.close());

  const network = (...endpoints: string[]) => ({ endpoints, genesis: GENESIS, netuid: NETUID });
  const look = () => withChain(network(node.url), (chain) => readMetagraph(chain, NETUID), QUICK);

  it('finds every neuron with its stake, permit and axon at one finalized block', async () => {
    node.state.neurons[1] = {
      ...node.state.neurons[1]!,
      axon: { ip: 3_405_803_783n, port: 8091, version: 10_002_000, block: 6_852_000n },
    };
    const graph = await look();
    expect([graph.block, graph.runtime, graph.burn_rao, graph.serving_rate_limit]).toEqual([
      6_852_690,
      343,
      '500000',
      50,
    ]);
    expect(
      graph.neurons.map(({ uid, hotkey, stake, permit }) => [uid, hotkey, stake, permit]).slice(0, 2),
    ).toEqual([
      [0, alice.ss58, 70_000, true],
      [1, bob.ss58, 0, false],
    ]);
    expect(graph.neurons[0]!.axon).toBeNull();
    expect(graph.neurons[1]).toMatchObject({
      emission: 1,
      axon: { ip: '203.0.113.7', port: 8091, version: 10_002_000, block: 6_852_000 },
    });
  });

  it('asks for the columns it uses and no other', async () => {
    await look();
    const asked = node.asked.find(
      ({ params }) => params[0] === 'SubnetInfoRuntimeApi_get_selective_metagraph',
    );
    // netuid 50, then the places of the fields in the recorded runtime: 0, 7, 32, 45, 52, 53, 55, 57, 59, 60, 62, 69.
    expect(asked?.params[1]).toBe('0x3200300000070020002d0034003500370039003b003c003e004500');
  });

  it.each<[string, Partial<ChainState>, Mangle | null, string]>([
    ['another chain', { genesis: `0x${'2b'.repeat(32)}` }, null, 'SWARM_E_CHAIN_WRONG'],
    ['no metadata of that version', { metadata: '0x00' }, null, 'SWARM_E_CHAIN_RESPONSE'],
    ['metadata that is cut short', { metadata: '0x01ee1512006d6574' }, null, 'SWARM_E_CHAIN_RESPONSE'],
    [
      'a metagraph that is cut short',
      {},
      changed('state_call', (result) => result.slice(0, -20)),
      'SWARM_E_CHAIN_RESPONSE',
    ],
    ['what is no JSON', {}, (_, text) => text.slice(0, text.length / 2), 'SWARM_E_CHAIN_RESPONSE'],
    ['nothing', {}, () => null, 'SWARM_E_CHAIN_UNREACHABLE'],
    ['by hanging up', {}, () => 'hang up', 'SWARM_E_CHAIN_UNREACHABLE'],
    ['a head that is no hash', {}, changed('chain_getFinalizedHead', () => '0x12'), 'SWARM_E_CHAIN_RESPONSE'],
  ])('believes nothing when the node answers %s', async (_, state, mangle, code) => {
    Object.assign(node.state, state);
    if (mangle !== null) node.mangle = mangle;
    await expect(look()).rejects.toMatchObject({ code });
  });

  it('says so when the subnet is not there', async () => {
    await expect(withChain(network(node.url), (chain) => readMetagraph(chain, 51), QUICK)).rejects.toThrow(
      'there is no subnet 51',
    );
  });

  it('goes to the next endpoint, and names them all when none answers', async () => {
    const graph = await withChain(
      network('ws://127.0.0.1:9', node.url),
      (chain) => readMetagraph(chain, NETUID),
      QUICK,
    );
    expect(graph.block).toBe(6_852_690);
    await expect(
      withChain(network('ws://127.0.0.1:9', 'ws://127.0.0.1:10'), look, QUICK),
    ).rejects.toMatchObject({ code: 'SWARM_E_CHAIN_UNREACHABLE', message: expect.stringMatching(/:9.*:10/) });
  });

  it('reads the metadata anew when the runtime was upgraded, and only then', async () => {
    const chain = await openChain(node.url, GENESIS, QUICK);
    const metadataReads = () =>
      node.asked.filter(({ params }) => params[0] === 'Metadata_metadata_at_version').length;
    await readMetagraph(chain, NETUID);
    await readMetagraph(chain, NETUID);
    expect(metadataReads()).toBe(1);
    node.state.spec = 344;
    expect((await readMetagraph(chain, NETUID)).runtime).toBe(344);
    expect(metadataReads()).toBe(2);
    chain.close();
  });
});
