// The live sources of every asset, in the order in which they are believed: the one that the subnet scores by first.
// Promises: a source that has no symbol for an asset is not asked about it; addresses and tokens come from the environment.
import { pause } from '../../../blackboard/events/doorbell.js';
import type { MinerContext } from '../../context.js';
import type { Profile } from '../../sn50/profile.js';
import { requester, type Surroundings } from '../sources/http.js';
import { openSource, symbolOf } from '../sources/open.js';
import { candlesOf } from '../sources/range.js';
import { type CandleSource, SOURCE_NAMES, type SourceName } from '../sources/source.js';
import { HERMES_PACE, Hermes } from './hermes.js';
import { Lazer } from './lazer.js';
import { MinuteBook, type MinuteSource } from './minutes.js';

/** What of the environment the feed reads; see docs/data.md. */
type FeedEnvironment = Readonly<Record<string, string | undefined>>;

const FEED_VARIABLES = [
  'SWARM_BINANCE_URL',
  'SWARM_HYPERLIQUID_URL',
  'SWARM_PYTH_URL',
  'SWARM_PYTH_TOKEN',
  'SWARM_HERMES_URL',
  'SWARM_LAZER_URL',
  'SWARM_LAZER_TOKEN',
  'SWARM_LAZER_FEEDS',
] as const;

/** Those of them that are set: all that the feed's process is given. */
export const feedEnvironment = (env: FeedEnvironment): Record<string, string> =>
  Object.fromEntries(FEED_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));

const HERMES_MS = 2000;

export interface LiveSources {
  /** In order of preference for an asset. */
  of(asset: string): readonly MinuteSource[];
  close(): void;
}

export function openSources(
  context: Pick<MinerContext, 'log' | 'stopping'>,
  profile: Profile,
  assets: readonly string[],
  env: FeedEnvironment,
): LiveSources {
  const world: Surroundings = {
    now: () => Date.now(),
    sleep: pause,
    random: Math.random,
    signal: context.stopping,
    notice: (text) => context.log.info(text),
  };
  const candles = SOURCE_NAMES.map((name) => {
    const base_url = env[`SWARM_${name.toUpperCase()}_URL`];
    const token = name === 'pyth' ? env['SWARM_PYTH_TOKEN'] : undefined;
    const source = openSource(name, world, {
      ...(base_url === undefined ? {} : { base_url }),
      ...(token === undefined ? {} : { token }),
    });
    return candleSource(source, name, profile);
  });
  const quotes = [hermes(context, world, profile, assets, env), lazer(context, env)].flatMap((q) => q ?? []);
  const first = (asset: string): string => profile.price_sources[asset]?.kind ?? '';
  return {
    of: (asset) => {
      const known = [...candles, ...quotes.map(({ source }) => source)].filter((s) => s.knows(asset));
      const rank = (s: MinuteSource): number => (s.name.startsWith(first(asset)) ? 0 : 1);
      return known.sort((a, b) => rank(a) - rank(b));
    },
    close: () => {
      for (const { close } of quotes) close();
    },
  };
}

function candleSource(source: CandleSource, name: SourceName, profile: Profile): MinuteSource {
  return {
    name,
    knows: (asset) => symbolOf(name, asset, profile.id) !== undefined,
    async minutes(asset, from_s, to_s) {
      // One that keeps only the latest bars is not asked for earlier ones.
      const first_s =
        Math.ceil(Date.now() / 60_000) * 60 - 60 * (source.history_bars ?? Number.POSITIVE_INFINITY);
      const symbol = symbolOf(name, asset, profile.id)!;
      if (first_s >= to_s) return [];
      return candlesOf(source, { symbol, step_s: 60, from_s: Math.max(from_s, first_s), to_s }, new Map());
    },
  };
}

interface Quotes {
  readonly source: MinuteSource;
  close(): void;
}

const bookSource = (name: string, book: MinuteBook, assets: ReadonlySet<string>): MinuteSource => ({
  name,
  knows: (asset) => assets.has(asset),
  minutes: async (asset, from_s, to_s) => book.between(asset, from_s, to_s),
});

/** Asks Hermes every two seconds for the assets that the profile prices by Pyth. */
function hermes(
  { log, stopping }: Pick<MinerContext, 'log' | 'stopping'>,
  world: Surroundings,
  profile: Profile,
  assets: readonly string[],
  env: FeedEnvironment,
): Quotes | null {
  const symbols = new Map(
    assets.flatMap((asset) => {
      const symbol = symbolOf('pyth', asset, profile.id);
      return symbol === undefined ? [] : [[asset, symbol] as const];
    }),
  );
  if (symbols.size === 0) return null;
  const book = new MinuteBook(() => Date.now() / 1000);
  const base_url = env['SWARM_HERMES_URL'];
  const client = new Hermes({
    requester: requester(HERMES_PACE, world),
    symbols,
    ...(base_url === undefined ? {} : { base_url }),
  });
  const closing = new AbortController();
  const stop = AbortSignal.any([stopping, closing.signal]);
  void (async () => {
    for (; !stop.aborted; await pause(HERMES_MS, stop))
      try {
        for (const quote of await client.poll()) book.add(quote);
      } catch (error) {
        if (!stop.aborted) log.warn({ err: error }, 'Hermes tells no prices');
      }
  })();
  return { source: bookSource('pyth-hermes', book, new Set(symbols.keys())), close: () => closing.abort() };
}

/** Listens to Lazer where there is a token for it; SWARM_LAZER_FEEDS names its numbers: `BTC=1,ETH=2`. */
function lazer({ log }: Pick<MinerContext, 'log'>, env: FeedEnvironment): Quotes | null {
  const token = env['SWARM_LAZER_TOKEN'];
  const feeds = new Map(
    (env['SWARM_LAZER_FEEDS'] ?? '').split(',').flatMap((pair) => {
      const [asset, number] = pair.split('=');
      return asset && number && /^\d+$/.test(number) ? [[Number(number), asset.trim()] as const] : [];
    }),
  );
  if (token === undefined || feeds.size === 0) return null;
  const book = new MinuteBook(() => Date.now() / 1000);
  const url = env['SWARM_LAZER_URL'];
  const client = new Lazer({
    token,
    feeds,
    log,
    take: (quote) => book.add(quote),
    ...(url === undefined ? {} : { url }),
  });
  return { source: bookSource('pyth-lazer', book, new Set(feeds.values())), close: () => client.close() };
}
