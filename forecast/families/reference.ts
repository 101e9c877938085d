// The hourly sigmas of the subnet's reference miner, by asset.
// Promises: the published numbers. Leaves their (in)accuracy to whoever compares with them.

export const REFERENCE_HOURLY_SIGMA: Readonly<Record<string, number>> = {
  BTC: 0.00541,
  ETH: 0.00766,
  XAU: 0.00312,
  SOL: 0.00858,
  SPYX: 0.00157,
  NVDAX: 0.00338,
  TSLAX: 0.00337,
  AAPLX: 0.00259,
  GOOGLX: 0.00322,
  XRP: 0.00956,
  HYPE: 0.01131,
  WTIOIL: 0.00639,
};
