// `swarm status` as data: one contract for scripts, read from the fleet views alone. Fields are only ever added.
import { sql } from 'kysely';
import type { Db } from '../../blackboard/db.js';
import { KIND_OF } from '../trust/explained.js';

export interface Status {
  readonly healthy: boolean;
  /** Age of the newest change that a replica has; null on the blackboard itself. */
  readonly replica_age_s: number | null;
  readonly warnings: readonly string[];
  readonly market: {
    readonly source: string;
    readonly dataset_digest: string;
    readonly market_now: string;
    readonly speed: number;
    readonly seed: string;
    readonly profile: string;
    readonly data_to: string | null;
  };
  readonly agents: readonly {
    readonly id: string;
    readonly name: string;
    readonly role: string;
    readonly owner: string;
    readonly trust: number | null;
    readonly heartbeat_age_s: number | null;
    readonly lease: string | null;
    readonly state: string | null;
  }[];
  readonly owners: readonly {
    readonly owner: string;
    readonly kind: string;
    readonly trust: number;
    readonly claims: number;
    readonly verified: number;
    readonly over_claims: number;
  }[];
  readonly counts: {
    readonly experiments: number;
    readonly attempts_failed: number;
    readonly claims: number;
    readonly verdicts: number;
    readonly promotions: number;
    readonly rollbacks: number;
    readonly prompts_answered: number;
    readonly prompts_scored: number;
    readonly invalid_answers: number;
  };
  readonly outbox: { readonly undelivered: number; readonly oldest_s: number };
  readonly slots: readonly SlotStatus[];
  /** Share of the field's reward over all competitions, as the subnet pays; null before the first payment. */
  readonly emission_share: number | null;
  readonly rivals: readonly { readonly miner: string; readonly share: number }[];
  readonly promotions: readonly {
    readonly slot: string;
    readonly reign: number;
    readonly kind: string;
    readonly artifact: string;
    readonly family: string;
    readonly e_value: number | null;
    readonly windows: number | null;
    readonly market_at: string;
  }[];
}

export interface SlotStatus {
  readonly slot: string;
  readonly champion: {
    readonly artifact: string;
    readonly family: string;
    readonly since: string;
    readonly reign: number;
  };
  readonly challengers: readonly {
    readonly artifact: string;
    readonly k: number;
    readonly kind: string;
    readonly reign: number;
    readonly windows: number;
    readonly e_value: number;
    readonly threshold: number;
    readonly stage: string;
  }[];
  /** Over answers of promoted champions (of the reference while there is none). diff = reference - ours: positive is better. */
  readonly served: {
    /** False: what is counted here are the reference's answers. */
    readonly promoted: boolean;
    readonly n: number;
    readonly mean_crps: number | null;
    readonly reference_mean_crps: number | null;
    readonly diff: number | null;
    readonly diff_se: number | null;
  };
  readonly emission_share: number | null;
  /** In a simulated market: the best possible score on the same prompts, and ours beside it. */
  readonly optimum: { readonly best_crps: number; readonly mean_crps: number } | null;
}

const STALE_S = 15;
/** In a swarm that lives hearts beat every few seconds: a replica without changes for longer is behind, or alone. */
const REPLICA_S = 30;
const OUTBOX_S = 30;

