// The administrator's side of identity: the rows and the login of an agent. Everything here runs under one lock, so that two
// commands about one agent follow each other: Postgres does not make or change one role twice at once.
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { SwarmError } from '../errors.js';
import { uuid7 } from '../ids.js';
import type { Credentials, KeyedCredentials } from './credentials.js';
import { type Enrolment, signEnrolment } from './enrolment.js';
import type { OwnerKey } from './owner.js';

const LOCK = 7_735_002;

/** More than an agent's pool, its listener and a person beside it need. */
const CONNECTIONS = 12;

/** Defaults that a session may lift for itself; `endOverdue` ends what does. */
const LIMITS = [
  ['statement_timeout', '60s'],
  ['lock_timeout', '10s'],
  ['idle_in_transaction_session_timeout', '30s'],
] as const;
const OVERDUE = '5 minutes';

/** Runs a step in a transaction under the lock of identity; all of it happens, or nothing. */
export async function registered<T>(admin: pg.Client, step: () => Promise<T>): Promise<T> {
  await admin.query('begin');
  try {
    await admin.query('select pg_advisory_xact_lock($1)', [LOCK]);
    const result = await step();
    await admin.query('commit');
    return result;
  } catch (error) {
    await admin.query('rollback');
    throw error;
  }
}

/** What the blackboard knows of an agent, by name or id. */
export interface KnownAgent {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly role: string;
  readonly login: string;
  readonly revoked: boolean;
  /** Serial and public key of its newest keys; null when no owner signed for it yet. */
  readonly serial: number | null;
  readonly public_key: string | null;
}

export async function findAgent(admin: pg.Client, by: string): Promise<KnownAgent | null> {
  const { rows } = await admin.query<KnownAgent>(
    `select a.id, a.name, a.owner, a.role, a.login, k.serial, k.public_key,
       exists (select from board.revocation r where r.agent_id = a.id) as revoked
     from board.agent a left join lateral
       (select serial, public_key from board.enrolment e where e.agent_id = a.id order by serial desc limit 1) k on true
     where a.name = $1 or a.id::text = $1`,
    [by],
  );
  return rows[0] ?? null;
}

/** Pins an owner's key at its first use; SWARM_E_OWNER_KEY for any other later. */
export async function pinOwner(admin: pg.Client, key: OwnerKey): Promise<void> {
  await admin.query(
    'insert into board.owner (id, name, public_key) values ($1, $2, $3) on conflict (name) do nothing',
    [uuid7(), key.owner, key.publicKey],
  );
  const { rows } = await admin.query<{ public_key: string }>(
    'select public_key from board.owner where name = $1',
    [key.owner],
  );
  if (rows[0]?.public_key !== key.publicKey)
    throw new SwarmError(
      'SWARM_E_OWNER_KEY',
      `owner ${key.owner} signed its first enrolment with another key`,
      'Use the key of that enrolment (--owner-key), or choose another name for the owner.',
    );
}

/** Signs and writes the keys of an agent under a serial. */
export async function writeEnrolment(
  admin: pg.Client,
  owner: OwnerKey,
  who: KeyedCredentials,
  serial: number,
): Promise<void> {
  const signed: Enrolment = {
    agent_id: who.id,
    name: who.name,
    owner: owner.owner,
    role: who.role,
    login: who.login,
    serial,
    public_key: who.publicKey,
    nats_key: who.natsKey,
    issued_at: new Date(),
  };
  await admin.query(
    `insert into board.enrolment (id, agent_id, serial, owner, public_key, nats_key, issued_at, signature)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      uuid7(),
      signed.agent_id,
      serial,
      signed.owner,
      signed.public_key,
      signed.nats_key,
      signed.issued_at,
      signEnrolment(owner, signed),
    ],
  );
}

/** Makes or renews the login. Only a superuser may name superuser rights, even to deny them; a new role has none. */
export async function writeLogin(admin: pg.Client, who: Credentials): Promise<void> {
  const login = pg.escapeIdentifier(who.login);
  const known = await admin.query('select 1 from pg_roles where rolname = $1', [who.login]);
  const verb = known.rowCount ? 'alter' : 'create';
  await admin.query(
    `${verb} role ${login} login connection limit ${CONNECTIONS} password ${pg.escapeLiteral(who.password)}`,
  );
  await admin.query(`grant swarm_${who.role} to ${login}`);
  for (const [name, value] of LIMITS) await admin.query(`alter role ${login} set ${name} = '${value}'`);
  await admin.query('select board.open_refusals($1)', [who.login]);
}

/** Ends every session of a login and resolves when there is none left. No new ones must be possible by then. */
export async function endSessions(admin: pg.Client, login: string): Promise<void> {
  const role = pg.escapeIdentifier(login);
  const { rows } = await admin.query<{ may: boolean }>(
    `select rolsuper or pg_has_role('pg_signal_backend', 'usage') as may from pg_roles where rolname = current_user`,
  );
  const lend = rows[0]?.may !== true;
  // Who made a role may join it, and may then end its sessions.
  if (lend) await admin.query(`grant ${role} to current_user with inherit true`);
  try {
    for (;;) {
      const left = await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1',
        [login],
      );
      if (left.rowCount === 0) return;
      await delay(20);
    }
  } finally {
    if (lend) await admin.query(`revoke ${role} from current_user`);
  }
}

/** Ends agents' transactions that lifted their own time limits; returns how many sessions that were. */
export async function endOverdue(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ ended: number }>('select board.end_overdue($1::interval) as ended', [
    OVERDUE,
  ]);
  return rows[0]?.ended ?? 0;
}

/** The agent, or SWARM_E_USAGE. */
export async function knownAgent(admin: pg.Client, by: string): Promise<KnownAgent> {
  const agent = await findAgent(admin, by);
  if (agent === null)
    throw new SwarmError(
      'SWARM_E_USAGE',
      `the blackboard knows no agent "${by}"`,
      '`swarm agent list` names them.',
    );
  return agent;
}

export function revokedError(name: string): SwarmError {
  return new SwarmError(
    'SWARM_E_AGENT_REVOKED',
    `agent ${name} was revoked`,
    'A revocation is for good: remove its file, and enrol an agent under another name.',
  );
}
