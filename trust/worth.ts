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

/** How alike two predicates can be at most, by family and knob alone. */
function kinship(a: ToldPattern, b: ToldPattern): number {
  const family = a.family === b.family ? 1 : a.family === null || b.family === null ? 0.5 : 0;
  const knob = a.knob === b.knob ? 1 : a.knob === null || b.knob === null ? 0.5 : 0;
  return family * knob;
}

/** Share of what two ranges span that both hold; 1 where either is about no knob. */
function overlap(a: ToldPattern, b: ToldPattern): number {
  if (a.knob === null || b.knob === null) return 1;
  const shared = Math.min(a.high!, b.high!) - Math.max(a.low!, b.low!);
  const spanned = Math.max(a.high!, b.high!) - Math.min(a.low!, b.low!);
  return spanned === 0 ? 1 : Math.max(0, shared) / spanned;
}

/** How alike two predicates are, 0 to 1: by family, knob and the overlap of their ranges. */
export const likeness = (a: ToldPattern, b: ToldPattern): number => kinship(a, b) * overlap(a, b);

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
  // Those that weigh more, by what they are about.
  const above = new Map<string, ToldPattern[]>();
  for (const i of ranked) {
    const p = patterns[i]!;
    let most = 0;
    for (const group of above.values()) {
      const kin = kinship(p, group[0]!);
      for (let n = 0; n < group.length && most < kin; n++) most = Math.max(most, kin * overlap(p, group[n]!));
    }
    diversity[i] = 1 - LIKENESS_COSTS * most;
    const about = `${p.family} ${p.knob}`;
    const group = above.get(about);
    if (group === undefined) above.set(about, [p]);
    else group.push(p);
  }
  return base.map((b, i) => ({ ...b, diversity: diversity[i]! }));
}

export const weightOf = (w: Why): number => w.phi * w.relevance * w.freshness * w.diversity;
