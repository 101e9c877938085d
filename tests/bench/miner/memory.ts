// What the miner's process and the sandboxes of its models keep resident.
import { readdirSync, readFileSync } from 'node:fs';

const MIB = 2 ** 20;

export interface Resident {
  /** MiB of this process. */
  readonly own: number;
  /** MiB of those of its children that run a model, and how many there are. */
  readonly models: number;
  readonly count: number;
}

export function resident(): Resident {
  const sandboxes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && runsModel(entry));
  return {
    own: process.memoryUsage().rss / MIB,
    models: sandboxes.reduce((sum, pid) => sum + residentKiB(pid) / 1024, 0),
    count: sandboxes.length,
  };
}

function runsModel(pid: string): boolean {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('sandbox');
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

function residentKiB(pid: string): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
