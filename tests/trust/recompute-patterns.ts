// What a pattern weighs, worked out from the formula: per owner, matching against not matching claims, by trust and shrunk to 0.
import type { Constants } from '../../trust/constants.js';
import type { History } from './history.js';
import { ladder, ownerTrust, type Result } from './recompute.js';
import type { ClaimRow } from './rows.js';

export function matches(p: History['patterns'][number], claim: ClaimRow): boolean {
  if (p.slot !== null && p.slot !== claim.slot) return false;
  if (p.family !== null && p.family !== claim.spec['family']) return false;
  if (p.knob === null) return true;
  const value = claim.spec[p.knob];
  return typeof value === 'number' && value >= p.low! && value <= p.high!;
}

export function patternWeight(
  h: History,
  results: readonly Result[],
  p: History['patterns'][number],
  constant: Constants,
): { gain: number; sd: number; n_eff: number } {
  const tau2 = constant('pattern_tau') ** 2;
  const judged = results.filter(
    (r) => r.verified_gain !== null && (p.slot === null || p.slot === r.claim.slot),
  );
  const variance = (r: Result): number => Math.max(r.verified_se!, 1e-4) ** 2;
  const pooled = (of: readonly { gain: number; variance: number }[]): { gain: number; variance: number } => {
    const mass = of.reduce((sum, o) => sum + 1 / o.variance, 0);
    return { gain: of.reduce((sum, o) => sum + o.gain / o.variance, 0) / mass, variance: 1 / mass };
  };
  const controlOf = (slot: string): { gain: number; variance: number } | null => {
    const others = judged.filter((r) => r.claim.slot === slot && !matches(p, r.claim));
    return others.length === 0
      ? null
      : pooled(others.map((r) => ({ gain: r.verified_gain!, variance: variance(r) })));
  };
  const byOwner = new Map<string, { gain: number; variance: number }[]>();
  for (const r of judged.filter((one) => matches(p, one.claim))) {
    const control = controlOf(r.claim.slot);
    if (control === null) continue;
    const against = { gain: r.verified_gain! - control.gain, variance: variance(r) + control.variance };
    byOwner.set(r.owner, [...(byOwner.get(r.owner) ?? []), against]);
  }
  let [pull, precision, sum, squares] = [0, 1 / tau2, 0, 0];
  for (const [owner, gains] of byOwner) {
    const { trust } = ownerTrust(h, results, owner, 'claims', constant);
    const { gain, variance: s2 } = pooled(gains);
    pull += (trust * gain) / (s2 + tau2);
    precision += trust / (s2 + tau2);
    sum += trust;
    squares += trust ** 2;
  }
  return {
    gain: ladder(pull / precision, constant('ladder_step')),
    sd: 1 / Math.sqrt(precision),
    n_eff: squares === 0 ? 0 : sum ** 2 / squares,
  };
}
