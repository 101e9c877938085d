// What one agent is told before one decision: the champion, the best verified specs, the worst antipattern, and patterns drawn by what
// they are worth, a tenth of the draws spread evenly so that nothing is buried for ever; all of it within a budget of tokens.
// Promises: every item has the exact probability of being told, and so has what was not told: effects can be measured (fleet.uplift).
// Computed here, recorded by the agent.
import { sql } from 'kysely';
import type { Db } from '../blackboard/db.js';
import { inclusion, systematic, type Uniform } from './draw.js';
import { tokensOf } from './tokens.js';
import { type Offered, type ToldPattern, type Why, weightOf, worthOf } from './worth.js';

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

/** One thing told: what, why, and with which probability. */
export interface BriefingItem {
  readonly kind: 'champion' | 'spec' | 'pattern' | 'antipattern';
  readonly id: string;
  /** That a briefing at this moment holds it. */
  readonly probability: number;
  readonly weight: number;
  /** Drawn by the share that every item has alike. */
  readonly uniform: boolean;
  /** Of what was drawn. */
  readonly why?: Why;
}

export interface Briefing {
  readonly slot: string;
  readonly champion: { readonly artifact: string; readonly family: string; readonly reign: number } | null;
  readonly specs: readonly KnownSpec[];
  readonly patterns: readonly ToldPattern[];
  readonly items: readonly BriefingItem[];
}

/** With what might have been told as well, and what reading it costs. */
export interface DrawnBriefing extends Briefing {
  readonly untold: readonly { readonly id: string; readonly probability: number }[];
  readonly tokens: number;
}

/** Tokens of a briefing unless its reader says otherwise. */
export const BRIEFING_TOKENS = 2000;
const SPECS = 6;
const PATTERNS = 4;
/** What is told more rarely is not written down when it is not told: there may be hundreds. */
const WRITTEN = 0.02;

/** How many patterns of a scope a briefing draws from: the strongest, and as many by lot where there are more. */
const STRONG = 100;
const BY_LOT = 50;

/** Lower bound of a verified gain. */
const bound = sql<number>`verified_gain - verified_se`;

/** A spec and a pattern as whoever decides is told them. */
export const specInWords = (s: KnownSpec): Readonly<Record<string, unknown>> => ({
  id: s.spec_digest.slice(0, 12),
  spec: s.spec,
  verified_gain: s.verified_gain,
  se: s.verified_se,
  tried_from_it: s.children,
});
export const patternInWords = (p: ToldPattern): Readonly<Record<string, unknown>> => ({
  id: p.pattern_id.slice(-12),
  family: p.family,
  knob: p.knob,
  low: p.low,
  high: p.high,
  verified_effect: p.gain,
  sd: p.sd,
});

/** A briefing's items as they are stored: what was told, and what had a chance and was not. */
export const storedItems = (briefing: DrawnBriefing): object[] => [
  ...briefing.items.map((item) => ({ ...item, told: true })),
  ...briefing.untold.map((item) => ({ kind: 'pattern', ...item, told: false })),
];

