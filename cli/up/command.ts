// `swarm up` from its arguments: which market is never guessed.
import { SwarmError } from '../../blackboard/errors.js';
import { barFiles } from '../../miner/prices/import.js';
import { assertAssets, loadProfile } from '../../miner/sn50/profile.js';
import type { MarketChoice } from './market.js';
import { up } from './up.js';

export interface UpArguments {
  readonly home?: string;
  readonly bars?: string;
  readonly market?: 'replay' | 'simulated' | 'live';
  readonly assets?: string[];
  readonly speed?: number;
  readonly minutes?: number;
  readonly from?: Date;
  readonly seed: string;
  readonly profile: string;
  readonly explorers: number;
  readonly strategist?: 'evolve' | 'llm';
  readonly optimizers: number;
  readonly saboteurs: number;
  readonly ports?: number;
  readonly events: boolean;
}

/** Market seconds per wall second; five minutes of a simulated market should show the whole loop. */
const DEFAULT_SPEED = { replay: 1440, simulated: 2880 } as const;

const CHOICES = `Choose a market:
  --bars DIR          replays recorded bars (files like BTC_5m.csv.gz), by default at 1440 times real time
  --market simulated  a seeded market whose best possible score is known; every table says "simulated market"
  --market live       real price feeds at real speed, for swarm miner (docs/data.md: contract-tested, not run live)
Nothing is chosen for you, and one is never put in place of another.`;

/** The market that the arguments name; SWARM_E_USAGE when they name none, or two. */
export function chosenSource(o: Pick<UpArguments, 'bars' | 'market'>): MarketChoice['source'] {
  if (o.market === undefined && o.bars === undefined)
    throw new SwarmError('SWARM_E_USAGE', 'no market was chosen', CHOICES);
  if (o.market === 'live') return 'live';
  if (o.market === 'simulated' && o.bars !== undefined)
    throw new SwarmError('SWARM_E_USAGE', '--bars and --market simulated exclude each other', CHOICES);
  if (o.market === 'replay' && o.bars === undefined)
    throw new SwarmError('SWARM_E_USAGE', '--market replay needs --bars DIR', CHOICES);
  return o.market === 'simulated' ? 'simulated' : 'replay';
}

export async function upCommand(o: UpArguments): Promise<number> {
  const source = chosenSource(o);
  if (source === 'live')
    throw new SwarmError(
      'SWARM_E_USAGE',
      '`swarm up` searches on recorded or simulated bars only: its gate is fed by the prompts of a local validator, which a live market does not have',
      [
        'Search on real bars:  swarm data download --source binance --assets BTC --step 5m --from TIME --out DIR; swarm up --bars DIR',
        '                      (with --step 1m into the same directory as well, the slots of an hour open too)',
        'Serve on live prices: swarm miner --market live --chain finney --external-ip A.B.C.D (docs/miner.md)',
        '                      (--dry-run says what is missing; --bars DIR gives models that read more than three days their past)',
      ].join('\n'),
    );
  const speed = o.speed ?? DEFAULT_SPEED[source];
  if (speed <= 0)
    throw new SwarmError(
      'SWARM_E_USAGE',
      `--speed ${speed} would hold the clock`,
      'Give a number above 0, such as 1440.',
    );
  if (o.explorers < 1)
    throw new SwarmError('SWARM_E_USAGE', 'a swarm needs an explorer', 'Give --explorers 1 or more.');
  const profile = loadProfile(o.profile);
  // Arguments that cannot work are refused before anything is started.
  if (o.assets !== undefined) assertAssets(profile, o.assets);
  if (o.bars !== undefined) barFiles(o.bars, o.assets);
  return up({
    home: o.home,
    base: o.ports,
    minutes: o.minutes,
    explorers: o.explorers,
    strategist: o.strategist,
    optimizers: o.optimizers,
    saboteurs: o.saboteurs,
    events: o.events,
    market: {
      source,
      bars: o.bars,
      assets: o.assets,
      speed,
      seed: o.seed,
      profile,
      from: o.from,
    },
  });
}
