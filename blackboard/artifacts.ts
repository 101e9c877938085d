// The artifact store, directory flavour: bytes under the sha256 of themselves, written once and verified on every read.
// A file appears under its name only when all of it is on disk; a mismatch is an error, never a silent retry.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stateOf } from './db.js';
import { SwarmError } from './errors.js';

export interface ArtifactStore {
  /** Stores bytes and returns their sha256 (hex). Storing the same bytes again is a no-op. */
  put(bytes: Uint8Array): Promise<string>;
  /** The bytes with this digest. SWARM_E_ARTIFACT_MISSING, SWARM_E_ARTIFACT_DIGEST. */
  get(digest: string): Promise<Uint8Array>;
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Makes a rename outlast a power cut: a claim may name the artifact as soon as it is stored. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function directoryStore(root: string): ArtifactStore {
  const pathOf = (digest: string): string => {
    if (!/^[0-9a-f]{64}$/.test(digest))
      throw new SwarmError(
        'SWARM_E_ARTIFACT_MISSING',
        `"${digest}" is not a sha256 digest`,
        'Name an artifact by the 64 hex digits of its digest.',
      );
    return join(root, digest.slice(0, 2), digest);
  };
  return {
    async put(bytes) {
      const digest = sha256(bytes);
      const path = pathOf(digest);
      const known = await stat(path).catch(() => null);
      if (known?.size === bytes.byteLength) return digest;
      const draft = `${path}.${randomUUID()}.part`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const file = await open(draft, 'wx', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(draft, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        await rm(draft, { force: true });
        const state = stateOf(error);
        if (state === 'ENOSPC' || state === 'EDQUOT')
          throw new SwarmError(
            'SWARM_E_DISK_FULL',
            `no space left for artifact ${digest} in ${root}`,
            'Free space or move the store; nothing half-written was left behind.',
            { cause: error },
          );
        throw error;
      }
      return digest;
    },
    async get(digest) {
      const path = pathOf(digest);
      let bytes: Uint8Array;
      try {
        bytes = await readFile(path);
      } catch (error) {
        if (stateOf(error) !== 'ENOENT') throw error;
        throw new SwarmError(
          'SWARM_E_ARTIFACT_MISSING',
          `artifact ${digest} is not in ${root}`,
          'Its author may not have finished storing it, or the store was moved: check the path.',
          { cause: error },
        );
      }
      const actual = sha256(bytes);
      if (actual !== digest)
        throw new SwarmError(
          'SWARM_E_ARTIFACT_DIGEST',
          `artifact ${digest} holds bytes with digest ${actual}`,
          `The file was altered or truncated. Remove ${path}; it is never served.`,
        );
      return bytes;
    },
  };
}
