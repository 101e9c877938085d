// CRPS of one ensemble against one observation, in the form that the subnet computes it.
// Promises: bit for bit the integral form of properscoring's gufunc, in its order of operations.
// Leaves to others: which changes are compared (paths.ts) and how scores are added (sum.ts).

/**
 * CRPS of the empirical law of `sorted` at `obs`, same unit as both.
 * `sorted` ascends with NaN last, as Float64Array.sort leaves it; NaN members are ignored, all-NaN gives NaN.
 * Equals mean|x - y| - mean|x - x'| / 2 (Gneiting & Raftery 2007, eq. 20-21).
 */
export function crpsEnsemble(obs: number, sorted: Float64Array): number {
  if (Number.isNaN(obs)) return Number.NaN;
  const count = countMembers(sorted);
  if (count === 0) return Number.NaN;
  const weight = 1 / count;
  let i = 0;
  let cdf = 0;
  let previous = 0;
  let integral = 0;
  // Two loops instead of one with a flag: below the observation, then above it. Same terms in the same order.
  for (; i < count && !(obs < sorted[i]); i++) {
    integral += (sorted[i] - previous) * (cdf * cdf);
    cdf += weight;
    previous = sorted[i];
  }
  if (i === count) return integral + (obs - previous);
  integral += (obs - previous) * (cdf * cdf);
  integral += (sorted[i] - obs) * ((cdf - 1) * (cdf - 1));
  cdf += weight;
  previous = sorted[i];
  for (i++; i < count; i++) {
    integral += (sorted[i] - previous) * ((cdf - 1) * (cdf - 1));
    cdf += weight;
    previous = sorted[i];
  }
  return integral;
}

/**
 * The unbiased ("fair") CRPS: mean|x - y| - sum|x - x'| / (2 N (N - 1)). It estimates the CRPS of the law the
 * ensemble was drawn from, without the penalty for a finite N. Ferro (2014), QJRMS 140. NaN when N < 2.
 */
export function fairCrps(obs: number, sorted: Float64Array): number {
  const n = countMembers(sorted);
  if (n < 2 || Number.isNaN(obs)) return Number.NaN;
  let distance = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    distance += Math.abs(sorted[i] - obs);
    spread += (2 * i - n + 1) * sorted[i];
  }
  return distance / n - spread / (n * (n - 1));
}

function countMembers(sorted: Float64Array): number {
  let count = sorted.length;
  while (count > 0 && Number.isNaN(sorted[count - 1])) count--;
  return count;
}
