// `swarm miner register`: what a registration costs and what would be signed; with --yes it is signed by the coldkey and
// sent. The coldkey is opened here, after everything else was found in order, and nowhere else.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { SwarmError } from '../../blackboard/errors.js';
import { withChain } from '../../miner/chain/client.js';
import { type Plan, planRegistration, register } from '../../miner/chain/register.js';
import { coldkeyAddress, defaultColdkeyPath, loadColdkey } from '../../miner/wallet/coldkey.js';
import { defaultHotkeyPath, loadHotkey } from '../../miner/wallet/hotkey.js';
import { type NetworkArguments, networkOf } from './network.js';

export interface RegisterArguments extends NetworkArguments {
  readonly hotkey?: string;
  readonly coldkey?: string;
  readonly maxBurn?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function registerCommand(o: RegisterArguments): Promise<number> {
  const network = networkOf(o);
  if (o.dryRun && o.yes)
    throw new SwarmError('SWARM_E_USAGE', '--dry-run and --yes exclude each other', 'Give one of them.');
  const hotkey = await loadHotkey(o.hotkey ?? defaultHotkeyPath(process.env));
  const payer = coldkeyAddress(process.env);
  if (payer === null)
    throw new SwarmError(
      'SWARM_E_WALLET',
      'the wallet has no coldkeypub.txt that can be read',
      'Name the wallet with BT_WALLET_PATH and BT_WALLET_NAME, on the machine that holds its coldkey.',
    );
  return withChain(network, async (chain) => {
    const plan = await planRegistration(chain, network.netuid, hotkey.signer.ss58, payer, o.maxBurn ?? null);
    print(o, chain.endpoint, payer, plan);
    if (o.dryRun) return 0;
    if (!o.yes)
      throw new SwarmError(
        'SWARM_E_USAGE',
        'nothing was signed',
        'The same command with --yes pays and registers.',
      );
    const coldkey = await loadColdkey(o.coldkey ?? defaultColdkeyPath(process.env), process.env, typed);
    if (coldkey.signer.ss58 !== payer)
      throw new SwarmError(
        'SWARM_E_WALLET',
        `${coldkey.path} is ${coldkey.signer.ss58}, and the wallet's coldkeypub.txt says ${payer}`,
        'Name one wallet for both.',
      );
    const block = await register(chain, plan, coldkey.signer, (text) =>
      process.stderr.write(`the extrinsic is ${text}\n`),
    );
    process.stdout.write(
      o.json
        ? `${JSON.stringify({ registered: hotkey.signer.ss58, block })}\n`
        : `registered in block ${block}\n`,
    );
    return 0;
  });
}

function print({ json }: RegisterArguments, endpoint: string, payer: string, plan: Plan): void {
  const shown = {
    endpoint,
    block: plan.look.block,
    runtime: plan.look.runtime.version.spec,
    coldkey: payer,
    balance_tao: plan.standing.free,
    cost_tao: plan.cost,
    at_most_tao: plan.held ? plan.limit : 'what it costs in that block',
    signs: plan.decoded,
    bytes: `0x${Buffer.from(plan.call).toString('hex')}`,
  };
  const text = (value: unknown): string =>
    typeof value === 'object' ? JSON.stringify(value, bigints) : String(value);
  const lines = Object.entries(shown).map(([name, value]) => `${name.padEnd(14)}${text(value)}`);
  process.stdout.write(`${json ? JSON.stringify(shown, bigints) : lines.join('\n')}\n`);
}

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** The password from the keyboard, unseen; without one, an error that names the variable. */
async function typed(path: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new SwarmError(
      'SWARM_E_WALLET_PASSWORD',
      `${path} is encrypted, and there is nobody to type its password`,
      'Run it at a terminal, or set the variable that btwallet names after the file.',
    );
  process.stderr.write(`password of ${path}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () =>
        reject(new SwarmError('SWARM_E_WALLET_PASSWORD', 'no password was given', 'Try again.')),
      );
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
