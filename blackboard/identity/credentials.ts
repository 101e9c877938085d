// What one agent process needs to be itself, and nothing more: its database login, its signing key, its key for NATS.
import { randomBytes } from 'node:crypto';
import { nkeys } from 'nats';
import { z } from 'zod';
import { SwarmError } from '../errors.js';
import { newKeyPair } from '../keys.js';
import { readPrivate } from './private-file.js';
import { type AgentRole, agentRoles } from './roles.js';

/** Who an agent is, apart from its keys. */
export interface AgentName {
  readonly name: string;
  readonly owner: string;
  readonly role: AgentRole;
}

const credentialsSchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  owner: z.string(),
  role: z.enum(agentRoles),
  login: z.string(),
  password: z.string(),
  privateKey: z.string(),
  publicKey: z.string(),
  // Absent in files from before agents had a key for NATS; enrolling again completes them.
  natsSeed: z.string().optional(),
  natsKey: z.string().optional(),
});

export type Credentials = z.infer<typeof credentialsSchema>;
export type KeyedCredentials = Credentials & NatsKey;

/** As the table has it. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export function assertName(name: string): void {
  if (!NAME.test(name))
    throw new SwarmError(
      'SWARM_E_USAGE',
      `"${name}" cannot name an agent or an owner`,
      'Use up to 63 lower-case letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
    );
}

export const readCredentials = (path: string): Credentials =>
  readPrivate(
    path,
    credentialsSchema,
    (why) =>
      new SwarmError(
        'SWARM_E_DB_AUTH',
        `the agent file ${path} cannot be used: ${why}`,
        'Enrol the agent again, or name the right file.',
      ),
  );

/** New secrets for an agent, the same agent or a new one. */
export const newSecrets = (): Pick<Credentials, 'password' | 'privateKey' | 'publicKey'> & NatsKey => ({
  password: randomBytes(24).toString('base64url'),
  ...newKeyPair(),
  ...newNatsKey(),
});

interface NatsKey {
  readonly natsSeed: string;
  readonly natsKey: string;
}

export function newNatsKey(): NatsKey {
  const pair = nkeys.createUser();
  return { natsSeed: Buffer.from(pair.getSeed()).toString('ascii'), natsKey: pair.getPublicKey() };
}

/** The agent's own connection string: the blackboard's address with the agent's login. */
export function agentUrl(blackboardUrl: string, who: Credentials): string {
  const url = new URL(blackboardUrl);
  url.username = who.login;
  url.password = who.password;
  return url.toString();
}