export async function brief(
  db: Db,
  slot: string,
  uniform: Uniform,
  budget = BRIEFING_TOKENS,
): Promise<DrawnBriefing> {
  const champion =
    ((await db
      .selectFrom('trust.champion')
      .select(['artifact', 'family', 'reign'])
      .where('slot', '=', slot)
      .executeTakeFirst()) as Briefing['champion'] | undefined) ?? null;
  const held = champion === null ? 0 : tokensOf(champion);
  const {
    rows: [clock],
  } =
    await sql<Clock>`select market.now() as reading, trust.constant('half_life_days') as half_life_days`.execute(
      db,
    );
  const stated = [...(await poolOf(db, slot, uniform)), ...(await poolOf(db, '', uniform))];
  const pool = withoutTwins(
    stated.map((pattern) => ({ ...pattern, freshness: freshnessOf(pattern, clock!) })),
  );
  const worst = pool.filter((p) => p.gain < 0).sort((a, b) => a.gain / a.sd - b.gain / b.sd)[0];
  const warning = worst === undefined ? 0 : tokensOf(patternInWords(worst));
  const { specs, tokens } = within(budget - held - warning, await bestSpecs(db, slot));
  const drawn = drawPatterns(pool, worst, budget - held - warning - tokens, uniform());
  return {
    slot,
    champion,
    specs,
    patterns: drawn.told.map((d) => d.pattern),
    items: [
      ...(champion === null
        ? []
        : [{ kind: 'champion' as const, id: champion.artifact, probability: 1, weight: 1, uniform: false }]),
      ...specs.map((s) => ({
        kind: 'spec' as const,
        id: s.claim_id,
        probability: 1,
        weight: s.verified_gain - s.verified_se,
        uniform: false,
      })),
      ...drawn.told.map(({ pattern, ...item }) => ({ ...item, id: pattern.pattern_id })),
    ],
    untold: drawn.untold,
    tokens: held + tokens + drawn.tokens,
  };
}

/** As many of the best as the budget has room for, the first one whatever it costs. */
function within(budget: number, best: readonly KnownSpec[]): { specs: KnownSpec[]; tokens: number } {
  const specs: KnownSpec[] = [];
  let tokens = 0;
  for (const spec of best) {
    const cost = tokensOf(specInWords(spec));
    if (specs.length > 0 && tokens + cost > budget) break;
    specs.push(spec);
    tokens += cost;
  }
  return { specs, tokens };
}

/** One claim of each spec, best first: a good one that was claimed day after day does not crowd out the others. */
async function bestSpecs(db: Db, slot: string): Promise<KnownSpec[]> {
  // From the top until there are enough: a slot has far more claims than specs that are told.
  for (let limit = 8 * SPECS; ; limit *= 8) {
    const rows = (await db
      .selectFrom('trust.told_spec')
      .select(['claim_id', 'spec', 'spec_digest', 'owner', 'verified_gain', 'verified_se', 'children'])
      .where('slot', '=', slot)
      .orderBy(bound, 'desc')
      .orderBy('spec_digest')
      .orderBy('claim_id')
      .limit(limit)
      .execute()) as unknown as Omit<KnownSpec, 'trust'>[];
    const best = rows.filter((row, i) => rows.findIndex((r) => r.spec_digest === row.spec_digest) === i);
    if (best.length >= SPECS || rows.length < limit) return believed(db, best.slice(0, SPECS));
  }
}

async function believed(db: Db, specs: readonly Omit<KnownSpec, 'trust'>[]): Promise<KnownSpec[]> {
  if (specs.length === 0) return [];
  const owners = [...new Set(specs.map((spec) => spec.owner))];
  const { rows } = await sql<{
    owner: string;
    trust: number;
  }>`select * from trust.believed(${owners}::text[])`.execute(db);
  const trustOf = new Map(rows.map(({ owner, trust }) => [owner, trust]));
  return specs.map((spec) => ({ ...spec, trust: trustOf.get(spec.owner) ?? 0 }));
}

type Stated = Omit<Offered, 'freshness'> & { readonly market_at: Date };
interface Clock {
  /** Null without a market. */
  readonly reading: Date | null;
  readonly half_life_days: number;
}

const DAY_MS = 86_400_000;

/** 2^(-age / half life), and 1 for what lies ahead of a clock that was set back. */
const freshnessOf = ({ market_at }: Stated, { reading, half_life_days }: Clock): number =>
  reading === null
    ? 1
    : 2 ** -(Math.max(0, reading.getTime() - market_at.getTime()) / DAY_MS / half_life_days);

