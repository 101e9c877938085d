// `swarm miner`: a replayed market, its reference models, and the axon in front of the miner that serves them.
// Promises: what would keep it from serving is found before anything starts, and `--dry-run` says all of it at once.
import { SwarmError } from '../../blackboard/errors.js';
import { barFiles } from '../../miner/prices/import.js';
import { assertAssets, loadProfile } from '../../miner/sn50/profile.js';
import { defaultHotkeyPath, loadHotkey } from '../../miner/wallet/hotkey.js';
import { passwordVariable } from '../../miner/wallet/vault.js';
import { assertPortFree } from '../services/ports.js';
import { chosenSource } from '../up/command.js';
import { up } from '../up/up.js';

export interface MinerArguments {
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
  readonly ports?: number;
  readonly events: boolean;
  readonly dryRun?: boolean;
}

/** What the chain takes as an axon's port. */
const PORTS = { first: 1025, last: 65_534 } as const;

interface Step {
  readonly what: string;
  /** Says what is there, or throws what is missing and what to do. */
  look(): string | Promise<string>;
}

export async function minerCommand(o: MinerArguments): Promise<number> {
  const steps = required(o);
  if (o.dryRun) return rehearse(steps);
  for (const { look } of steps) await look();
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
      env: password === undefined ? {} : { [variable]: password },
    },
  });
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
        if (o.allow === undefined || o.allow.length === 0)
          throw usage(
            'nobody may ask',
            'Name the validators with --allow SS58: this version reads no chain.',
          );
        return `${o.allow.length} may ask`;
      },
    },
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
        const source = chosenSource(o);
        if (chosenSource(o) === 'live' && o.speed !== 1)
          throw usage(`a live market does not run at ${o.speed}x`, 'Leave --speed out.');
        if (o.speed <= 0) throw usage(`--speed ${o.speed} would hold the clock`, 'Give a number above 0.');
        if (o.assets !== undefined) assertAssets(loadProfile(o.profile), o.assets);
        if (o.bars === undefined) return source;
        return `${source} of ${barFiles(o.bars, o.assets).length} bar files at ${o.speed}x`;
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
      'Copy the hotkey file alone to this machine, mode 0600, and name it with --hotkey FILE; the coldkey stays where it is.',
      'Registering the hotkey on the subnet is done with btcli as well; a rehearsal with --allow needs none.',
    ].join('\n          '),
    { cause },
  );
}

async function rehearse(steps: readonly Step[]): Promise<number> {
  let missing = 0;
  for (const { what, look } of steps) {
    const mark = (level: string, text: string): void =>
      void process.stdout.write(`${level.padEnd(8)}${what.padEnd(12)}${text}\n`);
    try {
      mark('ok', await look());
    } catch (error) {
      if (!(error instanceof Error && 'hint' in error)) throw error;
      missing += 1;
      mark('missing', error.message);
      process.stdout.write(`          ${error.hint}\n`);
    }
  }
  process.stdout.write(
    missing === 0
      ? 'Nothing is missing: the same command without --dry-run serves.\n'
      : `${missing} of ${steps.length} are missing.\n`,
  );
  return missing === 0 ? 0 : 1;
}
