// `swarm miner`: a replayed market, its reference models, and the axon in front of the miner that serves them.
// Promises: what would keep it from serving is found before anything starts, and `--dry-run` says all of it at once.
import { join, resolve } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { readPolicy } from '../../miner/axon/policy.js';
import { addressNumber } from '../../miner/chain/announce.js';
import { withChain } from '../../miner/chain/client.js';
import { type Metagraph, readMetagraph } from '../../miner/chain/metagraph.js';
import { barFiles } from '../../miner/prices/import.js';
import { assertAssets, loadProfile } from '../../miner/sn50/profile.js';
import { SYNTH_API } from '../../miner/synth-api/client.js';
import { defaultHotkeyPath, loadHotkey } from '../../miner/wallet/hotkey.js';
import { passwordVariable } from '../../miner/wallet/vault.js';
import { openHome } from '../services/home.js';
import { assertPortFree } from '../services/ports.js';
import { chosenSource } from '../up/command.js';
import { up } from '../up/up.js';
import { type NetworkArguments, networkOf } from './network.js';

export interface MinerArguments extends NetworkArguments {
  readonly home?: string;
  readonly bars?: string;
  readonly market?: 'replay' | 'simulated' | 'live';
  readonly assets?: string[];
  readonly speed: number;
  readonly minutes?: number;
  readonly from?: Date;
  readonly seed: string;
  readonly profile: string;
  readonly hotkey?: string;
  readonly port: number;
  readonly allow?: string[];
  readonly policy?: string;
  readonly metagraphAge: number;
  readonly externalIp?: string;
  readonly synthApi?: string;
  readonly externalPort?: number;
  readonly ports?: number;
  readonly events: boolean;
  readonly dryRun?: boolean;
}

/** What the chain takes as an axon's port. */
const PORTS = { first: 1025, last: 65_534 } as const;

interface Step {
  readonly what: string;
  /** The miner starts without it, and says so: what is missing may come back while it runs. */
  readonly mayFollow?: true;
  /** Says what is there, or throws what is missing and what to do. */
  look(): string | Promise<string>;
}

export async function minerCommand(o: MinerArguments): Promise<number> {
  const steps = required(o);
  if (o.dryRun) return rehearse(steps);
  for (const step of steps) await assured(step);
  const hotkey = hotkeyPath(o);
  const variable = passwordVariable(hotkey);
  const password = process.env[variable];
  return up({
    home: o.home,
    base: o.ports,
    minutes: o.minutes,
    explorers: 0,
    optimizers: 0,
    saboteurs: 0,
    events: o.events,
    market: {
      source: chosenSource(o),
      bars: o.bars,
      assets: o.assets,
      speed: o.speed,
      seed: o.seed,
      profile: loadProfile(o.profile),
      from: o.from,
    },
    axon: {
      hotkey,
      port: o.port,
      allow: o.allow ?? [],
      more: axonArguments(o),
      env: password === undefined ? {} : { [variable]: password },
    },
  });
}

async function assured({ what, mayFollow, look }: Step): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (!mayFollow || !(error instanceof SwarmError)) throw error;
    process.stderr.write(`${what}: ${error.message}\n  ${error.hint}\n`);
  }
}

const hotkeyPath = (o: MinerArguments): string => o.hotkey ?? defaultHotkeyPath(process.env);

