// A miner that asks the chain who may ask: members are answered, others refused in the stock axon's words, the axon is
// announced once, and what the public scores say of its answers is on the blackboard beside their prompts.
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MinerProcess } from '../../../miner/context.js';
import { openMiner } from '../../../miner/serving/main.js';
import { formatStart, type Prompt, promptStart } from '../../../miner/sn50/prompt.js';
import { Field } from '../../../miner/synth-api/watch.js';
import { type AxonAddress, exchange, simulationRequest } from '../../../miner/validator/wire.js';
import { wireVerdict } from '../../../miner/validator/wire-verdict.js';
import { loadHotkey } from '../../../miner/wallet/hotkey.js';
import { devSigner } from '../../../miner/wallet/sr25519.js';
import { freePorts } from '../../ports.js';
import { alice, dendrite, mallory, messageOf } from '../axon/scene.js';
import { foundSlots } from '../reign.js';
import { openWorld, type World } from '../world.js';
import { type FakeNode, GENESIS, hasMetadata, NETUID, miner as neuron, openNode } from './node.js';

describe.skipIf(!hasMetadata)('a miner on the chain', () => {
  let world: World;
  let node: FakeNode;
  let miner: MinerProcess;
  let axon: AxonAddress;
  let scores: Server;

  beforeAll(async () => {
    node = await openNode();
    world = await openWorld('chain', { past: 4, slots: ['24h/BTC'] });
    await foundSlots(await world.agent('publisher'));
    const file = join(world.directory, 'hotkey');
    writeFileSync(file, JSON.stringify({ secretSeed: `0x${'0b'.repeat(32)}` }), { mode: 0o600 });
    chmodSync(file, 0o600);
    const { signer } = await loadHotkey(file);
    node.state.neurons[1] = { ...neuron, hotkey: signer.ss58 };
    const [loopback = 0, port = 0] = await freePorts(2);
    miner = await openMiner(await world.agent('miner'), loopback, {
      hotkey: file,
      port,
      allow: [],
      nonces: join(world.directory, 'nonces'),
      chain: {
        network: { endpoints: [node.url], genesis: GENESIS, netuid: NETUID },
        file: join(world.directory, 'metagraph.json'),
        max_age_s: 3600,
        face: { ip: '203.0.113.7', port: undefined },
      },
    });
    axon = { host: '127.0.0.1', port, hotkey: signer.ss58 };
    scores = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(published));
    });
    await new Promise<void>((resolve) => scores.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    scores?.close();
    await miner?.close();
    await world?.close();
    await node?.close();
  });
  let published: object[] = [];

  const prompt = (): Prompt => ({
    asset: 'BTC',
    start_time: formatStart(promptStart(Date.now() / 1000)),
    time_increment: 300,
    time_length: 86_400,
    num_simulations: 50,
  });
  const ask = (signer = alice) => {
    const asked = prompt();
    const request = simulationRequest({ ...dendrite, signer }, axon, asked, 60);
    return exchange(axon, request, 60_000).then((reply) => ({ asked, reply }));
  };

  it('announces its axon, signed by the hotkey', async () => {
    await expect.poll(() => node.submitted.length, { timeout: 30_000 }).toBe(1);
  });

  it('answers the validator of the metagraph, and nobody else', async () => {
    const { asked, reply } = await ask();
    expect(wireVerdict(reply, asked, 'digits8')).toBe('CORRECT');
    const refused = await Promise.all([ask(mallory), ask(devSigner('//Nobody')!)]);
    expect(refused.map((one) => [one.reply?.status, messageOf(one.reply!)])).toEqual([
      [403, 'Forbidden. Key is blacklisted: Stake below minimum threshold.'],
      [403, 'Forbidden. Key is blacklisted: Unrecognized hotkey.'],
    ]);
  });

  it('finds its place in the field on the prompt that it answered, once', async () => {
    const { rows } = await world.admin.query(
      'select p.id, p.start_at from board.prompt p join board.answer a on a.prompt_id = p.id',
    );
    const scored_time = new Date(rows[0].start_at.getTime() + 86_400_000).toISOString();
    published = [90, 100, 112].map((crps, miner_uid) => ({
      asset: 'BTC',
      time_length: 86_400,
      scored_time,
      miner_uid,
      crps,
      prompt_score: crps - 90,
    }));
    const { port } = scores.address() as AddressInfo;
    const field = new Field(
      await world.agent('miner', 'watcher'),
      `http://127.0.0.1:${port}`,
      new AbortController().signal,
    );
    await field.look(2);
    await field.look(2);
    const found = await world.admin.query(
      'select prompt_id, uid, crps, rank, miners, median_crps, best_crps from board.field_score',
    );
    expect(found.rows).toEqual([
      { prompt_id: rows[0].id, uid: 2, crps: 112, rank: 3, miners: 3, median_crps: 100, best_crps: 90 },
    ]);
  });
});
