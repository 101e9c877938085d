// An axon on a free port with a forecast of two short paths, and the parties around it: a validator, a miner, a stranger.
import pino from 'pino';
import type { Forward } from '../../../miner/axon/pipeline.js';
import type { AccessPolicy } from '../../../miner/axon/policy.js';
import { type AxonOptions, openAxon } from '../../../miner/axon/server.js';
import { SharedText } from '../../../miner/axon/shared-text.js';
import { type Prompt, parseStart, pointsOf } from '../../../miner/sn50/prompt.js';
import {
  type AxonAddress,
  type Dendrite,
  exchange,
  simulationRequest,
  type WireReply,
  type WireRequest,
} from '../../../miner/validator/wire.js';
import { cryptoReady, devSigner } from '../../../miner/wallet/sr25519.js';

await cryptoReady();
export const alice = devSigner('//Alice')!;
export const bob = devSigner('//Bob')!;
export const mallory = devSigner('//Mallory')!;

export const dendrite: Dendrite = {
  signer: alice,
  ip: '203.0.113.7',
  uuid: '5ecbd69c-1cec-11ee-b0dc-e29ce36fec1a',
};

export const PROMPT: Prompt = {
  asset: 'BTC',
  start_time: '2026-01-15T12:02:00+00:00',
  time_increment: 60,
  time_length: 120,
  num_simulations: 2,
};

/** As many paths as are asked for, all alike. */
export const flat: Forward = async (prompt) => {
  const path = `[${Array.from({ length: pointsOf(prompt) }, (_, i) => 100.5 + i).join(',')}]`;
  const paths = Array.from({ length: prompt.num_simulations }, () => path);
  const rest = new SharedText(Buffer.from(`,${prompt.time_increment},${paths.join(',')}]`));
  return { start_s: parseStart(prompt.start_time), rest };
};

/** Alice alone may ask. */
export const onlyAlice: AccessPolicy = {
  deny: [],
  allow: [alice.ss58],
  others: 'nobody',
  validator_permit: false,
  minimum_stake: 0,
};
export const anybody: AccessPolicy = { ...onlyAlice, allow: [], others: 'anybody' };

export interface Scene {
  readonly axon: AxonAddress;
  /** What the axon logged, one object a line. */
  readonly lines: Record<string, unknown>[];
  close(): Promise<void>;
}

export async function openScene(options: Partial<AxonOptions> = {}): Promise<Scene> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const { port, close } = await openAxon({
    signer: bob,
    policy: onlyAlice,
    members: () => undefined,
    forward: flat,
    log,
    port: 0,
    host: '127.0.0.1',
    since_ns: 0n,
    ...options,
  });
  return { axon: { host: '127.0.0.1', port, hotkey: bob.ss58 }, lines, close };
}

export const asked = (axon: AxonAddress, change: Partial<Prompt> = {}, timeout_s = 61.25, nonce?: string) =>
  simulationRequest(dendrite, axon, { ...PROMPT, ...change }, timeout_s, nonce);

/** Sends, and fails the test when there is no reply at all. */
export async function sendTo({ axon }: Pick<Scene, 'axon'>, request: WireRequest): Promise<WireReply> {
  const reply = await exchange(axon, request, 20_000);
  if (reply === null) throw new Error('no reply');
  return reply;
}

export const messageOf = (reply: WireReply): string => JSON.parse(reply.body).message;
