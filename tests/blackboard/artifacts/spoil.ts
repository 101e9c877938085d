// Damage to files, as disks and strangers do it.
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';

/** Flips one bit in the middle; a file that has gone meanwhile is left alone. */
export function flipBit(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch {
    return;
  }
  try {
    const byte = Buffer.alloc(1);
    const middle = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    readSync(file, byte, 0, 1, middle >> 1);
    byte[0]! ^= 1;
    writeSync(file, byte, 0, 1, middle >> 1);
  } finally {
    closeSync(file);
  }
}
