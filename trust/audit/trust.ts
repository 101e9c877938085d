// Are the trust views' numbers what the history says? Worked out anew from claims and verdicts, claim by claim, by the formulas of
// docs/trust-reference.md and not by the views; what is kept meanwhile is one tally per owner.
import type { Constants } from '../constants.js';
import { checkEvidence, overEvidence } from '../evidence.js';
import { type Audit, rowsOf } from './finding.js';

const DAY_S = 86_400;
const NEAR = 1e-9;
/** What others are believed ages a little between two readings of a running clock. */
const NEAR_OVER = 1e-5;
interface Verdict {
  readonly owner: string;
  readonly reign: number;
  readonly finding: 'scored' | 'refused';
  readonly gain: number | null;
  readonly se: number | null;
  readonly market_s: number;
}

interface ClaimRow {
  readonly owner: string;
  readonly claimed_gain: number;
  readonly claimed_se: number;
  /** Another's model, or one that does the same as an earlier one. */
  readonly copy: boolean;
  /** In the order in which they were written. */
  readonly verdicts: Verdict[];
}

interface OwnerRow {
  readonly owner: string;
  readonly kind: 'claims' | 'checks' | 'promotions';
  readonly events: string;
  readonly dishonest: string;
  readonly alpha: number;
  readonly beta: number;
  readonly trust: number;
  readonly over: number | null;
  readonly evidence: number;
}

/** Sums at two instants: the views' own reading of a running clock lies between them. */
interface Tally {
  events: number;
  dishonest: number;
  honest: [number, number];
  lies: [number, number];
  /** Sums of w, w z and w^2 over judged claims: their ratios do not depend on the instant. */
  over: { weight: number; pull: number; mass: number };
  /** Of a checker: by owner of the claims. */
  pairs: Map<string, { agreed: number; disputed: number }>;
}

const nothing = (): Tally => ({
  events: 0,
  dishonest: 0,
  honest: [0, 0],
  lies: [0, 0],
  over: { weight: 0, pull: 0, mass: 0 },
  pairs: new Map(),
});

export async function auditTrust(audit: Audit, constant: Constants): Promise<void> {
  const before = await reading(audit);
  const { rows: stated } = await audit.client.query<OwnerRow>('select * from trust.owner');
  const span: readonly [number, number] = [before, await reading(audit)];
  const tallies = new Map<string, Tally>();
  const count: Count = (owner, kind, honest, weight, market_s, { z = null, claimant = null } = {}) => {
    const key = `${kind} of ${owner}`;
    const tally = tallies.get(key) ?? nothing();
    tally.events += 1;
    if (!honest) tally.dishonest += 1;
    for (const i of [0, 1] as const) {
      const age = Math.max(0, (span[i] - market_s) / DAY_S / constant('half_life_days'));
      const aged = weight * 2 ** -Math.min(100, age);
      (honest ? tally.honest : tally.lies)[i] += aged;
      if (i === 0 && claimant !== null) {
        const pair = tally.pairs.get(claimant) ?? { agreed: 0, disputed: 0 };
        pair[honest ? 'agreed' : 'disputed'] += aged;
        tally.pairs.set(claimant, pair);
      }
      if (i === 1 || z === null) continue;
      tally.over.weight += aged;
      tally.over.pull += aged * z;
      tally.over.mass += aged ** 2;
    }
    tallies.set(key, tally);
  };
  await countClaims(audit, constant, count);
  await countPromotions(audit, constant, span[0], count);
  const aged = 2 ** (-(span[1] - span[0]) / DAY_S / constant('half_life_days'));
  for (const row of stated) {
    audit.checked('trust');
    const tally = tallies.get(`${row.kind} of ${row.owner}`);
    const reason = fault(row, tally ?? nothing(), commonTo(row, tallies, constant), aged, constant);
    if (reason !== null) audit.found({ kind: 'trust', id: row.owner, reason: `${row.kind}: ${reason}` });
  }
  const known = new Set(stated.map((row) => `${row.kind} of ${row.owner}`));
  for (const left of [...tallies.keys()].filter((key) => !known.has(key)))
    audit.found({ kind: 'trust', id: left, reason: 'the views say nothing of it' });
}

