// up.pid: which process runs this home. A second `swarm up` on the same home is refused.
// Promises: the file appears whole or not at all; a holder that died is replaced; a pid that now belongs to
// another program is no false alarm, because the start time is compared too.
// A home belongs to one machine (or one container) at a time: pids mean nothing across that border.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import type { Home } from './home.js';
import { incarnation } from './processes.js';

const holderSchema = z.object({ pid: z.int().positive(), incarnation: z.string() });

export type Holder = z.infer<typeof holderSchema>;

export interface Lock {
  /** Gives the home free. Does nothing when somebody else holds it by now. */
  release(): void;
}

/** Takes the home for this process, or fails with SWARM_E_ALREADY_RUNNING naming the pid that has it. */
export function lockHome(home: Home): Lock {
  const path = lockPath(home);
  const mine: Holder = { pid: process.pid, incarnation: incarnation(process.pid) ?? '' };
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    // Two rounds: the first may find a dead holder and clear it away.
    if (!linked(draft, path)) {
      clearDeadHolder(path);
      if (!linked(draft, path)) throw alreadyRunning(home, readHolder(path));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release() {
      const holder = readHolder(path);
      if (holder?.pid === mine.pid && holder.incarnation === mine.incarnation) rmSync(path, { force: true });
    },
  };
}

/** The living process that runs this home, or null. */
export function lockHolder(home: Home): Holder | null {
  const holder = readHolder(lockPath(home));
  return holder !== null && isLiving(holder) ? holder : null;
}

/** Removes the note of a holder that is dead, and only that. */
export function clearDeadHolder(path: string): void {
  const found = readHolder(path);
  if (found !== null && isLiving(found)) return;
  // Moved aside before it is judged again: between a look and an unlink another `up` may have taken its place.
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved !== null && isLiving(moved)) linked(aside, path);
  rmSync(aside, { force: true });
}

export function lockPath(home: Home): string {
  return join(home.root, 'up.pid');
}

function isLiving(holder: Holder): boolean {
  return incarnation(holder.pid) === holder.incarnation;
}

function readHolder(path: string): Holder | null {
  try {
    const parsed = holderSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    // link() and rename() leave no half-written file, so what is not JSON was damaged from outside: nobody's.
    if (error instanceof SyntaxError) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function alreadyRunning(home: Home, holder: Holder | null): SwarmError {
  const pid = holder === null ? 'another process' : `pid ${holder.pid}`;
  return new SwarmError(
    'SWARM_E_ALREADY_RUNNING',
    `a swarm already runs on ${home.root} (${pid})`,
    'Stop it with `swarm down`, or start a second one with another --home and --ports.',
  );
}
