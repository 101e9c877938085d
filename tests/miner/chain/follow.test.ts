// Following the chain through outages: what is served meanwhile, when it is too old, and how the endpoints are tried.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccessPolicy, blacklisted } from '../../../miner/axon/policy.js';
import { Follower, type FollowOptions } from '../../../miner/chain/follow.js';
import { alice, bob, mallory } from '../axon/scene.js';
import { type FakeNode, GENESIS, hasMetadata, NETUID, openNode } from './node.js';

const HOUR_S = 3600;
const members: AccessPolicy = {
  deny: [],
  allow: [],
  others: 'members',
  validator_permit: true,
  minimum_stake: 1000,
};

describe.skipIf(!hasMetadata)('following the chain', () => {
  let node: FakeNode;
  let directory: string;
  let stop: AbortController;
  const running: Promise<void>[] = [];
  const alerts: string[] = [];
  const lines: Record<string, unknown>[] = [];

  beforeEach(async () => {
    node = await openNode();
    directory = mkdtempSync(join(tmpdir(), 'swarm-chain-'));
    stop = new AbortController();
    alerts.length = 0;
    lines.length = 0;
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running.splice(0));
    await node.close();
    rmSync(directory, { recursive: true });
  });

  function follow(change: Partial<FollowOptions> = {}, endpoints = [node.url]): Follower {
    const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const follower = new Follower({
      network: { endpoints, genesis: GENESIS, netuid: NETUID },
      file: join(directory, 'metagraph.json'),
      max_age_s: HOUR_S,
      every_s: 0.02,
      limits: { connect_ms: 2000, answer_ms: 2000 },
      log,
      random: () => 0,
      alert: async (_, code) => void alerts.push(code),
      ...change,
    });
    running.push(follower.run(stop.signal));
    return follower;
  }
  const until = (what: () => boolean) => expect.poll(what, { timeout: 20_000, interval: 10 }).toBe(true);
  const facts = (hotkey: string) =>
    ({ dendrite: { hotkey, signature: '0x' } }) as unknown as Parameters<typeof blacklisted>[2];

  it('makes members of the neurons, and the policy judges by their stake and permit', async () => {
    const follower = follow();
    await until(() => follower.metagraph !== null);
    const judged = [alice, bob, mallory].map(({ ss58 }) =>
      blacklisted(members, follower.members, facts(ss58)),
    );
    expect(judged).toEqual([null, 'Stake below minimum threshold', 'Stake below minimum threshold']);
    const modest = { ...members, minimum_stake: 100 };
    expect(blacklisted(modest, follower.members, facts(mallory.ss58))).toBe('Non-validator hotkey');
  });

  it('keeps the last good metagraph through a lost connection, and connects again', async () => {
    const follower = follow();
    await until(() => follower.metagraph !== null);
    node.mangle = () => 'hang up';
    node.hangUp();
    await until(() => lines.some(({ code }) => code === 'SWARM_E_CHAIN_UNREACHABLE'));
    expect(follower.members(alice.ss58)).toMatchObject({ permit: true });
    node.mangle = (_, text) => text;
    node.state.block += 10;
    node.state.neurons = node.state.neurons.slice(1);
    await until(() => follower.members(alice.ss58) === undefined);
    expect(follower.metagraph!.block).toBe(node.state.block);
  });

  it('starts from the disk when no endpoint answers, until that is too old', async () => {
    const first = follow();
    await until(() => first.metagraph !== null);
    let now_ms = Date.now();
    const second = follow({ now_ms: () => now_ms }, ['ws://127.0.0.1:9']);
    expect([second.usable, second.members(alice.ss58)?.stake]).toEqual([true, 70_000]);
    now_ms += (HOUR_S + 60) * 1000;
    expect([second.usable, second.members(alice.ss58)]).toEqual([false, undefined]);
    await until(() => alerts.includes('SWARM_W_CHAIN_STALE'));
  });

  it('goes on with whatever age when that was configured', async () => {
    const first = follow();
    await until(() => first.metagraph !== null);
    const later = follow({ max_age_s: 1e10, now_ms: () => Date.now() + 1e12 }, ['ws://127.0.0.1:9']);
    expect(later.members(alice.ss58)?.stake).toBe(70_000);
  });

  it.each([
    ['is broken', () => '{"genesis":'],
    ['is of another chain', (text: string) => text.replace(GENESIS, `0x${'2b'.repeat(32)}`)],
    ['is of another subnet', (text: string) => text.replace('"netuid":50', '"netuid":51')],
    ['lacks a permit', (text: string) => text.replace('"permit":true,', '')],
  ])('has nobody as a member when the file %s', async (_, spoil) => {
    const first = follow();
    await until(() => first.metagraph !== null);
    stop.abort();
    await Promise.all(running.splice(0));
    const file = join(directory, 'metagraph.json');
    writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    expect(follow({}, ['ws://127.0.0.1:9']).members(alice.ss58)).toBeUndefined();
  });

  it('leaves an endpoint whose head goes back or stands still, and takes the next', async () => {
    const ahead = await openNode({ block: node.state.block + 5 });
    const follower = follow({}, [node.url, ahead.url]);
    await until(() => follower.metagraph !== null);
    node.state.now_ms -= HOUR_S * 500;
    await until(() => follower.metagraph!.block === ahead.state.block);
    ahead.state.block -= 2;
    await until(() => lines.some(({ msg }) => String(msg).includes('was seen already')));
    expect(follower.metagraph!.block).toBe(ahead.state.block + 2);
    await ahead.close();
  });
});
