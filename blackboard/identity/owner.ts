// An owner's own key: it signs for the owner's agents, and nothing else. Kept by the owner, never by an agent.
// Promises: made once per place; a file of one owner is not taken for another's.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../errors.js';
import { newKeyPair } from '../keys.js';
import { assertName } from './credentials.js';
import { readPrivate, writePrivateOnce } from './private-file.js';

const ownerKeySchema = z.strictObject({ owner: z.string(), privateKey: z.string(), publicKey: z.string() });

export type OwnerKey = z.infer<typeof ownerKeySchema>;

/** The key in a file, which must be this owner's. SWARM_E_OWNER_KEY, SWARM_E_FILE_MODE. */
export function readOwnerKey(path: string, owner: string): OwnerKey {
  const key = readPrivate(path, ownerKeySchema, (why) =>
    refused(`the owner key ${path} cannot be used: ${why}`),
  );
  if (key.owner !== owner) throw refused(`${path} holds the key of ${key.owner}, not of ${owner}`);
  return key;
}

/** The owner's key in a directory, made at its first use there. */
export function openOwnerKey(directory: string, owner: string): OwnerKey {
  assertName(owner);
  const path = join(directory, `${owner}.json`);
  if (!existsSync(path)) writePrivateOnce(path, { owner, ...newKeyPair() });
  return readOwnerKey(path, owner);
}

function refused(message: string): SwarmError {
  return new SwarmError(
    'SWARM_E_OWNER_KEY',
    message,
    "Name the file with the owner's key by --owner-key. An owner whose key is lost cannot enrol or rotate; start a new owner.",
  );
}
