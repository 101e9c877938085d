// A market whose law is known, and two specs for it.
import type { Bars } from '../../forecast/bars.js';
import { parseSpec, type Spec } from '../../forecast/families/index.js';
import { rng } from '../../forecast/rng.js';

export const HOUR = 3600;
export const DAY = 86_400;
export const SIGMA = 0.006;

/** Days of Gaussian minutes with a known hourly sigma, twice as large in the second half of every day. */
export function gaussian(days: number, swing = 1): Bars {
  const z = rng('gaussian');
  const n = (days * DAY) / 60;
  let log = 10;
  const close = Float64Array.from({ length: n }, (_, i) => {
    log += SIGMA * Math.sqrt(1 / 60) * z.normal() * (i % 1440 < 720 ? 1 : swing);
    return Math.exp(log);
  });
  return { asset: 'BTC', step: 60, open_s: Float64Array.from({ length: n }, (_, i) => i * 60), close };
}

export const gbm = (sigma_hourly: number): Spec => parseSpec({ family: 'gbm', sigma_hourly });
export const ewma = parseSpec({
  family: 'ewma_t',
  horizon_s: HOUR,
  half_life_s: 1800,
  scale: 'fit',
  nu: 'fit',
});
