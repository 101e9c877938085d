// What one agent is told before one decision: the champion, the best verified specs, patterns drawn by what they are
// worth, one antipattern, and a uniform share so that nothing is buried for ever. Computed here, recorded by the agent.
import { sql } from 'kysely';
import type { Db } from '../blackboard/db.js';

/** Uniform draw in (0, 1): randomness is the caller's. */
export type Uniform = () => number;

export interface KnownSpec {
  readonly claim_id: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly spec_digest: string;
  readonly owner: string;
  readonly trust: number;
  /** Gain over the yardstick on hidden windows, rounded by the ladder; its standard error rounded up. */
  readonly verified_gain: number;
  readonly verified_se: number;
  /** Decisions that were bred from it. */
  readonly children: number;
}

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

/** One thing told: what, why, and with which probability it was drawn. */
export interface BriefingItem {
  readonly kind: 'champion' | 'spec' | 'pattern' | 'antipattern';
  readonly id: string;
  readonly probability: number;
  readonly weight: number;
  readonly uniform: boolean;
}

export interface Briefing {
  readonly slot: string;
  readonly champion: { readonly artifact: string; readonly family: string; readonly reign: number } | null;
  readonly specs: readonly KnownSpec[];
  readonly patterns: readonly ToldPattern[];
  readonly items: readonly BriefingItem[];
}

const SPECS = 6;
const PATTERNS = 4;
const UNIFORM_SHARE = 0.1;

/** PHI, the standard normal distribution function (Abramowitz & Stegun 26.2.17, |error| < 7.5e-8). */
export function phi(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    Math.exp((-z * z) / 2) *
    0.3989422804014327 *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}

/** How many patterns of a scope a briefing draws from: the strongest, and as many by lot where there are more. */
const STRONG = 200;
const BY_LOT = 50;

/** Lower bound of a verified gain. */
const bound = sql<number>`verified_gain - verified_se`;

export async function brief(db: Db, slot: string, uniform: Uniform): Promise<Briefing> {
  const champion = await db
    .selectFrom('trust.champion')
    .select(['artifact', 'family', 'reign'])
    .where('slot', '=', slot)
    .executeTakeFirst();
  const specs = await bestSpecs(db, slot);
  const pool = [...(await poolOf(db, slot, uniform)), ...(await poolOf(db, '', uniform))];
  const drawn = drawPatterns(withoutTwins(pool), uniform);
  return {
    slot,
    champion:
      champion === undefined
        ? null
        : { artifact: champion.artifact!, family: champion.family!, reign: champion.reign! },
    specs,
    patterns: drawn.map((d) => d.pattern),
    items: [
      ...(champion === undefined
        ? []
        : [{ kind: 'champion' as const, id: champion.artifact!, probability: 1, weight: 1, uniform: false }]),
      ...specs.map((s) => ({
        kind: 'spec' as const,
        id: s.claim_id,
        probability: 1,
        weight: s.verified_gain - s.verified_se,
        uniform: false,
      })),
      ...drawn.map(({ pattern, ...item }) => ({ ...item, id: pattern.pattern_id })),
    ],
  };
}

/** One claim of each spec, best first: a good one that was claimed day after day does not crowd out the others. */
async function bestSpecs(db: Db, slot: string): Promise<KnownSpec[]> {
  // From the top until there are enough: a slot has far more claims than specs that are told.
  for (let limit = 8 * SPECS; ; limit *= 8) {
    const rows = (await db
      .selectFrom('trust.known_spec')
      .select([
        'claim_id',
        'spec',
        'spec_digest',
        'owner',
        'trust',
        'verified_gain',
        'verified_se',
        'children',
      ])
      .where('slot', '=', slot)
      .orderBy(bound, 'desc')
      .orderBy('spec_digest')
      .orderBy('claim_id')
      .limit(limit)
      .execute()) as unknown as KnownSpec[];
    const best = rows.filter((row, i) => rows.findIndex((r) => r.spec_digest === row.spec_digest) === i);
    if (best.length >= SPECS || rows.length < limit) return best.slice(0, SPECS);
  }
}

/** All patterns of a scope while they are few; beyond that the strongest, the one that harms most, and some that a lot picks. */
async function poolOf(db: Db, scope: string, uniform: Uniform): Promise<Weighed[]> {
  const from = db
    .selectFrom('trust.told_pattern')
    .select(['pattern_id', 'slot', 'family', 'knob', 'low', 'high', 'gain', 'sd'])
    .where('scope', '=', scope);
  const score = sql<number>`gain / sd`;
  const strong = await from.orderBy(score, 'desc').limit(STRONG).execute();
  if (strong.length < STRONG) return strong as unknown as Weighed[];
  const [worst, lots] = await Promise.all([
    from.orderBy(score).limit(1).execute(),
    from.where('lot', '>=', uniform()).orderBy('lot').limit(BY_LOT).execute(),
  ]);
  // Lots lie on a circle.
  const rest =
    lots.length < BY_LOT
      ? await from
          .orderBy('lot')
          .limit(BY_LOT - lots.length)
          .execute()
      : [];
  const pool = new Map([...strong, ...worst, ...lots, ...rest].map((p) => [p.pattern_id, p]));
  return [...pool.values()] as unknown as Weighed[];
}

type Weighed = ToldPattern & { readonly slot: string | null };
type Drawn = { pattern: ToldPattern } & Omit<BriefingItem, 'id'>;

const predicateOf = (p: ToldPattern): string => JSON.stringify([p.family, p.knob, p.low, p.high]);

/** One pattern of each predicate, the slot's own before the general one, in an order that content alone decides. */
function withoutTwins(patterns: readonly Weighed[]): Weighed[] {
  const kept = new Map<string, Weighed>();
  for (const p of patterns) {
    const twin = kept.get(predicateOf(p));
    if (twin === undefined || (twin.slot === null && p.slot !== null)) kept.set(predicateOf(p), p);
  }
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p);
}

function drawPatterns(all: readonly Weighed[], uniform: Uniform): Drawn[] {
  const drawn: Drawn[] = [];
  const left = [...all];
  const worst = left.filter((p) => p.gain < 0).sort((a, b) => a.gain / a.sd - b.gain / b.sd)[0];
  if (worst !== undefined) {
    drawn.push({
      pattern: worst,
      kind: 'antipattern',
      probability: 1,
      weight: worst.gain / worst.sd,
      uniform: false,
    });
    left.splice(left.indexOf(worst), 1);
  }
  while (drawn.length < PATTERNS && left.length > 0) {
    const blind = uniform() < UNIFORM_SHARE;
    const weights = left.map((p) => phi(p.gain / p.sd) * (p.slot === null ? 0.5 : 1));
    const total = weights.reduce((a, b) => a + b, 0);
    const chance = weights.map((w) => UNIFORM_SHARE / left.length + (1 - UNIFORM_SHARE) * (w / total));
    const pick = pickBy(blind ? left.map(() => 1) : weights, uniform());
    const pattern = left[pick]!;
    drawn.push({
      pattern,
      kind: pattern.gain < 0 ? 'antipattern' : 'pattern',
      probability: chance[pick]!,
      weight: weights[pick]!,
      uniform: blind,
    });
    left.splice(pick, 1);
  }
  return drawn;
}

/** Index drawn with probability proportional to its weight; `u` in (0, 1). */
export function pickBy(weights: readonly number[], u: number): number {
  const total = weights.reduce((a, b) => a + b, 0);
  let left = u * total;
  for (const [i, w] of weights.entries()) {
    left -= w;
    if (left <= 0) return i;
  }
  return weights.length - 1;
}