type Count = (
  owner: string,
  kind: string,
  honest: boolean,
  weight: number,
  market_s: number,
  more?: { readonly z?: number | null; readonly claimant?: string },
) => void;

async function reading(audit: Audit): Promise<number> {
  const { rows } = await audit.client.query<{ s: number }>(
    'select extract(epoch from market.now())::float8 as s',
  );
  return rows[0]!.s;
}

async function countClaims(audit: Audit, constant: Constants, count: Count): Promise<void> {
  const claims = rowsOf<ClaimRow>(
    audit.client,
    `select a.owner, c.claimed_gain, c.claimed_se, trust.original(c.id) is not null as copy, (select json_agg(json_build_object('owner', b.owner, 'reign', v.reign, 'finding', v.finding,
         'gain', v.verified_gain, 'se', v.verified_se, 'market_s', extract(epoch from v.market_at)::float8) order by v.at, v.id)
       from board.verdict v join board.agent b on b.id = v.agent_id where v.claim_id = c.id) as verdicts
     from board.claim c join board.agent a on a.id = c.agent_id where exists (select from board.verdict v where v.claim_id = c.id)`,
  );
  for await (const claim of claims) countClaim(claim, constant, count);
}

function countClaim(claim: ClaimRow, constant: Constants, count: Count): void {
  const reign = Math.min(...claim.verdicts.map((v) => v.reign));
  const byOwner = new Map<string, Verdict>();
  for (const v of claim.verdicts) if (v.reign === reign && !byOwner.has(v.owner)) byOwner.set(v.owner, v);
  const verdicts = [...byOwner.values()];
  const refusals = verdicts.filter((v) => v.finding === 'refused').length;
  const [gains, ses] = [values(verdicts, 'gain'), values(verdicts, 'se')];
  const isRejected = refusals * 2 > verdicts.length;
  const isEven = refusals * 2 === verdicts.length;
  const gain = median(gains);
  const se = median(ses);
  const apart = gains.length === 0 ? 0 : Math.max(...gains) - Math.min(...gains);
  if (!isEven) {
    const honest =
      !isRejected &&
      claim.claimed_gain - gain <= constant('honest_z') * Math.sqrt(claim.claimed_se ** 2 + se ** 2);
    const informative = isRejected
      ? 1
      : Math.min(1, (2 * Math.max(se, 1e-9)) / Math.max(claim.claimed_se, 1e-9)) ** 2;
    const weight = honest && claim.copy ? 0 : informative;
    const excess = (claim.claimed_gain - gain) / Math.max(1e-9, Math.hypot(claim.claimed_se, se));
    const z = isRejected
      ? constant('over_clip')
      : Math.max(-constant('over_clip_low'), Math.min(constant('over_clip'), excess));
    count(claim.owner, 'claims', honest, weight, Math.min(...verdicts.map((v) => v.market_s)), { z });
  }
  const near = constant('verdict_tolerance');
  const isSettled = isRejected || verdicts.length - refusals >= 3 || apart <= near;
  if (verdicts.length < 2 || isEven || !isSettled) return;
  for (const v of verdicts) {
    const agrees = v.finding === 'refused' ? isRejected : !isRejected && Math.abs(v.gain! - gain) <= near;
    count(v.owner, 'checks', agrees, 1, v.market_s, { claimant: claim.owner });
  }
}

async function countPromotions(
  audit: Audit,
  constant: Constants,
  now_s: number,
  count: Count,
): Promise<void> {
  const promotions = rowsOf<{ owner: string; market_s: number; next: string | null }>(
    audit.client,
    `select a.owner, extract(epoch from p.market_at)::float8 as market_s, n.kind as next
     from board.promotion p join board.agent a on a.id = p.agent_id
     left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1 where p.kind not in ('found', 'override') and coalesce(n.kind, '') <> 'override'`,
  );
  for await (const { owner, market_s, next } of promotions)
    if (next !== null || market_s < now_s - constant('publisher_survival_days') * DAY_S)
      count(owner, 'promotions', next !== 'rollback', 1, market_s);
}

