// The trust views once more, written from the formulas of the design and not from the SQL: medians, bounds and
// weights of a History in memory; recompute-gate.ts has the gate, recompute-patterns.ts what patterns weigh. Slow and plain on purpose.
import type { Constants } from '../../trust/constants.js';
import { type History, luckOf, NOW, windowsOf } from './history.js';
import type { ClaimRow, VerdictRow } from './rows.js';

const DAY_MS = 86_400_000;

/** Of sorted values, interpolated between the two in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

const numbers = (values: readonly (number | null)[]): number[] =>
  values.filter((v): v is number => v !== null);

export const ladder = (gain: number, step: number): number => {
  const steps = gain / step;
  const down = Math.floor(steps);
  const nearest = steps - down === 0.5 ? (down % 2 === 0 ? down : down + 1) : Math.round(steps);
  return nearest * step;
};

export interface Result {
  readonly claim: ClaimRow;
  readonly owner: string;
  /** One per owner, of the claim's first reign. */
  readonly verdicts: readonly (VerdictRow & { owner: string })[];
  readonly refusals: number;
  readonly verified_gain: number | null;
  readonly verified_se: number | null;
  readonly spread: number;
  readonly honest: boolean | null;
  readonly informativeness: number;
}

function onePerOwner(h: History, claim_id: string, reign: number): (VerdictRow & { owner: string })[] {
  const found = new Map<string, VerdictRow & { owner: string }>();
  for (const v of h.verdicts) {
    if (v.claim_id !== claim_id || v.reign !== reign) continue;
    const { owner } = h.agents.find((a) => a.id === v.agent_id)!;
    const known = found.get(owner);
    if (known === undefined || v.at < known.at || (+v.at === +known.at && v.id < known.id))
      found.set(owner, { ...v, owner });
  }
  return [...found.values()];
}

export function resultOf(h: History, claim: ClaimRow, constant: Constants): Result {
  const reigns = h.verdicts.filter((v) => v.claim_id === claim.id).map((v) => v.reign);
  const verdicts = reigns.length === 0 ? [] : onePerOwner(h, claim.id, Math.min(...reigns));
  const refusals = verdicts.filter((v) => v.finding === 'refused').length;
  const gains = numbers(verdicts.map((v) => v.verified_gain));
  const believed = refusals * 2 < verdicts.length;
  const verified_gain = believed ? median(gains) : null;
  const verified_se = believed ? median(numbers(verdicts.map((v) => v.verified_se))) : null;
  let honest: boolean | null = null;
  if (verdicts.length > 0 && refusals * 2 > verdicts.length) honest = false;
  else if (verified_gain !== null && verified_se !== null)
    honest =
      claim.claimed_gain - verified_gain <= constant('honest_z') * Math.hypot(claim.claimed_se, verified_se);
  const ratio =
    verified_se === null || claim.claimed_se <= 2 * verified_se ? 1 : (2 * verified_se) / claim.claimed_se;
  return {
    claim,
    owner: h.agents.find((a) => a.id === claim.agent_id)!.owner,
    verdicts,
    refusals,
    verified_gain,
    verified_se,
    spread: gains.length === 0 ? 0 : Math.max(...gains) - Math.min(...gains),
    honest,
    informativeness: ratio ** 2,
  };
}

interface Event {
  readonly owner: string;
  readonly kind: 'claims' | 'checks' | 'promotions';
  readonly honest: boolean;
  readonly weight: number;
  readonly market_at: Date;
  /** Of a claim: how far above its verdict it lies, within bounds. */
  readonly z: number | null;
  /** Of a check: whose claim it was. */
  readonly of: string | null;
}

