// From combined weights to what is set on chain: the owner's burn, shares and u16 weights (validator.py, weight_utils).
// Promises the subnet's arithmetic in float64; the validator stores float32 on the way, so an integer may differ by 1.
// Leaves the chain's own minimum number of weights and weight limit to the chain.
const u16Max = 65_535;

export interface EmissionOptions {
  /** The owner's uid gets as much as all others together, so that half is burned. Absent: no burn. */
  readonly burn_uid?: number;
}

export interface Emission {
  readonly uid: number;
  /** Part of all weight, summing to 1. */
  readonly share: number;
  /** Weight on chain: the largest is 65535. */
  readonly u16: number;
}

/**
 * Normalised weights in uid order; those that round to 0 of 65535 are left out. Empty when nothing is weighted.
 * `weights` by uid. A weight that the owner earned itself is replaced by the burn, as upstream's assignment does.
 */
export function emission(weights: ReadonlyMap<number, number>, options: EmissionOptions = {}): Emission[] {
  const all = new Map(weights);
  const earned = sum(weights.values());
  if (options.burn_uid !== undefined && earned > 0) all.set(options.burn_uid, earned);
  const total = sum(all.values());
  if (!(total > 0)) return [];
  const largest = Math.max(...all.values());
  return [...all]
    .map(([uid, weight]) => ({ uid, share: weight / total, u16: halfEven((weight / largest) * u16Max) }))
    .filter(({ u16 }) => u16 > 0)
    .sort((a, b) => a.uid - b.uid);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Python's round(). */
function halfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below === 0.5) return below + (below % 2);
  return Math.round(x);
}
