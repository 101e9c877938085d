// Copies of a distant store's artifacts on this machine, read before the store is asked.
// Promises: a copy is verified on every read, and one that was altered or cut short is removed with a log line and fetched
// again; the store decides what is stored; trouble with the directory costs time and no artifact. Many processes may share
// the directory: files appear whole, and one that another process has removed is fetched again.
// Leaves to others: whether the store is right (its own reads are verified, and a failed one leaves no copy).
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, digestAt, placeOf } from '../artifacts.js';
import { explain, stateOf } from '../db.js';
import { DRAFT, directoryStore } from './directory.js';

export interface CacheOptions {
  readonly directory: string;
  /** Past this many bytes the least recently read copies go, down to nine tenths of it. */
  readonly most_bytes: number;
  warn(fields: object, message: string): void;
  /** Milliseconds since the epoch. */
  now(): number;
}

const SHARE_KEPT = 0.9;
/** A draft this old was left by a process that is gone. */
const DRAFT_MS = 60 * 60_000;

export function cachedStore(store: ArtifactStore, options: CacheOptions): ArtifactStore {
  const { directory, now, warn } = options;
  const local = directoryStore(directory);
  const pathOf = (digest: string): string => join(directory, placeOf(digest));
  const copy = async (digest: string): Promise<Uint8Array | null> => {
    try {
      const bytes = await local.get(digest);
      await touch(pathOf(digest), now());
      return bytes;
    } catch (error) {
      if (stateOf(error) === 'SWARM_E_ARTIFACT_MISSING') return null;
      warn({ err: error, digest }, 'a copy of an artifact is discarded and fetched again');
      await rm(pathOf(digest), { force: true }).catch(() => undefined);
      return null;
    }
  };
  const keep = async (bytes: Uint8Array): Promise<void> => {
    try {
      const digest = await local.put(bytes);
      await touch(pathOf(digest), now());
      await evict(options);
    } catch (error) {
      warn({ err: explain(error) }, 'an artifact is used without a copy on this machine');
    }
  };
  return {
    async put(bytes, signal) {
      const digest = await store.put(bytes, signal);
      await keep(bytes);
      return digest;
    },
    async get(digest, signal) {
      const found = await copy(digest);
      if (found !== null) return found;
      const bytes = await store.get(digest, signal);
      await keep(bytes);
      return bytes;
    },
    size: (digest, signal) => store.size(digest, signal),
    list: (after) => store.list(after),
  };
}

/** The time of change says when a copy was read last: unlike the time of access, it is kept on every mount. */
async function touch(path: string, now_ms: number): Promise<void> {
  // Another process may have removed it since.
  await utimes(path, now_ms / 1000, now_ms / 1000).catch(() => undefined);
}

interface Copy {
  readonly path: string;
  readonly bytes: number;
  readonly read_ms: number;
  readonly draft: boolean;
}

async function evict({ directory, most_bytes, now }: CacheOptions): Promise<void> {
  const found = await copies(directory);
  for (const { path, draft, read_ms } of found)
    if (draft && now() - read_ms > DRAFT_MS) await rm(path, { force: true });
  const kept = found.filter(({ draft }) => !draft).sort((a, b) => a.read_ms - b.read_ms);
  let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= most_bytes) return;
  // The last one was read or written just now: it stays, however large.
  for (const { path, bytes } of kept.slice(0, -1)) {
    if (total <= most_bytes * SHARE_KEPT) return;
    await rm(path, { force: true });
    total -= bytes;
  }
}

async function copies(directory: string): Promise<Copy[]> {
  const names = await readdir(directory, { recursive: true });
  const found = names
    .filter((name) => name.endsWith(DRAFT) || digestAt(name) !== null)
    .map(async (name): Promise<Copy | null> => {
      const path = join(directory, name);
      const file = await stat(path).catch(() => null);
      return file && { path, bytes: file.size, read_ms: file.mtimeMs, draft: name.endsWith(DRAFT) };
    });
  return (await Promise.all(found)).filter((one) => one !== null);
}
