// Opens a source by name and knows the default symbol of an asset there.
// Promises: the profile's own price source wins where its kind matches; the table below only fills in.
// Leaves to others: whether the symbol exists, which only the source can say.
import { SwarmError } from '../../../blackboard/errors.js';
import { loadProfile } from '../../sn50/profile.js';
import { BINANCE_PACE, binance } from './binance.js';
import { requester, type Surroundings } from './http.js';
import { HYPERLIQUID_PACE, hyperliquid } from './hyperliquid.js';
import { PYTH_PACE, pyth } from './pyth.js';
import type { CandleSource, SourceName } from './source.js';

const OPENERS = {
  binance: { open: binance, pace: BINANCE_PACE },
  hyperliquid: { open: hyperliquid, pace: HYPERLIQUID_PACE },
  pyth: { open: pyth, pace: PYTH_PACE },
} as const;

const SYMBOLS: Readonly<Record<SourceName, Readonly<Record<string, string>>>> = {
  binance: { BTC: 'BTCUSDT', ETH: 'ETHUSDT', SOL: 'SOLUSDT', XRP: 'XRPUSDT' },
  // Perpetuals of the main dex carry the asset's name.
  hyperliquid: { BTC: 'BTC', ETH: 'ETH', SOL: 'SOL', XRP: 'XRP', HYPE: 'HYPE' },
  pyth: {},
};

export function openSource(
  name: SourceName,
  world: Surroundings,
  o: { base_url?: string; token?: string },
): CandleSource {
  const { open, pace } = OPENERS[name];
  return open({ ...o, requester: requester(pace, world) });
}

function symbolsOf(source: SourceName, profile: string): ReadonlyMap<string, string> {
  const named = Object.entries(loadProfile(profile).price_sources)
    .filter(([, each]) => each.kind === source)
    .map(([name, each]) => [name, each.symbol] as const);
  return new Map<string, string>([...Object.entries(SYMBOLS[source]), ...named]);
}

/** The symbol under which a source knows an asset, if it does. */
export const symbolOf = (source: SourceName, asset: string, profile: string): string | undefined =>
  symbolsOf(source, profile).get(asset);

/** The same. Throws SWARM_E_UNKNOWN_ASSET and lists those it has one for. */
export function defaultSymbol(source: SourceName, asset: string, profile: string): string {
  const symbols = symbolsOf(source, profile);
  const symbol = symbols.get(asset);
  if (symbol !== undefined) return symbol;
  throw new SwarmError(
    'SWARM_E_UNKNOWN_ASSET',
    `no ${source} symbol is known for ${asset}`,
    `Known: ${[...symbols.keys()].sort().join(', ') || 'none'}. For another, download it alone and name it with --symbol.`,
  );
}
