// Student's t with unit variance: its density for likelihoods, and the map from a standard normal to it.
// Promises: the map is monotone and odd, so models that share normals share the order of their innovations.
// Leaves to others: how nu is chosen. From GAUSSIAN_NU on, the law is taken to be Gaussian.
import { normalDensity } from './normal.js';

/** From here on the t law is treated as Gaussian: their 0.1% quantiles differ by less than 1%. */
export const GAUSSIAN_NU = 200;
/** Below this the variance, and with it the scale of the law, is too close to infinite to be fitted. */
export const MIN_NU = 2.1;
/** Grid of the map, in standard deviations of the normal: 32-bit normals stay within 6.3. */
export const MAP_LIMIT = 6.5;
export const MAP_STEPS_PER_UNIT = 64;

/** log of the normalising constant of the unit-variance t density. */
export function studentLogConstant(nu: number): number {
  return logGamma((nu + 1) / 2) - logGamma(nu / 2) - 0.5 * Math.log(Math.PI * (nu - 2));
}

/**
 * Unit-variance t quantiles at the points z = -6.5, -6.5 + 1/64, ..., 6.5 of a standard normal: entry i is the x with
 * P(T <= x) = P(Z <= z_i). Solves dx/dz = phi(z) / f(x) outward from 0 by Runge-Kutta, which needs no incomplete
 * beta function and keeps its relative error in probability constant out to the last point.
 */
export function studentMap(nu: number): Float64Array {
  const half = MAP_LIMIT * MAP_STEPS_PER_UNIT;
  const map = new Float64Array(2 * half + 1);
  const logConstant = studentLogConstant(nu);
  const slope = (z: number, x: number): number =>
    normalDensity(z) * Math.exp(((nu + 1) / 2) * Math.log1p((x * x) / (nu - 2)) - logConstant);
  const substeps = 4;
  const h = 1 / (MAP_STEPS_PER_UNIT * substeps);
  let x = 0;
  for (let i = 1; i <= half; i++) {
    for (let s = 0; s < substeps; s++) {
      const z = (i - 1) / MAP_STEPS_PER_UNIT + s * h;
      const k1 = slope(z, x);
      const k2 = slope(z + h / 2, x + (h / 2) * k1);
      const k3 = slope(z + h / 2, x + (h / 2) * k2);
      const k4 = slope(z + h, x + h * k3);
      x += (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    map[half + i] = x;
    map[half - i] = -x;
  }
  return map;
}

/** Reads a map at z by linear interpolation, clipped at the ends: the law every compiled model follows. */
function throughMap(map: Float64Array, z: number): number {
  const position = (Math.min(MAP_LIMIT, Math.max(-MAP_LIMIT, z)) + MAP_LIMIT) * MAP_STEPS_PER_UNIT;
  const i = Math.min(map.length - 2, Math.floor(position));
  return map[i] + (position - i) * (map[i + 1] - map[i]);
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
