// Whole lives of owners under the evidence of over-claiming, which is looked at after every claim: how often and for how long does it
// halve or decimate the trust of somebody who does not lie, and how many claims does a liar have before it does?
import { type Excess, overEvidence } from '../../../trust/evidence.js';
import { normal, seeded } from '../../trust/seeded.js';
import { quantile } from '../figure.js';

type Draw = (u: () => number) => number;

/** (claimed - verified) / combined standard error of one claim. */
export const CLAIMANTS: Readonly<Record<string, Draw>> = {
  calibrated: normal,
  'heavy tails': (u) =>
    normal(u) / Math.sqrt([0, 1, 2, 3].reduce((sum) => sum + normal(u) ** 2, 0) / 4) / Math.SQRT2,
  'best of two': selected(2, 0.5),
  'best of four': selected(4, 0.25),
  'best of eight': selected(8, 0.25),
  // Claimed and verified standard errors are equal: one of them is 0.71 combined ones.
  'one standard error too much': (u) => Math.SQRT1_2 + normal(u),
  'two standard errors too much': (u) => Math.SQRT2 + normal(u),
};

/** Claims the best of so many experiments, `own` of whose variance is each one's own and the rest common to all. */
function selected(of: number, own: number): Draw {
  return (u) => {
    const shared = Math.sqrt(1 - own) * normal(u);
    const best = Math.max(...Array.from({ length: of }, () => Math.sqrt(own) * normal(u)));
    return (shared + best - normal(u)) / Math.SQRT2;
  };
}

export interface Rule {
  readonly half_life_days: number;
  readonly slack: number;
  readonly low: number;
  readonly clip: number;
}

export interface Lives {
  readonly owners: number;
  /** Owners whose trust was ever a tenth of what it would have been, and the share of looks at which it was. */
  readonly decimated: number;
  readonly time: number;
  /** Owners who by the first rule of this kind, a sum of 2.5 standard errors, would ever have had no trust at all. */
  readonly byFixedBound: number;
  /** Claims until trust was first a tenth, the median over owners. */
  readonly claims: number;
}

export function livesOf(
  claimant: string,
  rule: Rule,
  { owners = 1000, claims = 500, per_day = 2, seed = 1 } = {},
): Lives {
  const u = seeded(seed);
  const aged = 2 ** (-1 / per_day / rule.half_life_days);
  const first: number[] = [];
  let [time, byFixedBound] = [0, 0];
  for (let owner = 0; owner < owners; owner++) {
    let sums: Excess = { weight: 0, pull: 0, mass: 0 };
    let [most, decimated] = [0, Number.POSITIVE_INFINITY];
    for (let n = 1; n <= claims; n++) {
      const z = Math.max(-rule.low, Math.min(rule.clip, CLAIMANTS[claimant]!(u)));
      sums = {
        weight: sums.weight * aged + 1,
        pull: sums.pull * aged + z,
        mass: sums.mass * aged ** 2 + 1,
      };
      most = Math.max(most, sums.pull / Math.sqrt(sums.mass));
      if (overEvidence(sums, rule.slack) < 10) continue;
      time++;
      decimated = Math.min(decimated, n);
    }
    first.push(decimated);
    if (most > 2.5) byFixedBound++;
  }
  return {
    owners,
    decimated: first.filter(Number.isFinite).length,
    time: time / owners / claims,
    byFixedBound,
    claims: quantile(first, 0.5),
  };
}