/** Trust before the owner's claims are looked at together. */
function scoreOf(alpha: number, beta: number, constant: Constants): number {
  const n = alpha + beta;
  return Math.max(0, alpha / n - constant('bound_z') * Math.sqrt((alpha * beta) / (n ** 2 * (n + 1))));
}

/** What the claims of all others of this kind lie above their verdicts, by how far each is believed. */
function commonTo(row: OwnerRow, tallies: ReadonlyMap<string, Tally>, constant: Constants): number {
  let [pull, score] = [0, 0];
  for (const [key, { honest, lies, over }] of tallies) {
    if (!key.startsWith(`${row.kind} of `) || key === `${row.kind} of ${row.owner}` || over.weight === 0)
      continue;
    const believed = scoreOf(
      constant('prior_alpha') + honest[0],
      constant('prior_beta') + constant('lie_weight') * lies[0],
      constant,
    );
    pull += (believed * over.pull) / over.weight;
    score += believed;
  }
  const most = constant('over_common');
  return score > NEAR ? Math.max(-most, Math.min(most, pull / score)) : 0;
}

/** `aged`: what sums at the first instant have left at the second. */
function fault(
  row: OwnerRow,
  known: Tally,
  common: number,
  aged: number,
  constant: Constants,
): string | null {
  if (Number(row.events) !== known.events || Number(row.dishonest) !== known.dishonest)
    return `the views count ${row.events} events, ${row.dishonest} dishonest; the history has ${known.events} and ${known.dishonest}`;
  const weighed: readonly [string, number, number, [number, number]][] = [
    ['alpha', row.alpha, 1, known.honest],
    ['beta', row.beta, constant('lie_weight'), known.lies],
  ];
  for (const [name, value, factor, [early, late]] of weighed) {
    const prior = constant(`prior_${name}`);
    const [most, least] = [prior + factor * early, prior + factor * late];
    if (value > most * (1 + NEAR) || value < least * (1 - NEAR))
      return `the views say ${name} ${value}, and the history makes ${most}`;
  }
  const { weight, pull, mass } = known.over;
  const over = weight === 0 ? null : (pull / weight - common) * (weight / Math.sqrt(mass));
  if ((over === null) !== (row.over === null) || Math.abs((over ?? 0) - (row.over ?? 0)) > NEAR_OVER)
    return `the views say its claims together are over by ${row.over}, and the history makes ${over}`;
  const logs = [1, aged].map((share) => Math.log(evidenceAgainst(row.kind, known, common, constant, share)));
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  const stated = Math.log(row.evidence);
  const slack = NEAR_OVER * Math.max(1, Math.abs(most));
  if (!(stated >= least - slack && stated <= most + slack))
    return `the views say evidence ${row.evidence} against it, and the history makes ${Math.exp(most)}`;
  const score = scoreOf(row.alpha, row.beta, constant) / Math.max(1, row.evidence);
  return Math.abs(score - row.trust) > NEAR
    ? `the views say trust ${row.trust}, and the history makes ${score}`
    : null;
}

function evidenceAgainst(
  kind: OwnerRow['kind'],
  { over, pairs }: Tally,
  common: number,
  constant: Constants,
  share: number,
): number {
  if (kind === 'claims' && over.weight > 0)
    return overEvidence(
      { weight: over.weight * share, pull: over.pull * share, mass: over.mass * share ** 2 },
      constant('over_slack') + common,
    );
  const about = [...pairs.values()].map((pair) => ({
    agreed: pair.agreed * share,
    disputed: pair.disputed * share,
  }));
  return kind === 'checks' ? checkEvidence(about, constant('check_error')) : 1;
}

const values = (of: readonly Verdict[], field: 'gain' | 'se'): number[] =>
  of.map((v) => v[field]).filter((v): v is number => v !== null);

function median(of: readonly number[]): number {
  const sorted = [...of].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(half)] ?? Number.NaN, sorted[Math.ceil(half)] ?? Number.NaN];
  return low + (high - low) / 2;
}
