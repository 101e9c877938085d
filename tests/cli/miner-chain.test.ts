// The miner's commands that look at the chain, against a node that answers from recorded metadata: what a person reads
// before anything is signed, and that nothing is signed without a yes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addMinerCommands } from '../../cli/miner/commands.js';
import { networkOf } from '../../cli/miner/network.js';
import { devSigner } from '../../miner/wallet/sr25519.js';
import { type FakeNode, GENESIS, hasMetadata, miner, openNode } from '../miner/chain/node.js';
import { freePorts } from '../ports.js';

/** Public development seeds: they guard nothing. */
const SEEDS = { hot: `0x${'0b'.repeat(32)}`, cold: `0x${'0c'.repeat(32)}` };

let node: FakeNode;
let directory: string;
let out: string;
const kept = { ...process.env };

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-register-'));
  mkdirSync(join(directory, 'w', 'hotkeys'), { recursive: true });
  Object.assign(process.env, { BT_WALLET_PATH: directory, BT_WALLET_NAME: 'w' });
  out = '';
  const write = (text: string | Uint8Array) => {
    out += text;
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write as typeof process.stdout.write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write as typeof process.stderr.write);
  if (hasMetadata) node = await openNode();
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.env = { ...kept };
  process.exitCode = undefined;
  rmSync(directory, { recursive: true });
  if (hasMetadata) await node.close();
});

const secret = (name: string, content: object): void =>
  writeFileSync(join(directory, 'w', name), JSON.stringify(content), { mode: 0o600 });

async function wallet(): Promise<{ hot: string; cold: string }> {
  const { signerFromSeed } = await import('../../miner/wallet/sr25519.js');
  const [hot, cold] = [SEEDS.hot, SEEDS.cold].map((seed) =>
    signerFromSeed(Buffer.from(seed.slice(2), 'hex')),
  );
  secret('hotkeys/default', { secretSeed: SEEDS.hot });
  secret('coldkey', { secretSeed: SEEDS.cold });
  secret('coldkeypub.txt', { ss58Address: cold!.ss58 });
  return { hot: hot!.ss58, cold: cold!.ss58 };
}

async function swarm(...words: string[]): Promise<string> {
  const program = new Command().exitOverride();
  addMinerCommands(program);
  await program.parseAsync(words, { from: 'user' });
  return out;
}
const here = () => ['--chain', node.url, '--genesis', GENESIS];

describe.skipIf(!hasMetadata)('swarm miner register', () => {
  it('shows price, balance and the decoded call, and signs nothing', async () => {
    const { hot, cold } = await wallet();
    const shown = JSON.parse(await swarm('miner', 'register', '--dry-run', '--json', ...here()));
    expect(shown).toMatchObject({
      coldkey: cold,
      balance_tao: 7.450117072,
      cost_tao: 0.0005,
      signs: {
        type: 'SubtensorModule',
        value: { type: 'burned_register', value: { netuid: 50, hotkey: hot } },
      },
    });
    expect(node.submitted).toEqual([]);
  });

  it('signs nothing without a yes, also when it is given with --dry-run', async () => {
    await wallet();
    await expect(swarm('miner', 'register', ...here())).rejects.toThrow('nothing was signed');
    await expect(swarm('miner', 'register', '--yes', '--dry-run', ...here())).rejects.toThrow('exclude');
    expect(node.submitted).toEqual([]);
  });

  it('pays with --yes, from the coldkey whose address was shown', async () => {
    await wallet();
    expect(await swarm('miner', 'register', '--yes', ...here())).toContain('registered in block 0x');
    expect(node.submitted).toHaveLength(1);
    secret('coldkeypub.txt', { ss58Address: devSigner('//Eve')!.ss58 });
    await expect(swarm('miner', 'register', '--yes', ...here())).rejects.toThrow('coldkeypub.txt says');
    expect(node.submitted).toHaveLength(1);
  });
});

describe.skipIf(!hasMetadata)('swarm wallet show', () => {
  it('says what the chain knows of the hotkey', async () => {
    const { hot } = await wallet();
    node.state.neurons[1] = { ...miner, hotkey: hot };
    const shown = JSON.parse(await swarm('wallet', 'show', '--json', ...here()));
    expect(shown).toMatchObject({
      ss58: hot,
      registered: 'uid 1',
      balance_tao: 7.450117072,
      stake_alpha: 12,
      emission: 1,
    });
    expect(out).not.toContain(SEEDS.hot.slice(4, 20));
  });

  it('says in one line that no endpoint answers', async () => {
    await wallet();
    await node.close();
    expect(await swarm('wallet', 'show', ...here())).toMatch(/^chain +not read: ws:.*ECONNREFUSED/m);
    node = await openNode();
  });
});

describe.skipIf(!hasMetadata)('swarm miner --dry-run', () => {
  const rehearsal = async (...more: string[]) => {
    const [port = 0] = await freePorts(1);
    const words = ['miner', '--dry-run', '--market', 'simulated', '--port', String(port)];
    return swarm(...words, ...more, ...here());
  };

  it('explains step by step what a machine without a wallet lacks', async () => {
    const text = await rehearsal();
    for (const word of ['missing hotkey', 'ok      chain', 'missing registered', 'missing address'])
      expect(text.replace(/ +/g, ' ')).toContain(word.replace(/ +/g, ' '));
    expect(text).toContain('btcli wallet new-coldkey');
    expect(text).toMatch(/^3 of 7 are missing\. Without hotkey it does not start\.$/m);
    expect(process.exitCode).toBe(1);
  });

  it('says which markets there are, and what may follow while it runs', async () => {
    expect(await swarm('miner', '--dry-run', ...here())).toMatch(
      /market +no market was chosen\n +--market live/,
    );
    await wallet();
    expect(await rehearsal()).toMatch(/^2 of 7 are missing\. The same command .* starts all the same/m);
  });

  it('has nothing to say when all is there', async () => {
    const { hot } = await wallet();
    node.state.neurons[1] = { ...miner, hotkey: hot };
    expect(await rehearsal('--external-ip', '203.0.113.7')).toContain('Nothing is missing');
    expect(process.exitCode).toBe(0);
  });

  it('finds a clock that is behind the chain', async () => {
    node.state.now_ms += 3_600_000;
    expect(await rehearsal()).toContain('this clock is');
  });
});

describe('a chain', () => {
  it('is a known one, or endpoints that nobody on the way can change', () => {
    expect(networkOf({}).endpoints[0]).toMatch(/^wss:/);
    expect(networkOf({ chain: ['test'] }).netuid).toBe(247);
    expect(networkOf({ chain: ['wss://a:443', 'ws://127.0.0.1:9944'], netuid: 3 })).toMatchObject({
      netuid: 3,
    });
    for (const wrong of ['ws://node.example:9944', 'https://a', 'nowhere'])
      expect(() => networkOf({ chain: [wrong] })).toThrow('is no endpoint of a chain');
    expect(() => networkOf({ genesis: '0x12' })).toThrow('is no hash');
  });
});
