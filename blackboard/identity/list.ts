// Every agent that was ever enrolled, with what has become of it.
import type pg from 'pg';
import type { NatsAgent } from '../events/access.js';

export interface AgentState {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly owner: string;
  /** `closed`: a revocation that was cut short; `unsigned`: from before owners signed. Both want their command again. */
  readonly state: 'enrolled' | 'revoked' | 'closed' | 'unsigned';
  /** How many keys it has had; null: none that its owner signed for. */
  readonly serial: number | null;
  readonly enrolled_at: Date;
  /** Since when its newest key counts. */
  readonly key_since: Date | null;
  readonly revoked_at: Date | null;
  readonly reason: string | null;
  readonly seen_at: Date | null;
}

export async function listAgents(admin: pg.Client): Promise<AgentState[]> {
  const { rows } = await admin.query<AgentState>(
    `select a.id, a.name, a.role, a.owner,
       case when r.id is not null then 'revoked' when k.serial is null then 'unsigned'
         when not l.rolcanlogin then 'closed' else 'enrolled' end as state,
       k.serial, a.at as enrolled_at, k.valid_from as key_since, r.at as revoked_at, r.reason, p.beat_at as seen_at
     from board.agent a
     left join board.revocation r on r.agent_id = a.id
     left join board.presence p on p.agent_id = a.id
     left join pg_roles l on l.rolname = a.login
     left join lateral (select serial, valid_from from board.agent_key k where k.agent_id = a.id order by serial desc limit 1) k on true
     order by a.owner, a.name`,
  );
  return rows;
}

/** Agents that NATS lets in: enrolled, by their newest keys; and which blackboard they are of. */
export async function listNatsAgents(admin: pg.Client): Promise<{ agents: NatsAgent[]; database: string }> {
  const born = await admin.query<{ database: string }>(
    `select current_database() || ' of ' || extract(epoch from min(at)) as database from migration.applied`,
  );
  const { rows } = await admin.query<NatsAgent>(
    `select a.name, a.role, k.nats_key from board.agent_key k join board.agent a on a.id = k.agent_id
     where k.valid_to is null order by a.name`,
  );
  return { agents: rows, database: born.rows[0]!.database };
}
