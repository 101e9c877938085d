// Trust as data: the table of owners, and one owner's number down to its events. Fields are only ever added.
// Promises: alpha and beta of the events and the prior sum to the number's; nothing is worked out here that the views do not say.
import { sql, type Transaction } from 'kysely';
import { SwarmError } from '../../blackboard/errors.js';
import type { DB } from '../../blackboard/schema.generated.js';
import { readConstants } from '../../trust/constants.js';

type Trx = Transaction<DB>;
export type Kind = 'claims' | 'checks' | 'promotions';

export interface Standing {
  readonly owner: string;
  readonly kind: Kind;
  readonly trust: number;
  readonly alpha: number;
  readonly beta: number;
  readonly events: number;
  readonly dishonest: number;
  /** What was left of a claimed gain when it was checked; null before the first check. */
  readonly shrink: number | null;
  /** How far all claims together lie above their verdicts, in standard errors, less what the market did to everybody. */
  readonly over: number | null;
  /** The lower bound of alpha and beta alone: trust is less where all events together tell against the owner. */
  readonly bound: number;
  /** Trust is the mean of Beta(alpha, beta) less so many standard deviations. */
  readonly bound_z: number;
  readonly audit_probability: number;
}

export interface Event {
  readonly ref: string;
  readonly claim: string | null;
  readonly slot: string;
  readonly honest: boolean;
  readonly market_at: string;
  /** Informativeness, 0 to 1; 0 for a copy. */
  readonly weight: number;
  readonly decay: number;
  readonly alpha: number;
  readonly beta: number;
  /** How far a claim lies above its verdict, in standard errors, within the bounds of the test of all of them. */
  readonly z: number | null;
  readonly claimed_gain: number | null;
  readonly verified_gain: number | null;
  readonly verdicts: readonly string[];
  readonly copy_of: string | null;
}

export interface Explained extends Standing {
  readonly prior: { readonly alpha: number; readonly beta: number };
  /** Excess of all claims over their verdicts, how many equal claims their weights amount to, and what of it everybody had. */
  readonly summed: { readonly excess: number; readonly claims: number; readonly market: number } | null;
  /** Newest first. */
  readonly by: readonly Event[];
}

/** What a role is judged by, as in trust.kind_of; others are not judged. */
export const KIND_OF: Readonly<Record<string, Kind>> = {
  explorer: 'claims',
  optimizer: 'claims',
  checker: 'checks',
  publisher: 'promotions',
};

export async function readStandings(trx: Trx, kind?: Kind): Promise<Standing[]> {
  const constant = await readConstants(trx);
  const rows = await trx
    .selectFrom('trust.owner')
    .select([
      'owner',
      'kind',
      'trust',
      'alpha',
      'beta',
      'events',
      'dishonest',
      'shrink',
      'over',
      'audit_probability',
    ])
    .select(sql<number>`trust.score(alpha, beta, ${constant('bound_z')})`.as('bound'))
    .$if(kind !== undefined, (q) => q.where('kind', '=', kind!))
    .orderBy('owner')
    .orderBy('kind')
    .execute();
  return rows.map((r) => ({
    owner: r.owner!,
    kind: r.kind as Kind,
    trust: r.trust!,
    alpha: r.alpha!,
    beta: r.beta!,
    events: r.events!,
    dishonest: r.dishonest!,
    shrink: r.shrink,
    over: r.over,
    bound: r.bound,
    bound_z: constant('bound_z'),
    audit_probability: r.audit_probability!,
  }));
}

const KNOWN = 20;

/** Everything one owner is judged by; refuses a name that nobody has, and tells those that somebody has. */
export async function explainOwner(trx: Trx, owner: string, kind?: Kind): Promise<Explained[]> {
  const all = await readStandings(trx, kind);
  const mine = all.filter((s) => s.owner === owner);
  if (mine.length === 0) {
    const known = [...new Set(all.map((s) => s.owner))];
    const shown = known.slice(0, KNOWN).join(', ');
    const more = known.length > KNOWN ? ` and ${known.length - KNOWN} more` : '';
    throw new SwarmError(
      'SWARM_E_USAGE',
      `there is no owner "${owner}"${kind === undefined ? '' : ` that is judged by ${kind}`}`,
      known.length === 0 ? 'Nobody is enrolled yet.' : `There are ${shown}${more}.`,
    );
  }
  const explained: Explained[] = [];
  for (const standing of mine) explained.push(await explain(trx, standing));
  return explained;
}

async function explain(trx: Trx, standing: Standing): Promise<Explained> {
  const rows = await trx
    .selectFrom('trust.explanation')
    .selectAll()
    .where('owner', '=', standing.owner)
    .where('kind', '=', standing.kind)
    .orderBy('market_at', 'desc')
    .orderBy('ref')
    .execute();
  const prior = rows.find((r) => r.prior)!;
  const by = rows
    .filter((r) => !r.prior)
    .map((r) => ({
      ref: r.ref!,
      claim: r.claim_id,
      slot: r.slot!,
      honest: r.honest!,
      market_at: r.market_at!.toISOString(),
      weight: r.weight!,
      decay: r.decay!,
      alpha: r.alpha!,
      beta: r.beta!,
      z: r.z,
      claimed_gain: r.claimed_gain,
      verified_gain: r.verified_gain,
      verdicts: r.verdicts!,
      copy_of: r.copy_of,
    }));
  return {
    ...standing,
    prior: { alpha: prior.alpha!, beta: prior.beta! },
    summed: summed(by, standing.over),
    by,
  };
}

/** The test of all claims together, from the same rows; null where no claim was scored. */
function summed(by: readonly Event[], over: number | null): Explained['summed'] {
  const scored = by.flatMap(({ z, weight, decay }) => (z === null ? [] : [{ z, w: weight * decay }]));
  const total = scored.reduce((sum, e) => sum + e.w, 0);
  if (over === null || total === 0) return null;
  const excess = scored.reduce((sum, e) => sum + e.w * e.z, 0) / total;
  const size = total / Math.sqrt(scored.reduce((sum, e) => sum + e.w ** 2, 0));
  return { excess, claims: size ** 2, market: excess - over / size };
}