/** Everything that serving stands on, in the order in which a newcomer gets it. */
function required(o: MinerArguments): Step[] {
  return [
    {
      what: 'hotkey',
      async look() {
        const { path, signer } = await loadHotkey(hotkeyPath(o)).catch((error) => {
          throw error instanceof SwarmError && error.message.includes('does not exist')
            ? noWallet(error)
            : error;
        });
        return `${signer.ss58} in ${path}`;
      },
    },
    {
      what: 'validators',
      look() {
        const policy = o.policy === undefined ? null : readPolicy(o.policy);
        const named = (o.allow?.length ?? 0) + (policy?.allow.length ?? 0);
        if (usesChain(o)) return `the chain says who is one; ${named} more are named`;
        if (policy?.others === 'anybody') return 'anybody may ask';
        if (named === 0)
          throw usage('nobody may ask', 'Ask the chain with --chain finney, or name them with --allow SS58.');
        return `${named} may ask`;
      },
    },
    ...(usesChain(o) ? onChain(o) : []),
    {
      what: 'port',
      async look() {
        if (o.port < PORTS.first || o.port > PORTS.last)
          throw usage(
            `${o.port} cannot be an axon's port`,
            `Give one from ${PORTS.first} to ${PORTS.last} with --port.`,
          );
        await assertPortFree(o.port, 'the axon', '--port');
        return `${o.port} is free; validators must reach it over IPv4 and plain HTTP`;
      },
    },
    {
      what: 'market',
      look() {
        if (o.market === undefined && o.bars === undefined) throw usage('no market was chosen', MARKETS);
        const source = chosenSource(o);
        if (source === 'live' && o.speed !== 1)
          throw usage(`a live market does not run at ${o.speed}x`, 'Leave --speed out.');
        if (o.speed <= 0) throw usage(`--speed ${o.speed} would hold the clock`, 'Give a number above 0.');
        if (o.assets !== undefined) assertAssets(loadProfile(o.profile), o.assets);
        if (o.bars === undefined)
          return source === 'live'
            ? 'live prices, from three days ago on; more history with --bars DIR'
            : source;
        if (source === 'live') return `live prices, after ${barFiles(o.bars).length} files of recorded bars`;
        return `${source} of ${barFiles(o.bars, o.assets).length} bar files at ${o.speed}x`;
      },
    },
  ];
}

const MARKETS = [
  '--market live        real prices: what real validators pay for; --bars DIR gives it a past',
  '--bars DIR           recorded bars, as if they were of now: a rehearsal',
  '--market simulated   a seeded market: a rehearsal that needs no data',
].join('\n');

/** A real market is served to whom the chain names; a replay to whom the command names, unless it names a chain. */
const usesChain = (o: MinerArguments): boolean =>
  o.chain !== undefined ||
  (o.allow === undefined && o.policy === undefined && (o.market === 'live' || isBare(o)));

/** Asks what is missing and says nothing of what for: then it is real validators. */
const isBare = (o: MinerArguments): boolean =>
  o.dryRun === true && o.market === undefined && o.bars === undefined;

function axonArguments(o: MinerArguments): string[] {
  const { state } = openHome(o.home);
  const always: Given[] = [
    ['--policy', o.policy === undefined ? undefined : resolve(o.policy)],
    ['--nonces', join(state, 'axon-nonces')],
    ['--unrecorded', join(state, 'unrecorded-answers')],
  ];
  if (!usesChain(o)) return words(always);
  const { endpoints, genesis, netuid } = networkOf(o);
  return words([
    ...always,
    ['--chain', endpoints.join(',')],
    ['--genesis', genesis],
    ['--netuid', netuid],
    ['--chain-state', join(state, 'metagraph.json')],
    ['--metagraph-age', o.metagraphAge],
    ['--synth-api', o.synthApi === 'off' ? undefined : (o.synthApi ?? SYNTH_API)],
    ['--external-ip', o.externalIp],
    ['--external-port', o.externalPort],
  ]);
}

type Given = readonly [flag: string, value: string | number | null | undefined];

const words = (given: readonly Given[]): string[] =>
  given.flatMap(([flag, value]) => (value == null ? [] : [flag, String(value)]));

/** How far this machine's clock may be from the chain's: a nonce is fresh for so long. */
const CLOCK_S = 60;
const PATIENCE = { connect_ms: 10_000, answer_ms: 20_000 };

