// Maps from a standard normal to another law: its quantiles on a grid of normal points, read by linear interpolation.
// Promises: monotone where the law's quantiles are, so models that share normals share the order of their innovations;
// what is read here is what the compiled table yields.
// Leaves to others: which law.
import { normalCdf, normalDensity } from './normal.js';

/** Grid of a map, in standard deviations of the normal: 32-bit normals stay within 6.3. */
export const MAP_LIMIT = 6.5;
export const MAP_STEPS_PER_UNIT = 64;
const HALF = MAP_LIMIT * MAP_STEPS_PER_UNIT;
export const MAP_POINTS = 2 * HALF + 1;

/** The grid point that entry i of a map belongs to. */
export function mapPoint(i: number): number {
  return (i - HALF) / MAP_STEPS_PER_UNIT;
}

/** The map whose entries are f(z): for laws that have a transformation in closed form. */
export function mapOf(f: (z: number) => number): Float64Array {
  return new Float64Array(MAP_POINTS).map((_, i) => f(mapPoint(i)));
}

/**
 * The map of a symmetric law, from slope(z, x) = phi(z) / density(x): solved outward from 0 by Runge-Kutta, which needs
 * no distribution function and keeps its relative error in probability constant out to the last point.
 */
export function oddMap(slope: (z: number, x: number) => number): Float64Array {
  const map = new Float64Array(MAP_POINTS);
  const substeps = 4;
  const h = 1 / (MAP_STEPS_PER_UNIT * substeps);
  let x = 0;
  for (let i = 1; i <= HALF; i++) {
    for (let s = 0; s < substeps; s++) {
      const z = (i - 1) / MAP_STEPS_PER_UNIT + s * h;
      const k1 = slope(z, x);
      const k2 = slope(z + h / 2, x + (h / 2) * k1);
      const k3 = slope(z + h / 2, x + (h / 2) * k2);
      const k4 = slope(z + h, x + h * k3);
      x += (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    map[HALF + i] = x;
    map[HALF - i] = -x;
  }
  return map;
}

/** The map of a sample: its quantiles, interpolated between the ordered values. Sorts `sample` in place. */
export function empiricalMap(sample: Float64Array): Float64Array {
  const sorted = sample.sort();
  const last = sorted.length - 1;
  return mapOf((z) => {
    const place = Math.min(last, Math.max(0, normalCdf(z) * sorted.length - 0.5));
    const i = Math.min(last - 1, Math.floor(place));
    return sorted[i] + (place - i) * (sorted[i + 1] - sorted[i]);
  });
}

/** Mean and variance of a mapped standard normal. */
export function mapMoments(map: ArrayLike<number>): { mean: number; variance: number } {
  let [weight, first, second] = [0, 0, 0];
  for (let i = 0; i < MAP_POINTS; i++) {
    const w = normalDensity(mapPoint(i));
    weight += w;
    first += w * map[i];
    second += w * map[i] * map[i];
  }
  const mean = first / weight;
  return { mean, variance: second / weight - mean * mean };
}

/** Reads a map at z by linear interpolation, clipped at the ends: the law every compiled model follows. */
export function throughMap(map: ArrayLike<number>, z: number): number {
  const position = (Math.min(MAP_LIMIT, Math.max(-MAP_LIMIT, z)) + MAP_LIMIT) * MAP_STEPS_PER_UNIT;
  const i = Math.min(map.length - 2, Math.floor(position));
  return map[i] + (position - i) * (map[i + 1] - map[i]);
}