/** All patterns of a scope while they are few; beyond that the strongest, the one that harms most, and some that a lot picks. */
async function poolOf(db: Db, scope: string, uniform: Uniform): Promise<Stated[]> {
  const from = db
    .selectFrom('trust.told_pattern')
    .select(['pattern_id', 'slot', 'family', 'knob', 'low', 'high', 'gain', 'sd', 'market_at'])
    .where('scope', '=', scope);
  const score = sql<number>`gain / sd`;
  const byLot = from.orderBy('lot');
  const asked = [
    from.orderBy(score, 'desc').limit(STRONG),
    from.orderBy(score).limit(1),
    byLot.where('lot', '>=', uniform()).limit(BY_LOT),
  ];
  const parts = sql.join(
    asked.map((part) => sql`(${part})`),
    sql` union all `,
  );
  const { rows } = await sql<Stated>`${parts}`.execute(db);
  const pool = new Map(rows.map((p) => [p.pattern_id, p]));
  const wanting = STRONG + 1 + BY_LOT - rows.length;
  // Lots lie on a circle.
  if (wanting > 0 && pool.size >= STRONG)
    for (const p of (await byLot.limit(wanting).execute()) as unknown as Stated[]) pool.set(p.pattern_id, p);
  return [...pool.values()];
}

/** One pattern of each predicate, the slot's own before the general one; alike ones side by side, in an order that content alone decides. */
function withoutTwins(patterns: readonly Offered[]): Offered[] {
  const kept = new Map<string, Offered>();
  for (const p of patterns) {
    const predicate = JSON.stringify([p.family, p.knob, p.low, p.high]);
    const twin = kept.get(predicate);
    if (twin === undefined || (twin.slot === null && p.slot !== null)) kept.set(predicate, p);
  }
  return [...kept.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p);
}

/** The longest texts are the dearest, or nearly: hundreds are neither printed nor counted for every decision. */
const LONGEST = 5;
const TO_SPARE = 1.25;
/** Characters that a printed number takes at most, or nearly. */
const NUMBER = 20;
const lengthOf = ({ family, knob, low, high }: ToldPattern): number =>
  (family?.length ?? 0) + (knob?.length ?? 0) + (low === null ? 0 : NUMBER) + (high === null ? 0 : NUMBER);
function dearest(patterns: readonly Offered[]): number {
  const longest = [...patterns].sort((a, b) => lengthOf(b) - lengthOf(a)).slice(0, LONGEST);
  return TO_SPARE * Math.max(1, ...longest.map((p) => tokensOf(patternInWords(p))));
}

interface Drawn {
  readonly told: readonly ({ pattern: ToldPattern } & Omit<BriefingItem, 'id'>)[];
  readonly untold: DrawnBriefing['untold'];
  readonly tokens: number;
}

/** The worst one for certain, and others by lot: as many as the budget has room for whichever they are. */
function drawPatterns(all: readonly Offered[], worst: Offered | undefined, budget: number, u: number): Drawn {
  const left = all.filter((p) => p !== worst);
  const room = Math.floor(budget / dearest(left));
  const k = Math.max(0, Math.min(PATTERNS - (worst === undefined ? 0 : 1), left.length, room));
  const reasons = worthOf(left);
  const chances = inclusion(reasons.map(weightOf), k);
  const hits = systematic(chances, u);
  const drawn = new Set(hits.map(({ index }) => index));
  const told = [
    ...(worst === undefined
      ? []
      : [
          {
            pattern: worst,
            kind: 'antipattern' as const,
            probability: 1,
            weight: worst.gain / worst.sd,
            uniform: false,
          },
        ]),
    ...hits.map(({ index, even }) => ({
      pattern: left[index]!,
      kind: left[index]!.gain < 0 ? ('antipattern' as const) : ('pattern' as const),
      probability: chances[index]!.probability,
      weight: weightOf(reasons[index]!),
      uniform: even,
      why: reasons[index]!,
    })),
  ];
  return {
    told,
    untold: left.flatMap(({ pattern_id }, i) => {
      const { probability } = chances[i]!;
      return drawn.has(i) || probability < WRITTEN ? [] : [{ id: pattern_id, probability }];
    }),
    tokens: told.reduce((sum, { pattern }) => sum + tokensOf(patternInWords(pattern)), 0),
  };
}
