// Patterns that an agent states from its own experiments: the clearest split of a slot's specs by family or by one knob.
// Whether anybody is told is decided by verdicts, not by who said it.
import { mean, sampleVariance } from 'simple-statistics';

import { normalQuantile } from '../../forecast/fit/normal.js';

export interface Observed {
  readonly family: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly gain: number;
}

export interface StatedPattern {
  readonly family: string;
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly direction: 1 | -1;
  readonly effect: number;
}

/** Fewer on either side make a Welch t with so few degrees of freedom that noise passes for a pattern. */
const ENOUGH = 6;
/** Chance of stating a pattern where there is none, shared by all contrasts that were looked at. */
const FALSE_SHARE = 0.05;

/**
 * Welch t of two samples as the normal deviate of the same probability, with the difference of their means; null when
 * either is too small or both are constant.
 */
function contrast(
  inside: readonly number[],
  outside: readonly number[],
): { z: number; effect: number } | null {
  const [n, m] = [inside.length, outside.length];
  if (n < ENOUGH || m < ENOUGH) return null;
  const [a, b] = [sampleVariance([...inside]) / n, sampleVariance([...outside]) / m];
  if (!(a + b > 0)) return null;
  const effect = mean([...inside]) - mean([...outside]);
  const square = effect ** 2 / (a + b);
  const freedom = (a + b) ** 2 / (a ** 2 / (n - 1) + b ** 2 / (m - 1));
  return { z: normalDeviate(square, freedom), effect };
}

/** The normal deviate as improbable as a t with this square. Wallace (1959), Ann. Math. Statist. 30, eq. 2.8. */
export const normalDeviate = (square: number, freedom: number): number =>
  Math.sqrt(freedom * Math.log1p(square / freedom)) * ((8 * freedom + 1) / (8 * freedom + 3));

/** The clearest pattern in one slot's experiments, or null when none is clear. */
export function clearestPattern(seen: readonly Observed[]): StatedPattern | null {
  const found: { z: number; pattern: StatedPattern }[] = [];
  const offer = (
    inside: readonly Observed[],
    outside: readonly Observed[],
    predicate: Pick<StatedPattern, 'family' | 'knob' | 'low' | 'high'>,
  ): void => {
    const one = contrast(
      inside.map((o) => o.gain),
      outside.map((o) => o.gain),
    );
    if (one === null) return;
    const { z, effect } = one;
    found.push({ z, pattern: { ...predicate, direction: effect > 0 ? 1 : -1, effect } });
  };
  for (const family of [...new Set(seen.map((o) => o.family))].sort()) {
    const kin = seen.filter((o) => o.family === family);
    offer(
      kin,
      seen.filter((o) => o.family !== family),
      { family, knob: null, low: null, high: null },
    );
    for (const knob of Object.keys(kin[0]!.spec).sort()) {
      const values = kin
        .map((o) => o.spec[knob])
        .filter((v): v is number => typeof v === 'number')
        .sort((a, b) => a - b);
      if (values.length < kin.length) continue;
      const middle = values[values.length >> 1]!;
      const low = (o: Observed): boolean => (o.spec[knob] as number) < middle;
      // Both ends are values that were tried: `high` belongs to the pattern, `middle` does not.
      const high = values.findLast((v) => v < middle);
      if (high === undefined) continue;
      offer(
        kin.filter(low),
        kin.filter((o) => !low(o)),
        { family, knob, low: values[0]!, high },
      );
    }
  }
  const best = found.sort((a, b) => b.z - a.z)[0];
  if (best === undefined) return null;
  return best.z > normalQuantile(1 - FALSE_SHARE / 2 / found.length) ? best.pattern : null;
}
