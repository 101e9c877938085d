// The parameters of the simulated market: one law per asset, shared dynamics of volatility and jumps.
// Promises plain data. Base volatility lies about a quarter below what the subnet's coefficients suggest, so that a
// model that measures volatility beats one that assumes it.
import { Sn50Error } from '../sn50/errors.js';

export type SeasonKind = 'crypto' | 'metal' | 'equity' | 'energy';

export interface AssetLaw {
  readonly asset: string;
  /** Price at the epoch, in USD. */
  readonly price: number;
  /** Root mean square log return per hour, without jumps. */
  readonly sigma_hour: number;
  readonly season: SeasonKind;
}

/** Log volatility = slow + fast, both AR(1) on minutes with the stationary standard deviation `sd`. */
export const volatilityFactors = {
  slow: { half_life_s: 12 * 3600, sd: 0.35 },
  fast: { half_life_s: 30 * 60, sd: 0.2 },
} as const;

/** Poisson jumps, normal with this many standard deviations of the current minute. */
export const jumps = { per_day: 1.5, step_sigmas: 6 } as const;

const wide = { share: 0.08, scale: 2 } as const;

/** Innovations are a scale mixture of two normals with variance 1: kurtosis 5.3, as in minute returns. */
export const innovation = {
  wide_share: wide.share,
  wide_scale: wide.scale,
  narrow_scale: Math.sqrt((1 - wide.share * wide.scale ** 2) / (1 - wide.share)),
} as const;

const belowReference = 0.75;

// Hourly volatility that the subnet's asset coefficients were derived from, and a plausible price at the epoch.
const reference: Record<string, readonly [sigma_hour: number, price: number, season: SeasonKind]> = {
  BTC: [0.00541, 65_000, 'crypto'],
  ETH: [0.00766, 3_200, 'crypto'],
  SOL: [0.00858, 150, 'crypto'],
  XRP: [0.00956, 2.2, 'crypto'],
  HYPE: [0.01131, 32, 'crypto'],
  XAU: [0.00312, 2_900, 'metal'],
  SPYX: [0.00157, 600, 'equity'],
  SP500: [0.00157, 6_000, 'equity'],
  NVDAX: [0.00338, 140, 'equity'],
  TSLAX: [0.00337, 300, 'equity'],
  AAPLX: [0.00259, 220, 'equity'],
  GOOGLX: [0.00322, 180, 'equity'],
  SPCX: [0.0125, 90, 'equity'],
  WTIOIL: [0.00639, 72, 'energy'],
};

/** Assets that the simulated market trades. */
export const simulatedAssets: readonly string[] = Object.keys(reference);

/** The law of one asset. Throws `SWARM_E_UNKNOWN_ASSET` listing the assets that have one. */
export function assetLaw(asset: string): AssetLaw {
  if (!Object.hasOwn(reference, asset))
    throw new Sn50Error(
      'SWARM_E_UNKNOWN_ASSET',
      `the simulated market does not trade ${asset}`,
      `use one of: ${simulatedAssets.join(', ')}`,
    );
  const [sigma_hour, price, season] = reference[asset];
  return { asset, price, season, sigma_hour: sigma_hour * belowReference };
}
