// The artifact store of one machine: a directory, one file per artifact.
// Promises: a file appears under its name only when all of it is on disk; a file that holds other bytes than its name says
// is never read, and replaced by the next put of the right ones. Many processes may share the directory.
// Leaves to others: how large it grows.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ArtifactStore,
  assertSize,
  digestAt,
  missing,
  placeOf,
  sha256,
  verified,
} from '../artifacts.js';
import { stateOf } from '../db.js';
import { debugPoint } from '../debug-point.js';
import { SwarmError, type SwarmErrorCode } from '../errors.js';

/** Ends the name of what is being written. */
export const DRAFT = '.part';

export function directoryStore(root: string): ArtifactStore {
  const pathOf = (digest: string): string => join(root, placeOf(digest));
  const read = async (digest: string): Promise<Uint8Array> => {
    try {
      return verified(digest, await contentsOf(pathOf(digest), digest), root);
    } catch (error) {
      throw stateOf(error) === 'ENOENT' ? missing(digest, root, error) : refusal(error, digest, root);
    }
  };
  return {
    async put(bytes, signal) {
      const digest = sha256(bytes);
      assertSize(digest, bytes.byteLength, root);
      signal?.throwIfAborted();
      if (await holds(read, digest)) return digest;
      await writeWhole(pathOf(digest), bytes).catch((error) => {
        throw refusal(error, digest, root);
      });
      return digest;
    },
    async get(digest, signal) {
      signal?.throwIfAborted();
      return read(digest);
    },
    async size(digest) {
      const found = await stat(pathOf(digest)).catch((error) => {
        if (stateOf(error) === 'ENOENT') return null;
        throw refusal(error, digest, root);
      });
      return found?.size ?? null;
    },
    async *list(after = '') {
      for (const shelf of await names(root)) {
        if (!/^[0-9a-f]{2}$/.test(shelf) || shelf < after.slice(0, 2)) continue;
        for (const name of await names(join(root, shelf)))
          if (digestAt(`${shelf}/${name}`) !== null && name > after) yield name;
      }
    },
  };
}

const DAMAGED_OR_ABSENT = new Set<unknown>([
  'SWARM_E_ARTIFACT_MISSING',
  'SWARM_E_ARTIFACT_DIGEST',
  'SWARM_E_ARTIFACT_SIZE',
] satisfies SwarmErrorCode[]);

/** A damaged file counts as absent for a writer, who has the right bytes in hand. */
async function holds(read: (digest: string) => Promise<Uint8Array>, digest: string): Promise<boolean> {
  try {
    await read(digest);
    return true;
  } catch (error) {
    if (DAMAGED_OR_ABSENT.has(stateOf(error))) return false;
    throw error;
  }
}

async function contentsOf(path: string, digest: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    assertSize(digest, (await file.stat()).size, path);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function names(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (stateOf(error) === 'ENOENT' || stateOf(error) === 'ENOTDIR') return [];
    throw refusal(error, 'list', directory);
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}${DRAFT}`;
  try {
    await makeShelf(dirname(path));
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await debugPoint('artifact.before-rename');
    await rename(draft, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    // On a read-only or vanished disk there is nothing to remove: the first error is the one to tell.
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function makeShelf(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // Node makes ENOENT of whatever keeps a recursive mkdir from its last step, so it comes second.
    if (stateOf(error) === 'ENOENT') await mkdir(path, { recursive: true, mode: 0o700 });
    else if (stateOf(error) !== 'EEXIST') throw error;
  }
}

/** Makes a rename outlast a power cut: a claim may name the artifact as soon as it is stored. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** What a directory answers that is not this process's to write or read, or is none. */
const CLOSED = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR']);

function refusal(error: unknown, digest: string, root: string): unknown {
  const state = stateOf(error);
  if (state === 'ENOSPC' || state === 'EDQUOT')
    return new SwarmError(
      'SWARM_E_DISK_FULL',
      `no space left for artifact ${digest} in ${root}`,
      'Free space or move the store; nothing half-written was left behind.',
      { cause: error },
    );
  if (state !== undefined && CLOSED.has(state))
    return new SwarmError(
      'SWARM_E_STORE_REFUSED',
      `the directory ${root} refuses artifact ${digest}: ${state}`,
      'Give this user the right to read and write the directory, or name another one.',
      { cause: error },
    );
  return error;
}
