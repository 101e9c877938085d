// E-values against an owner, from decayed sums over its events. Trust is divided by one where it exceeds 1: whoever keeps to the rule
// that it is evidence against has a large one at any instant as seldom as it is large (Markov), so that no single look shuts anybody out.

/** What is bet on: excesses in standard errors, and shares of disputed checks. */
const EXCESSES = [0.25, 0.5, 1];
const DISPUTES = [0.05, 0.1, 0.5];
const EXP_LIMIT = 300;

/** Sums of w, w z and w^2 over claims, z = (claimed - verified) / combined standard error. */
export interface Excess {
  readonly weight: number;
  readonly pull: number;
  readonly mass: number;
}

/** Against: "on average the claims lie at most `slack` standard errors above their verdicts". */
export function overEvidence({ weight, pull, mass }: Excess, slack: number): number {
  return mean(EXCESSES.map((l) => bounded(l * (pull - slack * weight) - (l * l * mass) / 2)));
}

/** Against: "of the checks of each owner's claims at most a share of `error` is contradicted"; decayed counts, one of each owner. */
export function checkEvidence(
  about: readonly { readonly agreed: number; readonly disputed: number }[],
  error: number,
): number {
  const ratio = (p: number, agreed: number, disputed: number): number =>
    bounded(disputed * Math.log(p / error) + agreed * Math.log((1 - p) / (1 - error)));
  if (about.length === 0) return 1;
  return mean(about.map(({ agreed, disputed }) => mean(DISPUTES.map((p) => ratio(p, agreed, disputed)))));
}

const bounded = (log: number): number => Math.exp(Math.max(-EXP_LIMIT, Math.min(EXP_LIMIT, log)));
const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
