// Rotation: the same agent with a new password, a new signing key and a new NATS key. The old ones end before the new ones begin:
// the password is changed, every session is ended, and only then does the row say since when the new key counts.
// Promises: the new secrets are on disk before the database knows of them, beside the old file (`.next`), and take its place at the
// end; a rotation that was cut short is completed by the next one, with the same secrets.
import { existsSync, renameSync } from 'node:fs';
import type pg from 'pg';
import { stateOf } from '../db.js';
import { SwarmError } from '../errors.js';
import { type Credentials, type KeyedCredentials, newSecrets, readCredentials } from './credentials.js';
import type { OwnerKey } from './owner.js';
import { writePrivateOnce } from './private-file.js';
import {
  endSessions,
  knownAgent,
  pinOwner,
  registered,
  revokedError,
  writeEnrolment,
  writeLogin,
} from './register.js';

export async function rotate(admin: pg.Client, path: string, owner: OwnerKey): Promise<Credentials> {
  const old = readCredentials(path);
  if (old.owner !== owner.owner)
    throw new SwarmError(
      'SWARM_E_OWNER_KEY',
      `${path} is of an agent of ${old.owner}, and the key is ${owner.owner}'s`,
      'Name the key of its owner by --owner-key.',
    );
  const draft = `${path}.next`;
  if (!existsSync(draft)) writePrivateOnce(draft, { ...old, ...newSecrets() });
  const next = readCredentials(draft) as KeyedCredentials;
  const isDone = await registered(admin, async () => {
    await pinOwner(admin, owner);
    const known = await knownAgent(admin, old.id);
    if (known.revoked) throw revokedError(known.name);
    if (known.public_key === next.publicKey) return true;
    if (known.serial === null)
      throw new SwarmError(
        'SWARM_E_RECORD_REFUSED',
        `no owner has signed for ${known.name} yet`,
        'Enrol it first, with the same file.',
      );
    await writeLogin(admin, next);
    return false;
  });
  if (!isDone) {
    await endSessions(admin, old.login);
    await registered(admin, async () => {
      const known = await knownAgent(admin, old.id);
      if (known.revoked) throw revokedError(known.name);
      if (known.public_key !== next.publicKey)
        await writeEnrolment(admin, owner, next, (known.serial ?? 0) + 1);
    });
  }
  try {
    renameSync(draft, path);
  } catch (error) {
    // Another rotation at the same time has put the same file there.
    if (stateOf(error) !== 'ENOENT') throw error;
  }
  return next;
}
