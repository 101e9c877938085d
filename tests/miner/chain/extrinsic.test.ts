// What is signed and sent: every extrinsic is taken apart by the recorded metadata and its signature verified by hand.

import { sr25519Verify } from '@polkadot/wasm-crypto';
import { Blake2256, compact } from '@polkadot-api/substrate-bindings';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStanding } from '../../../miner/chain/account.js';
import { addressNumber, announce } from '../../../miner/chain/announce.js';
import { type Chain, openChain } from '../../../miner/chain/client.js';
import { signExtrinsic } from '../../../miner/chain/extrinsic.js';
import { readMetagraph } from '../../../miner/chain/metagraph.js';
import { planRegistration, register } from '../../../miner/chain/register.js';
import type { Extension, Runtime } from '../../../miner/chain/runtime.js';
import { vectors } from '../axon/captures.js';
import { bob } from '../axon/scene.js';
import {
  charlie,
  type FakeNode,
  GENESIS,
  hasMetadata,
  miner,
  NETUID,
  openNode,
  recordedTypes,
} from './node.js';

const FACE = { ip: '203.0.113.7', port: 8091 };
const serving = { ip: 3_405_803_783n, port: 8091, version: 10_002_000, block: 6_852_600n };
const say = (): void => undefined;

/** The parts of a version-4 extrinsic, by the recorded types alone. */
function takenApart(hex: string) {
  const { unified, builder } = recordedTypes();
  // A copy: decoders read the buffer behind a view.
  const all = Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
  const length = Number(compact.dec(all));
  const body = all.subarray(all.length - length);
  expect([body[0], body[1], body[34]]).toEqual([0x84, 0, 1]);
  let rest = body.slice(99);
  const extra: Record<string, unknown> = {};
  const start = body.length - rest.length;
  for (const { identifier, type } of unified.extrinsic.extensionsByVersion[0]!) {
    const codec = builder.buildDefinition(type);
    extra[identifier] = codec.dec(rest);
    rest = rest.slice(codec.enc(extra[identifier]).length);
  }
  const extraBytes = body.subarray(start, body.length - rest.length);
  const lookup = recordedTypes().lookup;
  return {
    signer: body.subarray(2, 34),
    signature: body.subarray(35, 99),
    extra,
    extraBytes,
    callBytes: rest,
    call: builder.buildDefinition(lookup.call!).dec(rest),
  };
}

/** What a node signs against: the call, the extra, and the facts of its own chain at the block of the era. */
function signedPayload({ callBytes, extraBytes }: ReturnType<typeof takenApart>, spec: number, hash: string) {
  const u32 = (n: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(n);
    return bytes;
  };
  const facts = [u32(spec), u32(1), Buffer.from(GENESIS.slice(2), 'hex'), Buffer.from(hash.slice(2), 'hex')];
  const payload = Buffer.concat([callBytes, extraBytes, ...facts, Uint8Array.of(0)]);
  return payload.length > 256 ? Blake2256(payload) : payload;
}

