// Patterns that an agent states from its own experiments: the clearest split of a slot's specs by family or by one knob.
// Whether anybody is told is decided by verdicts, not by who said it.
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

const ENOUGH = 4;
const CLEAR_T = 2;

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
const variance = (xs: readonly number[]): number =>
  xs.reduce((s, x) => s + (x - mean(xs)) ** 2, 0) / (xs.length - 1);

/** Welch t of two samples, with the difference of their means; null when either is too small or both are constant. */
function contrast(
  inside: readonly number[],
  outside: readonly number[],
): { t: number; effect: number } | null {
  if (inside.length < ENOUGH || outside.length < ENOUGH) return null;
  const se = Math.sqrt(variance(inside) / inside.length + variance(outside) / outside.length);
  const effect = mean(inside) - mean(outside);
  return se > 0 ? { t: effect / se, effect } : null;
}

/** The clearest pattern in one slot's experiments, or null when none is clear. */
export function clearestPattern(seen: readonly Observed[]): StatedPattern | null {
  let best: { t: number; pattern: StatedPattern } | null = null;
  const offer = (
    inside: readonly Observed[],
    outside: readonly Observed[],
    predicate: Pick<StatedPattern, 'family' | 'knob' | 'low' | 'high'>,
  ): void => {
    const found = contrast(
      inside.map((o) => o.gain),
      outside.map((o) => o.gain),
    );
    if (found === null || Math.abs(found.t) < Math.max(CLEAR_T, Math.abs(best?.t ?? 0))) return;
    best = {
      t: found.t,
      pattern: { ...predicate, direction: found.effect > 0 ? 1 : -1, effect: found.effect },
    };
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
      offer(
        kin.filter(low),
        kin.filter((o) => !low(o)),
        { family, knob, low: values[0]!, high: middle },
      );
    }
  }
  return (best as { pattern: StatedPattern } | null)?.pattern ?? null;
}
