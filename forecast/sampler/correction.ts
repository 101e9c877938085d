// A correction of a simulated law: how wide its blocks are, and how heavy their tails.
// Promises: monotone, so paths keep their ranks; scale alone decides the root mean square; scale 1 and tail 1 change
// nothing; bounded, so a hostile manifest cannot blow a forecast up.
// Leaves to others: which correction (compose/fit-recalibration.ts), and moving paths (place.ts).
import { z } from 'zod';

export const MIN_TAIL = 0.6;
export const MAX_TAIL = 1.6;
/** Far out, u becomes |u|^tail; about the centre every tail is a line. */
export const correctionSchema = z.strictObject({
  scale: z.number().min(0.25).max(4),
  tail: z.number().min(MIN_TAIL).max(MAX_TAIL),
});
export type Correction = z.infer<typeof correctionSchema>;

/**
 * Quantiles of the corrected law from those of the simulated one. With rms the root mean square of its argument and
 *   u = q / rms(q),   t(u) = u (1 + u^2)^((tail - 1) / 2)
 * q becomes scale * rms(q) * t(u) / rms(t(u)). t rises for every tail above 0.
 */
export function corrected(quantiles: Float64Array, { scale, tail }: Correction): Float64Array {
  const rms = rootMeanSquare(quantiles);
  // A block that cannot move: closed hours, or a stale feed.
  if (!(rms > 0)) return quantiles.slice();
  if (tail === 1) return quantiles.map((q) => scale * q);
  const power = (tail - 1) / 2;
  const out = new Float64Array(quantiles.length);
  for (let i = 0; i < out.length; i++) {
    const u = quantiles[i] / rms;
    out[i] = u * Math.exp(power * Math.log(1 + u * u));
  }
  const back = (scale * rms) / rootMeanSquare(out);
  for (let i = 0; i < out.length; i++) out[i] *= back;
  return out;
}

export function rootMeanSquare(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return Math.sqrt(sum / values.length);
}
