// The promotion gate once more, from the formulas of the design: e-values, stages and the screen's threshold.
import type { Constants } from '../../trust/constants.js';

const BETS = [0.05, 0.1, 0.2, 0.35, 0.5, 0.7];

/** Windows lost to the bound that count before the first. */
export const unseenOf = (kind: 'challenge' | 'rollback', constant: Constants): number =>
  kind === 'challenge' ? constant('unseen_loss_sd') / constant('clip_sd') : 0;

/** E after every window: the mean over bets of the product of what each bet has become. */
export function eValues(
  xs: readonly number[],
  { unseen = 0, sign = 1 }: { unseen?: number; sign?: 1 | -1 } = {},
): number[] {
  const wealth = BETS.map((l) => (1 - l) ** unseen);
  return xs.map((x) => {
    for (const [i, l] of BETS.entries()) wealth[i]! *= 1 + l * sign * x;
    return wealth.reduce((a, b) => a + b, 0) / BETS.length;
  });
}

export function gateStage(
  xs: readonly number[],
  {
    alpha,
    kind,
    promoted,
    superseded,
  }: { alpha: number; kind: 'challenge' | 'rollback'; promoted: boolean; superseded: boolean },
  constant: Constants,
): string {
  if (promoted) return 'promoted';
  if (superseded) return 'superseded';
  if (Math.max(0, ...eValues(xs, { sign: -1 })) >= constant('mirror_limit')) return 'rejected';
  const floor = constant(kind === 'rollback' ? 'rollback_floor_windows' : 'gate_floor_windows');
  if (xs.length >= floor && eValues(xs, { unseen: unseenOf(kind, constant) })[xs.length - 1]! >= 1 / alpha)
    return 'passed';
  return xs.length >= constant('gate_max_windows') ? 'timed_out' : 'shadow';
}

/** PHI by its power series, to full precision for |z| < 6. */
export function normalCdf(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; Math.abs(term) > 1e-18; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

function normalQuantile(p: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Bailey & Lopez de Prado 2014, eq. 1. */
export function expectedMaximum(n: number): number {
  const gamma = 0.5772156649015329;
  return n <= 1 ? 0 : (1 - gamma) * normalQuantile(1 - 1 / n) + gamma * normalQuantile(1 - 1 / (n * Math.E));
}
