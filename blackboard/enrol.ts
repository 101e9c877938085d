// Enrolment: one Postgres login and one signing key per agent, handed over as a file that only its owner can read.
// Needs an administrator's connection; an agent process never has one.
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { stateOf } from './db.js';
import { SwarmError } from './errors.js';
import { uuid7 } from './ids.js';
import { newKeyPair } from './keys.js';

export type AgentRole =
  | 'explorer'
  | 'optimizer'
  | 'checker'
  | 'publisher'
  | 'miner'
  | 'validator'
  | 'feed'
  | 'relay';

/** Two enrolments of one agent follow each other: Postgres does not make one role twice at once. */
const LOCK = 7_735_002;
/** As the table has it. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

const credentialsSchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  owner: z.string(),
  role: z.enum(['explorer', 'optimizer', 'checker', 'publisher', 'miner', 'validator', 'feed', 'relay']),
  login: z.string(),
  password: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
});

/** What one agent process needs to be itself, and nothing more. */
export type Credentials = z.infer<typeof credentialsSchema>;

export function readCredentials(path: string): Credentials {
  try {
    return credentialsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_DB_AUTH',
      `the agent file ${path} cannot be used: ${error instanceof Error ? error.message : error}`,
      'Enrol the agent again, or name the right file.',
      { cause: error },
    );
  }
}

/** The agent's own connection string: the blackboard's address with the agent's login. */
export function agentUrl(blackboardUrl: string, who: Credentials): string {
  const url = new URL(blackboardUrl);
  url.username = who.login;
  url.password = who.password;
  return url.toString();
}

/**
 * Enrols an agent, or returns its file when it is enrolled already. The file is written before the database row is
 * committed: a row without a file cannot happen, and a file without a row is completed by the next call.
 */
export async function enrol(
  admin: pg.Client,
  directory: string,
  who: { name: string; owner: string; role: AgentRole },
): Promise<{ path: string; credentials: Credentials }> {
  for (const name of [who.name, who.owner])
    if (!NAME.test(name))
      throw new SwarmError(
        'SWARM_E_USAGE',
        `"${name}" cannot name an agent or an owner`,
        'Use up to 63 lower-case letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
      );
  const path = join(directory, `${who.name}.json`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fresh = !existsSync(path) && writeCredentials(path, who);
  const credentials = readCredentials(path);
  if (credentials.owner !== who.owner || credentials.role !== who.role)
    throw new SwarmError(
      'SWARM_E_RECORD_REFUSED',
      `${who.name} is enrolled as ${credentials.owner}'s ${credentials.role}, not as ${who.owner}'s ${who.role}`,
      'Choose another name for the new agent.',
    );
  await admin.query('begin');
  try {
    await admin.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await writeAgent(admin, credentials);
    await admin.query('commit');
  } catch (error) {
    await admin.query('rollback');
    if (stateOf(error) !== '23505') throw error;
    if (fresh) rmSync(path);
    throw new SwarmError(
      'SWARM_E_RECORD_REFUSED',
      `the blackboard knows ${who.name} already, by other credentials than ${path}`,
      'Use the file from its first enrolment, or choose another name.',
      { cause: error },
    );
  }
  return { path, credentials };
}

/** Writes a new agent's file, whole or not at all; false when another enrolment was faster. */
function writeCredentials(path: string, who: { name: string; owner: string; role: AgentRole }): boolean {
  const id = uuid7();
  const fresh: Credentials = {
    id,
    name: who.name,
    owner: who.owner,
    role: who.role,
    login: `swarm_agent_${id.replaceAll('-', '')}`,
    password: randomBytes(24).toString('base64url'),
    ...newKeyPair(),
  };
  const draft = `${path}.${id}.part`;
  writeFileSync(draft, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (stateOf(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

/** The login and the row. Only a superuser may name superuser rights, even to deny them; a new role has none. */
async function writeAgent(admin: pg.Client, who: Credentials): Promise<void> {
  const login = pg.escapeIdentifier(who.login);
  const known = await admin.query('select 1 from pg_roles where rolname = $1', [who.login]);
  const verb = known.rowCount ? 'alter' : 'create';
  await admin.query(`${verb} role ${login} login password ${pg.escapeLiteral(who.password)}`);
  await admin.query(`grant swarm_${who.role} to ${login}`);
  await admin.query(`alter role ${login} set statement_timeout = '60s'`);
  await admin.query(`alter role ${login} set lock_timeout = '10s'`);
  await admin.query(`alter role ${login} set idle_in_transaction_session_timeout = '30s'`);
  await admin.query(
    `insert into board.agent (id, owner, role, name, login, public_key, market_at) values ($1, $2, $3, $4, $5, $6, coalesce(market.now(), clock_timestamp()))
     on conflict (id) do nothing`,
    [who.id, who.owner, who.role, who.name, who.login, who.publicKey],
  );
}
