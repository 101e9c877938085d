// What kind of market an asset of the subnet is: whose hours it keeps, and whose behaviour it shares.
// Promises: a name that is not known counts as a cryptocurrency, open around the clock.
// Leaves to others: the hours themselves, which are learned from bars (profile/).

export type AssetClass = 'crypto' | 'commodity' | 'share';

const COMMODITIES: ReadonlySet<string> = new Set(['XAU', 'WTIOIL']);
const SHARES: ReadonlySet<string> = new Set(['SPYX', 'NVDAX', 'TSLAX', 'AAPLX', 'GOOGLX']);

export function assetClass(asset: string): AssetClass {
  if (SHARES.has(asset)) return 'share';
  return COMMODITIES.has(asset) ? 'commodity' : 'crypto';
}

/** Those of `others` that a pooled fit of `asset` may learn from: other assets of its class, by name. */
export function peersOf(asset: string, others: readonly string[]): string[] {
  return others.filter((one) => one !== asset && assetClass(one) === assetClass(asset)).sort();
}