/** Whether an earlier claim has the same spec or artifact by another owner, or does the same on the same windows. */
export function isCopy(h: History, r: Result, constant: Constants): boolean {
  const owner = (c: ClaimRow): string => h.agents.find((a) => a.id === c.agent_id)!.owner;
  const scored = (c: ClaimRow): VerdictRow | undefined =>
    h.verdicts.find((v) => v.claim_id === c.id && v.finding === 'scored');
  const order = (c: ClaimRow): string => `${c.market_at.toISOString()} ${c.id}`;
  const others = h.claims.filter((c) => c.slot === r.claim.slot && order(c) < order(r.claim));
  return others.some((c) => {
    if (owner(c) !== r.owner && (c.spec_digest === r.claim.spec_digest || c.artifact === r.claim.artifact))
      return true;
    const [mine, other] = [scored(r.claim), scored(c)];
    if (mine === undefined || other === undefined) return false;
    if (windowsOf(c.market_at) !== windowsOf(r.claim.market_at)) return false;
    const [a, b] = [luckOf(r.claim.artifact), luckOf(c.artifact)];
    const size = (of: readonly number[]): number => Math.sqrt(of.reduce((sum, x) => sum + x * x, 0));
    return size(a.map((x, i) => x - b[i]!)) / size(a) < constant('copy_distance');
  });
}

/** Of a judged claim; one that was refused counts as the largest. */
function excess(r: Result, constant: Constants): number {
  if (r.verified_gain === null) return constant('over_clip');
  const z =
    (r.claim.claimed_gain - r.verified_gain) / Math.max(1e-9, Math.hypot(r.claim.claimed_se, r.verified_se!));
  return Math.max(-constant('over_clip_low'), Math.min(constant('over_clip'), z));
}

export function eventsOf(h: History, results: readonly Result[], constant: Constants): Event[] {
  const events: Event[] = [];
  const near = constant('verdict_tolerance');
  for (const r of results) {
    const first = Math.min(...r.verdicts.map((v) => +v.market_at));
    if (r.honest !== null)
      events.push({
        owner: r.owner,
        kind: 'claims',
        honest: r.honest,
        weight: r.honest && isCopy(h, r, constant) ? 0 : r.informativeness,
        market_at: new Date(first),
        z: excess(r, constant),
        of: null,
      });
    const n = r.verdicts.length;
    const rejected = r.refusals * 2 > n;
    const settled = n >= 2 && r.refusals * 2 !== n && (rejected || n - r.refusals >= 3 || r.spread <= near);
    if (!settled) continue;
    for (const v of r.verdicts) {
      const agrees =
        v.finding === 'refused'
          ? rejected
          : !rejected && Math.abs(v.verified_gain! - r.verified_gain!) <= near;
      events.push({
        owner: v.owner,
        kind: 'checks',
        honest: agrees,
        weight: 1,
        market_at: v.market_at,
        z: null,
        of: r.owner,
      });
    }
  }
  for (const p of h.promotions) {
    if (p.kind === 'found') continue;
    const next = h.promotions.find((q) => q.slot === p.slot && q.reign === p.reign + 1);
    if (next === undefined && +NOW - +p.market_at <= constant('publisher_survival_days') * DAY_MS) continue;
    const { owner } = h.agents.find((a) => a.id === p.agent_id)!;
    events.push({
      owner,
      kind: 'promotions',
      honest: next?.kind !== 'rollback',
      weight: 1,
      market_at: p.market_at,
      z: null,
      of: null,
    });
  }
  return events;
}

export function trustScore(alpha: number, beta: number, z: number): number {
  const n = alpha + beta;
  return Math.max(0, alpha / n - z * Math.sqrt((alpha * beta) / (n * n * (n + 1))));
}

const decayed = (at: Date, half_life_days: number): number =>
  0.5 ** (Math.max(0, +NOW - +at) / DAY_MS / half_life_days);

function betaOf(of: readonly Event[], constant: Constants): [number, number] {
  const weigh = (honest: boolean): number =>
    of
      .filter((e) => e.honest === honest)
      .reduce((sum, e) => sum + e.weight * decayed(e.market_at, constant('half_life_days')), 0);
  return [
    constant('prior_alpha') + weigh(true),
    constant('prior_beta') + constant('lie_weight') * weigh(false),
  ];
}

