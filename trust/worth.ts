// What a pattern weighs in the draw of a briefing, and why.
//
//   weight = PHI(gain / sd) * relevance * freshness * diversity
//   relevance   1 for the slot's own, one half for what is said of all slots
//   freshness   2^(-age / half life) of its statement, at least a quarter: what is old and still verified is not forgotten
//   diversity   1 - 0.8 * likeness to the most like of those that weigh more (maximal marginal relevance, Carbonell & Goldstein 1998)
import { phi } from './draw.js';

/** A typed predicate over specs with the effect that verdicts give it. */
export interface ToldPattern {
  readonly pattern_id: string;
  readonly family: string | null;
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Verified effect on the gain, shrunk to 0, and its spread. */
  readonly gain: number;
  readonly sd: number;
}

export interface Offered extends ToldPattern {
  readonly slot: string | null;
  /** 2^(-age / half life), 0 to 1. */
  readonly freshness: number;
}

/** Why a pattern weighs what it does: factors of its weight, each 0 to 1. */
export interface Why {
  readonly phi: number;
  readonly relevance: number;
  readonly freshness: number;
  readonly diversity: number;
}

const GENERAL = 0.5;
const FRESH_FLOOR = 0.25;
const LIKENESS_COSTS = 0.8;

/** How alike two predicates are, 0 to 1: by family, knob and the overlap of their ranges. */
export function likeness(a: ToldPattern, b: ToldPattern): number {
  const of = a.family === b.family ? 1 : a.family === null || b.family === null ? 0.5 : 0;
  if (of === 0) return 0;
  if (a.knob === null || b.knob === null) return a.knob === b.knob ? of : of / 2;
  if (a.knob !== b.knob) return 0;
  const shared = Math.min(a.high!, b.high!) - Math.max(a.low!, b.low!);
  const spanned = Math.max(a.high!, b.high!) - Math.min(a.low!, b.low!);
  if (spanned === 0) return of;
  return of * (Math.max(0, shared) / spanned);
}

/** Of each pattern its reasons, in the order given. */
export function worthOf(patterns: readonly Offered[]): Why[] {
  const base = patterns.map((p) => ({
    phi: phi(p.gain / p.sd),
    relevance: p.slot === null ? GENERAL : 1,
    freshness: Math.max(FRESH_FLOOR, p.freshness),
  }));
  const size = base.map((b) => b.phi * b.relevance * b.freshness);
  const ranked = patterns.map((_, i) => i).sort((a, b) => size[b]! - size[a]! || a - b);
  const diversity = patterns.map(() => 1);
  for (const [place, i] of ranked.entries()) {
    let most = 0;
    for (let above = 0; above < place && most < 1; above++)
      most = Math.max(most, likeness(patterns[i]!, patterns[ranked[above]!]!));
    diversity[i] = 1 - LIKENESS_COSTS * most;
  }
  return base.map((b, i) => ({ ...b, diversity: diversity[i]! }));
}

export const weightOf = (w: Why): number => w.phi * w.relevance * w.freshness * w.diversity;
