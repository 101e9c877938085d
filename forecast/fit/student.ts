// Student's t with unit variance: its density for likelihoods, and the map from a standard normal to it.
// Promises: the map is monotone and odd, so models that share normals share the order of their innovations.
// Leaves to others: how nu is chosen. From GAUSSIAN_NU on, the law is taken to be Gaussian.
import { oddMap, throughMap } from './map.js';
import { normalDensity } from './normal.js';

/** From here on the t law is treated as Gaussian: their 0.1% quantiles differ by less than 1%. */
export const GAUSSIAN_NU = 200;
/** Below this the variance, and with it the scale of the law, is too close to infinite to be fitted. */
export const MIN_NU = 2.1;
/** log of the normalising constant of the unit-variance t density. */
export function studentLogConstant(nu: number): number {
  return logGamma((nu + 1) / 2) - logGamma(nu / 2) - 0.5 * Math.log(Math.PI * (nu - 2));
}

/** The map of the unit-variance t law: entry i is the x with P(T <= x) = P(Z <= z_i). */
export function studentMap(nu: number): Float64Array {
  const logConstant = studentLogConstant(nu);
  return oddMap(
    (z, x) => normalDensity(z) * Math.exp(((nu + 1) / 2) * Math.log1p((x * x) / (nu - 2)) - logConstant),
  );
}

/** Innovations of nu: identity from GAUSSIAN_NU on, else the t map. */
export function innovation(nu: number): (z: number) => number {
  if (nu >= GAUSSIAN_NU) return (z) => z;
  const map = studentMap(nu);
  return (z) => throughMap(map, z);
}

const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** log Gamma(x) for x > 0.5; Lanczos with g = 7, error about 1e-15. */
function logGamma(x: number): number {
  const y = x - 1;
  const t = y + 7.5;
  const sum = LANCZOS.reduce((s, c, i) => (i === 0 ? c : s + c / (y + i)), 0);
  return 0.9189385332046727 + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** E|X| of the unit-variance law of nu. */
export function studentMeanSize(nu: number): number {
  if (nu >= GAUSSIAN_NU) return Math.sqrt(2 / Math.PI);
  return Math.sqrt((nu - 2) / Math.PI) * Math.exp(logGamma((nu - 1) / 2) - logGamma(nu / 2));
}
