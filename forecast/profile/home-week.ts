// The profile that a market begins a search with.
// Promises: whoever searches for an asset starts from its own hours.
// Leaves to others: what the hours are, which is learned from bars.
import { assetClass } from '../asset-class.js';
import type { Profile } from './index.js';

/** A week around the clock. */
export const ALWAYS_OPEN: Profile = {
  kind: 'week',
  clock: 'utc',
  closed: 'never',
  holidays: false,
  closed_share: 0,
};

/** Of an asset: markets that close keep New York's clock, shares its holidays too. */
export function homeWeek(asset: string): Profile {
  const kind = assetClass(asset);
  if (kind === 'crypto') return ALWAYS_OPEN;
  return { ...ALWAYS_OPEN, clock: 'new_york', closed: 'learned', holidays: kind === 'share' };
}
