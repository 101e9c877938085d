// The yardstick: the baseline that gains are reported against.
// Promises: nothing in it is fitted, so every party computes the same forecast from the same bars and seed.
// Leaves to others: the subnet's own reference miner (referenceSpec), whose fixed sigmas are right or wrong by luck.
import { assetClass } from '../asset-class.js';
import { REFERENCE_HOURLY_SIGMA } from './reference.js';
import { parseSpec, type Spec } from './spec.js';

/**
 * Gaussian EWMA with half-life 30 minutes (horizons up to 3 hours) or 1.5 days, level 0.85. In a market that closes there
 * is no stretch of bars to average: there it is the reference miner's fixed sigma.
 */
export function yardstickSpec(asset: string, horizon_s: number): Spec {
  const sigma_hourly = REFERENCE_HOURLY_SIGMA[asset];
  if (assetClass(asset) !== 'crypto' && sigma_hourly !== undefined)
    return parseSpec({ family: 'gbm', sigma_hourly });
  const half_life_s = horizon_s <= 3 * 3600 ? 1800 : 1.5 * 86_400;
  return parseSpec({ family: 'ewma_t', horizon_s, half_life_s, scale: 0.85, nu: 1000 });
}
