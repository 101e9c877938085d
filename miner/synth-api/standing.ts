// Where one miner stands in the field: on one prompt, and over hours.
// Pure: scores and times come in, figures and sentences go out.
import type { PublicScore } from './client.js';

export interface FieldStanding {
  readonly scored_at: Date;
  readonly crps: number;
  readonly prompt_score: number | null;
  /** Among all miners, the best is 1; who was invalid comes last. */
  readonly rank: number;
  readonly miners: number;
  /** Of the valid ones. */
  readonly median_crps: number;
  readonly best_crps: number;
}

/** Null when this miner, or any valid answer, is not among the scores of the newest prompt. */
export function standingOf(scores: readonly PublicScore[], uid: number): FieldStanding | null {
  const newest = Math.max(...scores.map((one) => Date.parse(one.scored_time)));
  const field = scores.filter((one) => Date.parse(one.scored_time) === newest);
  const own = field.find((one) => one.miner_uid === uid);
  const valid = field
    .map(({ crps }) => crps)
    .filter((crps) => crps >= 0)
    .sort((a, b) => a - b);
  if (own === undefined || valid.length === 0) return null;
  const better = own.crps < 0 ? valid.length : valid.filter((crps) => crps < own.crps).length;
  const middle = valid.length / 2;
  return {
    scored_at: new Date(newest),
    crps: own.crps,
    prompt_score: own.prompt_score ?? null,
    rank: better + 1,
    miners: field.length,
    median_crps: (valid[Math.ceil(middle) - 1]! + valid[Math.floor(middle)]!) / 2,
    best_crps: valid[0]!,
  };
}

/** How far above the field's median a CRPS is, as a share of it; an invalid answer counts as twice the median. */
export const behind = ({ crps, median_crps }: Pick<FieldStanding, 'crps' | 'median_crps'>): number =>
  crps < 0 ? 1 : crps / median_crps - 1;

const HOUR_MS = 3_600_000;
const WINDOW_MS = 6 * HOUR_MS;
/** The window is judged once it is nearly full. */
const JUDGED_MS = 5 * HOUR_MS;
const BEHIND = { said: 0.1, over: 0.05 } as const;

/** The last hours of one slot: says once when it falls behind the field, and once when it has caught up. */
export class Lag {
  #points: { at_ms: number; behind: number }[] = [];
  #said = false;

  constructor(readonly slot: string) {}

  add(standing: Pick<FieldStanding, 'scored_at' | 'crps' | 'median_crps'>): string | null {
    const at_ms = standing.scored_at.getTime();
    if (this.#points.some((point) => point.at_ms === at_ms)) return null;
    this.#points = [...this.#points, { at_ms, behind: behind(standing) }].filter(
      (point) => point.at_ms > at_ms - WINDOW_MS - 1,
    );
    const mean = this.#points.reduce((sum, point) => sum + point.behind, 0) / this.#points.length;
    const hours = (at_ms - this.#points[0]!.at_ms) / HOUR_MS;
    if (this.#said && mean < BEHIND.over) {
      this.#said = false;
      return `${this.slot} has caught up with the field`;
    }
    if (this.#said || hours * HOUR_MS < JUDGED_MS || mean <= BEHIND.said) return null;
    this.#said = true;
    return `${this.slot} ${Math.round(mean * 100)}% behind the field for ${Math.round(hours)} h`;
  }

  get isBehind(): boolean {
    return this.#said;
  }
}
