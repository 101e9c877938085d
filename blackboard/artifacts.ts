// Artifacts: bytes under the sha256 of themselves, stored whole or not at all, and verified on every read.
// What every store promises, and the checks that all of them share; artifacts/ holds the stores, artifacts/open.ts chooses.
import { createHash } from 'node:crypto';
import { SwarmError } from './errors.js';

export interface ArtifactStore {
  /**
   * Stores bytes and returns their sha256 (hex) once they are safe; storing the same bytes again is a no-op. An abort gives
   * up with the signal's reason. SWARM_E_ARTIFACT_SIZE, and what isStoreTrouble() names.
   */
  put(bytes: Uint8Array, signal?: AbortSignal): Promise<string>;
  /** The bytes with this digest. SWARM_E_ARTIFACT_MISSING, SWARM_E_ARTIFACT_DIGEST, SWARM_E_ARTIFACT_SIZE, and store trouble. */
  get(digest: string, signal?: AbortSignal): Promise<Uint8Array>;
  /** Bytes stored under this digest, by the store's own word; null when there are none. */
  size(digest: string, signal?: AbortSignal): Promise<number | null>;
  /** Every digest after the one given, ascending, a page at a time. What is not named like an artifact is passed over. */
  list(after?: string): AsyncIterable<string>;
}

/** No artifact is larger: a model may have 4 MiB, and nobody's object may fill a reader's memory. */
export const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const DIGEST = /^[0-9a-f]{64}$/;

/** Place of an artifact below a store's root, the same in every store: two hex digits, a slash, the digest. */
export function placeOf(digest: string): string {
  if (!DIGEST.test(digest))
    throw new SwarmError(
      'SWARM_E_ARTIFACT_MISSING',
      `${JSON.stringify(digest.slice(0, 80))} is not a sha256 digest`,
      'Name an artifact by the 64 hex digits of its digest.',
    );
  return `${digest.slice(0, 2)}/${digest}`;
}

/** The digest at a place, or null for a name that no artifact has. */
export function digestAt(place: string): string | null {
  const digest = place.slice(3);
  return DIGEST.test(digest) && place === placeOf(digest) ? digest : null;
}

/** The bytes, if they are what their name says. */
export function verified(digest: string, bytes: Uint8Array, where: string): Uint8Array {
  const actual = sha256(bytes);
  if (actual === digest) return bytes;
  throw new SwarmError(
    'SWARM_E_ARTIFACT_DIGEST',
    `artifact ${digest} in ${where} holds bytes with digest ${actual}`,
    'It was altered or truncated in the store. Remove it there; it is never served.',
  );
}

export function missing(digest: string, where: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_ARTIFACT_MISSING',
    `artifact ${digest} is not in ${where}`,
    'Its author may not have finished storing it, or the store was moved: check where this process looks.',
    { cause },
  );
}

export function assertSize(name: string, bytes: number, where: string, most = MAX_ARTIFACT_BYTES): void {
  if (bytes > most)
    throw new SwarmError(
      'SWARM_E_ARTIFACT_SIZE',
      `artifact ${name} for or in ${where} has ${bytes} bytes or more, and ${most} are allowed`,
      'No model of the swarm is that large. In a store it is not what its author made: remove it there.',
    );
}
