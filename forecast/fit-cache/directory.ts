// Fits in a directory, one file each: the sha256 of key and bytes, a line feed, the packed artifact.
// Promises: a file that is not what was written is removed with a warning and never used; nothing half-written stays.
// Leaves to others: how large the directory grows. Deleting it costs time and nothing else.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../canonical.js';
import type { FitStore } from './cache.js';

const HEAD = 65;

export function fitDirectory(directory: string, warn: (line: string) => void): FitStore {
  mkdirSync(directory, { recursive: true });
  const file = (key: string): string => join(directory, `${key}.fit`);
  const discard = (key: string, why: string): void => {
    rmSync(file(key), { force: true });
    warn(`fit cache: ${file(key)} was discarded and is fitted again: ${why}`);
  };
  return {
    discard,
    read(key) {
      const bytes = readIfThere(file(key));
      if (bytes === undefined) return undefined;
      const packed = bytes.subarray(HEAD);
      if (bytes.subarray(0, HEAD).toString('latin1') === `${digestOf(key, packed)}\n`) return packed;
      discard(key, 'its digest is not that of its bytes');
      return undefined;
    },
    write(key, packed) {
      const draft = `${file(key)}.${process.pid}`;
      try {
        writeFileSync(draft, Buffer.concat([Buffer.from(`${digestOf(key, packed)}\n`), packed]));
        renameSync(draft, file(key));
      } catch (error) {
        // The fit itself is sound: a full disk costs its next user the time, not this one the result.
        rmSync(draft, { force: true });
        warn(`fit cache: ${file(key)} was not kept: ${(error as Error).message}`);
      }
    },
  };
}

/** Over the key too: a whole file under another's name is as wrong as a broken one. */
const digestOf = (key: string, packed: Uint8Array): string =>
  sha256Hex(Buffer.concat([Buffer.from(`${key}\n`), packed]));

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
