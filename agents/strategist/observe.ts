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
 * Welch's t of two samples as the normal deviate of equal chance, with the difference of their means; null when either
 * is too small or both are constant. Small samples of many families would otherwise find patterns in noise.
 */
function contrast(
  inside: readonly number[],
  outside: readonly number[],
): { t: number; effect: number } | null {
  if (inside.length < ENOUGH || outside.length < ENOUGH) return null;
  const a = sampleVariance([...inside]) / inside.length;
  const b = sampleVariance([...outside]) / outside.length;
  const se = Math.sqrt(a + b);
  const effect = mean([...inside]) - mean([...outside]);
  if (!(se > 0)) return null;
  const degrees = (a + b) ** 2 / (a ** 2 / (inside.length - 1) + b ** 2 / (outside.length - 1));
  return { t: normalDeviate(effect / se, degrees), effect };
}

/** The standard normal that is as unlikely as t with these degrees of freedom (Wallace 1959). */
function normalDeviate(t: number, degrees: number): number {
  const size = Math.sqrt(degrees * Math.log1p((t * t) / degrees));
  return (Math.sign(t) * size * (8 * degrees + 1)) / (8 * degrees + 3);
}

/** The clearest pattern in one slot's experiments, or null when none is clear. */
export function clearestPattern(seen: readonly Observed[]): StatedPattern | null {
  const found: { t: number; pattern: StatedPattern }[] = [];
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
    const { t, effect } = one;
    found.push({ t: Math.abs(t), pattern: { ...predicate, direction: effect > 0 ? 1 : -1, effect } });
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
  const best = found.sort((a, b) => b.t - a.t)[0];
  if (best === undefined) return null;
  return best.t > normalQuantile(1 - FALSE_SHARE / 2 / found.length) ? best.pattern : null;
}
