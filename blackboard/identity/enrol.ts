// Enrolment: one Postgres login, one signing key and one NATS key per agent, signed for by its owner and handed over as a file
// that only its reader can open. Needs an administrator's connection; an agent process never has one.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { stateOf } from '../db.js';
import { SwarmError } from '../errors.js';
import { uuid7 } from '../ids.js';
import {
  type AgentName,
  assertName,
  type Credentials,
  type KeyedCredentials,
  newNatsKey,
  newSecrets,
  readCredentials,
} from './credentials.js';
import { type OwnerKey, openOwnerKey, readOwnerKey } from './owner.js';
import { replacePrivate, writePrivateOnce } from './private-file.js';
import { findAgent, pinOwner, registered, revokedError, writeEnrolment, writeLogin } from './register.js';

export interface Enrolled {
  readonly path: string;
  readonly credentials: Credentials;
}

/** Enrols an agent of a local swarm: its file by its name, its owner's key made at first use. */
export async function enrolIn(
  admin: pg.Client,
  home: { readonly agents: string; readonly owners: string },
  who: AgentName,
): Promise<Enrolled> {
  assertName(who.name);
  return enrol(
    admin,
    join(home.agents, `${who.name}.json`),
    who,
    await ownerKeyIn(admin, home.owners, who.owner),
  );
}

/** The owner's key in a directory; made there for an owner whom the blackboard does not know yet, and for nobody else. */
export async function ownerKeyIn(admin: pg.Client, directory: string, owner: string): Promise<OwnerKey> {
  assertName(owner);
  const path = join(directory, `${owner}.json`);
  const known = await admin.query('select 1 from board.owner where name = $1', [owner]);
  return known.rowCount && !existsSync(path) ? readOwnerKey(path, owner) : openOwnerKey(directory, owner);
}

/**
 * Enrols an agent, or returns its file when it is enrolled already. The file is written before the database row is
 * committed: a row without a file cannot happen, and a file without a row is completed by the next call.
 */
export async function enrol(
  admin: pg.Client,
  path: string,
  who: AgentName,
  owner: OwnerKey,
): Promise<Enrolled> {
  for (const name of [who.name, who.owner]) assertName(name);
  const id = uuid7();
  const fresh =
    !existsSync(path) &&
    writePrivateOnce(path, {
      id,
      name: who.name,
      owner: who.owner,
      role: who.role,
      login: `swarm_agent_${id.replaceAll('-', '')}`,
      ...newSecrets(),
    });
  const credentials = withNatsKey(path, readCredentials(path));
  if (credentials.name !== who.name || credentials.owner !== who.owner || credentials.role !== who.role)
    throw new SwarmError(
      'SWARM_E_RECORD_REFUSED',
      `${path} is of ${credentials.owner}'s ${credentials.role} ${credentials.name}, not of ${who.owner}'s ${who.role} ${who.name}`,
      'Choose another name or another file for the new agent.',
    );
  try {
    await registered(admin, () => writeAgent(admin, path, credentials, owner));
  } catch (error) {
    const isTaken = stateOf(error) === '23505';
    // Only after a refusal: of a connection lost while it committed nobody knows how it ended.
    if (fresh && (isTaken || error instanceof SwarmError)) rmSync(path);
    throw isTaken ? otherFile(who.name, path, error) : error;
  }
  return { path, credentials };
}

/** A file from before agents had a key for NATS gets one. */
function withNatsKey(path: string, who: Credentials): KeyedCredentials {
  const { natsSeed, natsKey } = who;
  if (natsSeed !== undefined && natsKey !== undefined) return { ...who, natsSeed, natsKey };
  const completed = { ...who, ...newNatsKey() };
  replacePrivate(path, completed);
  return completed;
}

async function writeAgent(
  admin: pg.Client,
  path: string,
  who: KeyedCredentials,
  owner: OwnerKey,
): Promise<void> {
  await pinOwner(admin, owner);
  const known = await findAgent(admin, who.name);
  if (known?.revoked) throw revokedError(who.name);
  // An old file must not bring back the keys that a rotation ended.
  if (known !== null && (known.id !== who.id || (known.public_key ?? who.publicKey) !== who.publicKey))
    throw otherFile(who.name, path);
  await writeLogin(admin, who);
  await admin.query(
    `insert into board.agent (id, owner, role, name, login, public_key, market_at) values ($1, $2, $3, $4, $5, $6, coalesce(market.now(), clock_timestamp()))
     on conflict (id) do nothing`,
    [who.id, who.owner, who.role, who.name, who.login, who.publicKey],
  );
  if (known?.serial == null) await writeEnrolment(admin, owner, who, 1);
}

function otherFile(name: string, path: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_RECORD_REFUSED',
    `the blackboard knows ${name} already, by other credentials than ${path}`,
    'Use the file from its enrolment or its last rotation, or choose another name.',
    { cause },
  );
}