function onChain(o: MinerArguments): Step[] {
  let seen: Metagraph | null = null;
  return [
    {
      what: 'chain',
      mayFollow: true,
      async look() {
        const network = networkOf(o);
        seen = await withChain(network, (chain) => readMetagraph(chain, network.netuid), PATIENCE);
        const late_s = (Date.now() - Date.parse(seen.at)) / 1000;
        if (late_s < -CLOCK_S)
          throw usage(
            `this clock is ${Math.round(-late_s)} s behind block ${seen.block}`,
            'Set the clock: timedatectl set-ntp true. With a wrong one, every signature looks old or early.',
          );
        const permitted = seen.neurons.filter(({ permit }) => permit).length;
        return `block ${seen.block}, ${seen.neurons.length} neurons, ${permitted} validators with a permit`;
      },
    },
    {
      what: 'registered',
      mayFollow: true,
      async look() {
        if (seen === null) throw usage('not known without the chain', 'See the line above.');
        const { signer } = await loadHotkey(hotkeyPath(o)).catch(() => {
          throw usage('not known without the hotkey', 'See the first line.');
        });
        const neuron = seen.neurons.find(({ hotkey }) => hotkey === signer.ss58);
        if (neuron === undefined)
          throw new SwarmError(
            'SWARM_E_NOT_REGISTERED',
            `${signer.ss58} is not on subnet ${seen.netuid}`,
            `\`swarm miner register --dry-run\` on the machine with the coldkey: it costs ${Number(seen.burn_rao) / 1e9} TAO now.`,
          );
        return `uid ${neuron.uid}${neuron.axon === null ? ', axon not announced' : `, axon at ${neuron.axon.ip}:${neuron.axon.port}`}`;
      },
    },
    {
      what: 'address',
      mayFollow: true,
      look() {
        if (o.externalIp === undefined)
          throw usage(
            'the axon will not be announced',
            'Give the IPv4 address at which the world reaches this machine with --external-ip.',
          );
        addressNumber(o.externalIp);
        return `${o.externalIp}:${o.externalPort ?? o.port}, announced when the chain says otherwise`;
      },
    },
  ];
}

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

function noWallet(cause: SwarmError): SwarmError {
  return new SwarmError(
    'SWARM_E_WALLET',
    cause.message,
    [
      'Make a wallet on a machine you trust with funds: pip install bittensor-cli; btcli wallet new-coldkey --wallet.name miner',
      'Make the hotkey: btcli wallet new-hotkey --wallet.name miner --wallet.hotkey default',
      'Copy the file ~/.bittensor/wallets/miner/hotkeys/default alone to this machine, mode 0600, and name it with --hotkey FILE; the coldkey stays where it is.',
      'Register it where the coldkey is: swarm miner register --dry-run, then --yes.',
      'To rehearse without a wallet, any seed is a hotkey, and --allow instead of a chain: see "Rehearse" in docs/miner.md.',
    ].join('\n'),
    { cause },
  );
}

async function rehearse(steps: readonly Step[]): Promise<number> {
  const missing: Step[] = [];
  for (const step of steps) {
    const mark = (level: string, text: string): void =>
      void process.stdout.write(`${level.padEnd(9)}${step.what.padEnd(12)}${text}\n`);
    try {
      mark('ok', await step.look());
    } catch (error) {
      if (!(error instanceof Error && 'hint' in error)) throw error;
      missing.push(step);
      mark('missing', error.message);
      for (const line of String(error.hint).split('\n')) process.stdout.write(`${' '.repeat(21)}${line}\n`);
    }
  }
  process.stdout.write(`${verdict(missing, steps.length)}\n`);
  return missing.length === 0 ? 0 : 1;
}

function verdict(missing: readonly Step[], of: number): string {
  if (missing.length === 0) return 'Nothing is missing: the same command without --dry-run serves.';
  const stops = missing.filter(({ mayFollow }) => !mayFollow).map(({ what }) => what);
  const start =
    stops.length === 0
      ? 'The same command without --dry-run starts all the same, and what is missing may follow while it runs.'
      : `Without ${stops.join(' and ')} it does not start.`;
  return `${missing.length} of ${of} ${missing.length === 1 ? 'is' : 'are'} missing. ${start}`;
}