describe.skipIf(!hasMetadata)('an extrinsic', () => {
  let node: FakeNode;
  let chain: Chain;
  beforeEach(async () => {
    node = await openNode();
    chain = await openChain(node.url, GENESIS);
  });
  afterEach(async () => {
    chain.close();
    await node.close();
  });
  const announced = async () => announce(chain, await readMetagraph(chain, NETUID), bob, FACE);
  const plan = (hotkey: string, max: number | null = null) =>
    planRegistration(chain, NETUID, hotkey, charlie.ss58, max);

  it('announces the axon, signed by the hotkey for this chain, this runtime and a quarter of an hour', async () => {
    const hash = `0x${node.state.block.toString(16).padStart(64, '0')}`;
    expect(await announced()).toMatchObject({ outcome: 'announced' });
    const parts = takenApart(node.submitted[0]!);
    expect(`0x${Buffer.from(parts.callBytes).toString('hex')}`).toBe(
      vectors().calls['serve_axon(50,10002000,203.0.113.7,8091,4,4,0,0)'],
    );
    expect(parts.extra).toMatchObject({ CheckNonce: 141, ChargeTransactionPayment: 0n });
    expect(Buffer.from(parts.signer)).toEqual(Buffer.from(bob.publicKey));
    const verified = (spec: number) =>
      sr25519Verify(parts.signature, signedPayload(parts, spec, hash), parts.signer);
    expect([verified(343), verified(344)]).toEqual([true, false]);
  });

  it('is not sent while the chain says it already, nor before the rate limit has passed', async () => {
    node.state.neurons[1] = { ...miner, axon: serving };
    expect(await announced()).toEqual({ outcome: 'unchanged' });
    node.state.neurons[1] = {
      ...miner,
      axon: { ...serving, port: 9000, block: BigInt(node.state.block - 10) },
    };
    expect(await announced()).toEqual({ outcome: 'too early', blocks: 40 });
    node.state.neurons = [];
    expect(await announced()).toEqual({ outcome: 'not registered' });
    expect(node.submitted).toEqual([]);
    node.state.neurons = [{ ...miner, axon: { ...serving, port: 9000 } }];
    expect(await announced()).toMatchObject({ outcome: 'announced' });
  });

  it.each(['127.0.0.1', '0.0.0.0', '255.255.255.255', '::1', 'miner.example', '1.2.3'])(
    'does not announce %s',
    (ip) => {
      expect(() => addressNumber(ip)).toThrow("cannot be an axon's address");
    },
  );

  it.each([
    [
      'the pool, at newer runtimes',
      { code: 1010, message: 'Invalid Transaction', data: 'Custom error: 12' },
      'too recently',
    ],
    [
      'the pool, without a number',
      { code: 1010, message: 'Invalid Transaction', data: 'badProof' },
      'badProof',
    ],
    ['the call itself, in the block', 'failed' as const, 'SubtensorModule.'],
    ['nobody, but it is dropped', 'dropped' as const, 'is dropped'],
  ])('is refused by %s', async (_, fate, words) => {
    node.state.fate = fate;
    await expect(announced()).rejects.toMatchObject({
      code: 'SWARM_E_CHAIN_REFUSED',
      message: expect.stringContaining(words),
    });
  });

  it('has an outcome that is not known when the connection ends first', async () => {
    node.state.fate = 'lost';
    await expect(announced()).rejects.toMatchObject({
      code: 'SWARM_E_CHAIN_UNREACHABLE',
      message: expect.stringContaining('not known'),
    });
  });

  it('registers a hotkey at a price that is shown first, signed by the coldkey', async () => {
    const made = await plan(DAVE);
    expect([made.cost, made.held, made.standing.free]).toEqual([0.0005, false, 7.450117072]);
    expect(made.decoded).toEqual({
      type: 'SubtensorModule',
      value: { type: 'burned_register', value: { netuid: NETUID, hotkey: DAVE } },
    });
    await register(chain, made, charlie, say);
    const parts = takenApart(node.submitted[0]!);
    expect(Buffer.from(parts.callBytes)).toEqual(Buffer.from(made.call));
    expect(Buffer.from(parts.signer)).toEqual(Buffer.from(charlie.publicKey));
  });

  it('registers nobody who is there, who cannot pay, above the limit, or while the door is closed', async () => {
    await expect(plan(bob.ss58)).rejects.toThrow('is registered already, as uid 1');
    await expect(plan(DAVE, 0.0001)).rejects.toThrow('more than 0.0001');
    node.state.burn = 9_000_000_000n;
    await expect(plan(DAVE)).rejects.toThrow('costs 9 TAO and');
    node.state.registration_allowed = false;
    await expect(plan(DAVE)).rejects.toThrow('takes no registrations now');
    expect(node.submitted).toEqual([]);
  });

  it('is not signed when the runtime wants something signed that is not known', async () => {
    const { runtime, hash, block } = await chain.look();
    const unknown: Extension = {
      identifier: 'CheckSomethingNew',
      empty: false,
      encode: () => new Uint8Array(1),
      encodeSigned: () => new Uint8Array(),
    };
    const changed: Runtime = { ...runtime, extensions: [...runtime.extensions, unknown] };
    const facts = { runtime: changed, genesis: GENESIS, hash, block, nonce: 0 };
    expect(() => signExtrinsic(Uint8Array.of(0, 0), bob, facts)).toThrow('CheckSomethingNew');
  });

  it('knows what a wallet has', async () => {
    expect(await readStanding(chain, NETUID, bob.ss58, null)).toMatchObject({
      neuron: { uid: 1, emission: 1 },
      free: 7.450117072,
      stake: 12,
      registration_allowed: true,
    });
    expect(await readStanding(chain, NETUID, DAVE, null)).toMatchObject({
      neuron: null,
      free: null,
      stake: null,
    });
  });
});

/** //Dave: on no subnet here. */
const DAVE = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';