export async function readStatus(db: Db): Promise<Status | null> {
  const clock = await db.selectFrom('fleet.clock').selectAll().executeTakeFirst();
  if (clock === undefined) return null;
  // One after the other: in a transaction there is one connection.
  // Trust comes with the owners, and is not worked out twice.
  const agents = await db
    .selectFrom('fleet.agents')
    .select(['id', 'name', 'role', 'owner', 'heartbeat_age_s', 'lease', 'state'])
    .execute();
  const owners = await db.selectFrom('fleet.owners').selectAll().execute();
  const counts = await db.selectFrom('fleet.counts').selectAll().executeTakeFirstOrThrow();
  const outbox = await db.selectFrom('fleet.outbox').selectAll().executeTakeFirstOrThrow();
  const slots = await db.selectFrom('fleet.slots').selectAll().execute();
  const challengers = await db.selectFrom('fleet.challengers').selectAll().execute();
  const promotions = await db
    .selectFrom('fleet.promotions')
    .selectAll()
    .where('kind', '<>', 'found')
    .limit(5)
    .execute();
  const emission = await db
    .selectFrom('fleet.emission')
    .selectAll()
    .where('competition', '=', 'all')
    .orderBy('share', 'desc')
    .execute();
  const alerts = await recentErrors(db);
  const replica_age_s = await replicaAge(db);
  const warnings = [
    ...(replica_age_s !== null && replica_age_s > REPLICA_S
      ? [
          `read from a replica whose newest change is ${Math.round(replica_age_s)} s old: it is behind, or the blackboard is away`,
        ]
      : []),
    ...agents
      .filter((a) => a.heartbeat_age_s === null || a.heartbeat_age_s > STALE_S)
      .map(
        (a) =>
          `${a.name} has not been heard of for ${a.heartbeat_age_s === null ? 'ever' : `${Math.round(a.heartbeat_age_s)} s`}`,
      ),
    ...(outbox.oldest_s! > OUTBOX_S
      ? [
          `${outbox.undelivered} events wait, the oldest for ${Math.round(outbox.oldest_s!)} s: agents work on their sweep alone`,
        ]
      : []),
    ...(clock.speed === 0 ? ['the market clock is held'] : []),
    ...(clock.data_to !== null && clock.market_now! >= clock.data_to
      ? [`the replay has reached the end of its bars, ${clock.data_to.toISOString()}`]
      : []),
    ...alerts,
  ];
  return {
    healthy: warnings.length === 0,
    warnings,
    replica_age_s,
    market: {
      source: clock.source!,
      dataset_digest: clock.dataset_digest!,
      market_now: clock.market_now!.toISOString(),
      speed: clock.speed!,
      seed: clock.seed!,
      profile: clock.profile!,
      data_to: clock.data_to?.toISOString() ?? null,
    },
    agents: agents.map((a) => ({
      id: a.id!,
      name: a.name!,
      role: a.role!,
      owner: a.owner!,
      trust: owners.find((o) => o.owner === a.owner && o.kind === KIND_OF[a.role!])?.trust ?? null,
      heartbeat_age_s: a.heartbeat_age_s,
      lease: a.lease,
      state: a.state,
    })),
    owners: owners.map((o) => ({
      owner: o.owner!,
      kind: o.kind!,
      trust: o.trust!,
      claims: o.claims!,
      verified: o.verified!,
      over_claims: o.over_claims!,
    })),
    counts: counts as Status['counts'],
    outbox: { undelivered: outbox.undelivered!, oldest_s: outbox.oldest_s! },
    slots: slots.map((s) => ({
      slot: s.slot!,
      champion: { artifact: s.champion!, family: s.family!, since: s.since!.toISOString(), reign: s.reign! },
      challengers: challengers
        .filter((c) => c.slot === s.slot)
        .map((c) => ({
          artifact: c.artifact!,
          k: c.k!,
          kind: c.kind!,
          reign: c.reign!,
          windows: c.windows!,
          e_value: c.e_value!,
          threshold: c.threshold!,
          stage: c.stage!,
        })),
      served: {
        promoted: s.promoted ?? false,
        n: s.n!,
        mean_crps: s.mean_crps,
        reference_mean_crps: s.reference_mean_crps,
        diff: s.diff,
        diff_se: s.diff_se,
      },
      emission_share: s.emission_share,
      optimum:
        s.best_crps === null || s.mean_crps_beside_best === null
          ? null
          : { best_crps: s.best_crps, mean_crps: s.mean_crps_beside_best },
    })),
    emission_share: emission.find((e) => e.miner === 'swarm')?.share ?? null,
    rivals: emission.map((e) => ({ miner: e.miner!, share: e.share! })),
    promotions: promotions.map((p) => ({
      slot: p.slot!,
      reign: p.reign!,
      kind: p.kind!,
      artifact: p.artifact!,
      family: p.family!,
      e_value: p.e_value,
      windows: p.windows,
      market_at: p.market_at!.toISOString(),
    })),
  };
}

/** A replica that has not replayed anything since it started counts from its beginning. */
async function replicaAge(db: Db): Promise<number | null> {
  const { rows } = await sql<{ age_s: number | null }>`
    select case when pg_is_in_recovery()
      then extract(epoch from clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))::float8 end as age_s`.execute(
    db,
  );
  return rows[0]!.age_s;
}

async function recentErrors(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('board.alert as l')
    .innerJoin('board.agent as a', 'a.id', 'l.agent_id')
    .select(['a.name', 'l.code', sql<string>`min(l.message)`.as('message'), sql<number>`count(*)`.as('n')])
    .where('l.severity', '=', 'error')
    .where('l.at', '>', sql<Date>`clock_timestamp() - interval '10 minutes'`)
    .groupBy(['a.name', 'l.code'])
    .execute();
  return rows.map(
    (r) => `${r.name}: ${r.code}${r.n > 1 ? ` (${r.n} times in 10 minutes)` : ''} ${r.message}`,
  );
}
