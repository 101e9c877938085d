// Which artifact store a process uses, decided here alone: the bucket that SWARM_S3_* names, with copies on this machine,
// or else the directory. Nothing that stores or reads an artifact knows which.
import { join } from 'node:path';
import type { ArtifactStore } from '../artifacts.js';
import { cachedStore } from './cache.js';
import { directoryStore } from './directory.js';
import { type Environment, s3Settings } from './s3-settings.js';

export interface StoreOptions {
  /** The store itself, or the place of the bucket's copies, which lie apart from what a store of this machine once held. */
  readonly directory: string;
  readonly env: Environment;
  /** False: what the bucket itself holds, whatever copies there are. */
  readonly copies?: false;
  /** Aborted when the process is asked to stop: an outage is not waited out then. */
  readonly stopping?: AbortSignal | undefined;
  warn(fields: object, message: string): void;
}

const MB = 1024 * 1024;
const IDLE_MS = 60_000;

/** SWARM_E_USAGE for settings that cannot be meant. Reaches for nothing: a store that is away is met at the first use. */
export async function openArtifactStore(options: StoreOptions): Promise<ArtifactStore> {
  const settings = s3Settings(options.env);
  if (settings === null) return directoryStore(options.directory);
  // Loaded only where it is used: 0.4 s and 40 MB, measured on two busy cores.
  const { s3Store } = await import('./s3.js');
  const deadline_ms = settings.deadline_s * 1000;
  const bucket = s3Store(settings, {
    deadline_ms,
    idle_ms: Math.min(IDLE_MS, deadline_ms / 2),
    random: Math.random,
    stopping: options.stopping,
  });
  if (options.copies === false) return bucket;
  return cachedStore(bucket, {
    directory: join(options.directory, 'cache'),
    most_bytes: settings.cache_mb * MB,
    warn: options.warn,
    now: Date.now,
  });
}