/** How far an owner's claims lie above their verdicts on average, and how many the weights amount to. */
function excessOf(
  of: readonly Event[],
  constant: Constants,
): { mean: number; size: number; total: number } | null {
  const aged = of
    .filter((e) => e.z !== null)
    .map((e) => ({ z: e.z!, w: e.weight * decayed(e.market_at, constant('half_life_days')) }));
  const total = aged.reduce((sum, e) => sum + e.w, 0);
  if (total === 0) return null;
  const mean = aged.reduce((sum, e) => sum + e.w * e.z, 0) / total;
  return { mean, size: total / Math.sqrt(aged.reduce((sum, e) => sum + e.w ** 2, 0)), total };
}

const average = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;

/** Product of likelihood ratios: what each decayed check says of p disputes in one against the share that mishap explains. */
function collusionOf(of: readonly Event[], constant: Constants): number {
  const error = constant('check_error');
  const about = [...new Set(of.map((e) => e.of))].map((name) => of.filter((e) => e.of === name));
  if (about.length === 0) return 1;
  const ratio = (e: Event, p: number): number =>
    (e.honest ? (1 - p) / (1 - error) : p / error) ** decayed(e.market_at, constant('half_life_days'));
  return average(
    about.map((pair) => average([0.05, 0.1, 0.5].map((p) => pair.reduce((all, e) => all * ratio(e, p), 1)))),
  );
}

export interface OwnerTrust {
  readonly alpha: number;
  readonly beta: number;
  readonly trust: number;
  readonly audit: number;
  readonly shrink: number | null;
  readonly over: number | null;
  readonly evidence: number;
}

export function ownerTrust(
  h: History,
  results: readonly Result[],
  owner: string,
  kind: Event['kind'],
  constant: Constants,
): OwnerTrust {
  const events = eventsOf(h, results, constant);
  const mine = events.filter((e) => e.owner === owner && e.kind === kind);
  const z = constant('bound_z');
  const [alpha, beta] = betaOf(mine, constant);
  const excess = excessOf(mine, constant);
  const others = [...new Set(h.agents.map((a) => a.owner))]
    .filter((name) => name !== owner)
    .map((name) => events.filter((e) => e.owner === name && e.kind === kind))
    .map((of) => ({ excess: excessOf(of, constant), score: trustScore(...betaOf(of, constant), z) }))
    .filter((o) => o.excess !== null);
  const believed = others.reduce((sum, o) => sum + o.score, 0);
  const common =
    believed <= 1e-9 ? 0 : others.reduce((sum, o) => sum + o.score * o.excess!.mean, 0) / believed;
  const most = constant('over_common');
  const market = Math.max(-most, Math.min(most, common));
  const over = excess === null ? null : (excess.mean - market) * excess.size;
  // The log-likelihood ratio of a normal excess of l more than is allowed, summed over claims by their weights.
  const against = (l: number, of: NonNullable<typeof excess>): number =>
    l * of.total * (of.mean - constant('over_slack') - market) - (l * l * (of.total / of.size) ** 2) / 2;
  let evidence = 1;
  if (kind === 'checks') evidence = collusionOf(mine, constant);
  else if (excess !== null) evidence = average([0.25, 0.5, 1].map((l) => Math.exp(against(l, excess))));
  const trust = trustScore(alpha, beta, z) / Math.max(1, evidence);
  const verified =
    kind === 'claims' ? results.filter((r) => r.owner === owner && r.verified_gain !== null) : [];
  let pull = 0;
  let mass = 0;
  for (const r of verified) {
    const weight = r.honest && isCopy(h, r, constant) ? 0 : r.informativeness;
    pull += weight * r.claim.claimed_gain * ladder(r.verified_gain!, constant('ladder_step'));
    mass += weight * r.claim.claimed_gain ** 2;
  }
  // Of a share of honest events below a newcomer's.
  const newcomer = constant('prior_alpha') / (constant('prior_alpha') + constant('prior_beta'));
  const looked = kind === 'claims' ? Math.min(1, alpha / (alpha + beta) / newcomer) : 1;
  return {
    alpha,
    beta,
    trust,
    audit: Math.max(constant('audit_floor'), (1 - trust) * looked),
    shrink: mass === 0 ? null : pull / mass,
    over,
    evidence,
  };
}
