// The artifact store of a local swarm: what agents are told of it, and a first look at it before they start.
// Promises: a secret reaches an agent as a file of mode 0600 in the home, never in its environment; roles that neither
// store nor read artifacts learn nothing. Leaves to blackboard/artifacts/open.ts: which store it is.
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openArtifactStore } from '../../blackboard/artifacts/open.js';
import { whereIs } from '../../blackboard/artifacts/s3-errors.js';
import {
  type Environment,
  S3_SECRETS,
  s3Environment,
  s3Settings,
} from '../../blackboard/artifacts/s3-settings.js';
import { sha256 } from '../../blackboard/artifacts.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';

const LOOK_MS = 5000;
const users: readonly AgentRole[] = ['explorer', 'optimizer', 'checker', 'publisher', 'miner'];

export const usesArtifacts = (role: AgentRole): boolean => users.includes(role);

/** SWARM_S3_* of this process as its agents are given it; empty where the directory is the store. SWARM_E_USAGE. */
export function storeEnvironment(env: Environment, directory: string): Record<string, string> {
  const settings = s3Settings(env);
  const given = s3Environment(env);
  // Of a service with a certificate of its own.
  const authorities = env['NODE_EXTRA_CA_CERTS'];
  if (settings !== null && authorities !== undefined) given['NODE_EXTRA_CA_CERTS'] = resolve(authorities);
  const secrets = {
    SWARM_S3_ACCESS_KEY_ID: settings?.accessKeyId,
    SWARM_S3_SECRET_ACCESS_KEY: settings?.secretAccessKey,
  };
  for (const name of S3_SECRETS) {
    const file = join(directory, `${name.slice('SWARM_'.length).toLowerCase().replaceAll('_', '-')}`);
    const elsewhere = given[`${name}_FILE`];
    // Made anew: an older file may be open to others.
    rmSync(file, { force: true });
    if (settings !== null && elsewhere === undefined)
      writeFileSync(file, secrets[name]!, { mode: 0o600, flag: 'wx' });
    if (settings !== null) given[`${name}_FILE`] = resolve(elsewhere ?? file);
    delete given[name];
  }
  return given;
}

/**
 * Says where artifacts are. A bucket that refuses is an error now, before anything starts; one that does not answer is not:
 * agents wait for it. SWARM_E_STORE_AUTH, SWARM_E_STORE_BUCKET, SWARM_E_STORE_REFUSED.
 */
export async function lookAtStore(directory: string, env: Environment): Promise<string> {
  const settings = s3Settings(env);
  if (settings === null) return directory;
  const store = await openArtifactStore({ directory, env, warn: () => undefined });
  const where = `${whereIs(settings)}, copies under ${directory}`;
  try {
    await store.size(sha256(''), AbortSignal.timeout(LOOK_MS));
    return where;
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError') throw error;
    return `${where}. It does not answer: agents keep what they fit until it does`;
  }
}
