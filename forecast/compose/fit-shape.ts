// Fitting the law of the shocks to standardised residuals.
// Promises: jumps are told apart before the rest is fitted; numbers in the spec stay as they are.
// Leaves to others: the residuals, and simulating (shape.ts).
import { ForecastError } from '../errors.js';
import type { Fitted } from '../families/family.js';
import { empiricalMap, mapMoments } from '../fit/map.js';
import { fitTailOf } from '../fit/tail.js';
import { MIN_RETURNS, type TrainingData, tooFew } from '../fit/training.js';
import type { Innovation, Jumps } from './components.js';
import { fitJohnson } from './johnson.js';
import { fitMixture } from './mixture.js';

const MAX_SAMPLE = 20_000;
const MAX_RESIDUALS = 4096;
/** Residuals beyond as many standard deviations are jumps: a normal gets there once in 15,000 steps. */
const JUMP_FROM = 4;
const MIN_JUMPS = 5;

/**
 * Parameters by name, from residuals in time order. `residual_size` is their standard deviation under the fitted law:
 * a volatility fitted with a t likelihood may be off by a factor, which must not be left to the level.
 * Throws SWARM_E_BARS_TOO_FEW or SWARM_E_FIT_FAILED.
 */
export function fitShape(train: TrainingData, innovation: Innovation, residuals: Float64Array): Fitted {
  if (residuals.length < MIN_RETURNS) throw tooFew(train, residuals.length);
  if (innovation.jumps === undefined) return fitPlain(train, innovation, residuals);
  const { jumps, rest } = fitJumps(train, innovation.jumps, residuals);
  // With jumps the size is that of all residuals: what the standardised sum of both parts stands for.
  return { ...fitPlain(train, innovation, rest), ...jumps, residual_size: rms(residuals) };
}

function fitPlain(train: TrainingData, innovation: Innovation, residuals: Float64Array): Fitted {
  const stride = Math.ceil(residuals.length / MAX_SAMPLE);
  const sample = residuals.filter((_, i) => i % stride === 0);
  switch (innovation.kind) {
    case 'gaussian':
      return {};
    case 'student_t':
      return {
        nu:
          innovation.nu === 'fit'
            ? fitTailOf(
                train,
                Array.from(sample, (e) => e * e),
              )
            : innovation.nu,
      };
    case 'johnson_su': {
      const { skew, tail, size } = fitJohnson(train, sample, innovation);
      return { skew, tail, residual_size: size };
    }
    case 'mixture': {
      const { weights, sizes, size } = fitMixture(train, sample, innovation.components);
      return { mixture_weights: weights, mixture_sizes: sizes, residual_size: size };
    }
    case 'historical':
      return {
        residuals: innovation.block === 1 ? quantiles(residuals) : table(residuals),
        residual_size: rms(residuals),
      };
  }
}

function quantiles(residuals: Float64Array): number[] {
  const map = empiricalMap(residuals.slice());
  const { mean, variance } = mapMoments(map);
  return Array.from(map, (v) => rounded((v - mean) / Math.sqrt(variance)));
}

function table(residuals: Float64Array): number[] {
  const last = residuals.slice(-MAX_RESIDUALS);
  const mean = last.reduce((a, b) => a + b, 0) / last.length;
  const variance = last.reduce((s, e) => s + (e - mean) ** 2, 0) / last.length;
  return Array.from(last, (e) => rounded((e - mean) / Math.sqrt(variance)));
}

function rms(list: Float64Array): number {
  return Math.sqrt(list.reduce((s, e) => s + e * e, 0) / list.length);
}

function rounded(v: number): number {
  return Number(v.toPrecision(6));
}

/** Rate and size of the residuals beyond four standard deviations of the others, and those others. */
function fitJumps(train: TrainingData, wanted: Jumps, residuals: Float64Array) {
  let rest = residuals;
  // A few rounds, because the jumps themselves widen the first threshold.
  for (let round = 0; round < 5; round++) {
    const from = JUMP_FROM * rms(rest);
    rest = residuals.filter((e) => Math.abs(e) <= from);
  }
  const edge = rest.reduce((most, e) => Math.max(most, Math.abs(e)), 0);
  const far = residuals.filter((e) => Math.abs(e) > edge);
  if (far.length < MIN_JUMPS && (wanted.per_day === 'fit' || wanted.size === 'fit')) {
    throw new ForecastError(
      'SWARM_E_FIT_FAILED',
      `${train.asset}: ${far.length} jumps in ${residuals.length} returns of ${train.step_s} s, ${MIN_JUMPS} needed`,
      'train on a longer period, give per_day and size as numbers, or leave jumps out',
    );
  }
  const perDay = (far.length / residuals.length) * (86_400 / train.step_s);
  const size = far.reduce((sum, e) => sum + Math.abs(e), 0) / far.length / rms(rest);
  const jumps = {
    jump_per_day: wanted.per_day === 'fit' ? perDay : wanted.per_day,
    jump_size: wanted.size === 'fit' ? size : wanted.size,
  };
  return { jumps, rest };
}
