// Other processes of this machine, seen from outside: is it the one we mean, is it gone, make it go.
// Promises: a zombie counts as gone (a container's first process may never reap it), and a recycled pid is
// told from the process that we meant by its start time or by its program and arguments.
// Linux answers from /proc; elsewhere `ps` is asked.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SwarmError } from '../../blackboard/errors.js';

const linux = process.platform === 'linux';
const POLL_MS = 25;

/** An opaque text that names this incarnation of the pid, or null when there is no such (living) process. */
export function incarnation(pid: number): string | null {
  if (linux) {
    const stat = readProc(`/proc/${pid}/stat`);
    if (stat === null) return null;
    // The command name may hold spaces and parentheses: fields count from the last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    const boot = readProc('/proc/sys/kernel/random/boot_id') ?? '';
    return `${boot.trim()}:${fields[19]}`;
  }
  const line = ps(['-o', 'stat=,lstart=', '-p', String(pid)]).trim();
  return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
}

export function isAlive(pid: number): boolean {
  return incarnation(pid) !== null;
}

/** Pids of running `program` processes that have all of `wanted` among their arguments. */
export function processesWith(program: string, ...wanted: readonly string[]): number[] {
  if (!linux) {
    return (
      ps(['-axww', '-o', 'pid=,command='])
        .split('\n')
        .map((line) => /^\s*(\d+)\s+(\S+)(.*)$/.exec(line))
        .filter((found) => found !== null)
        .filter(([, , path]) => basename(path) === program)
        // One text without quotes: an argument may hold blanks, so it is looked for and not split off.
        .filter(([, , , rest]) => wanted.every((argument) => `${rest} `.includes(` ${argument} `)))
        .map(([, pid]) => Number(pid))
        .filter(isAlive)
    );
  }
  return livePids().filter((pid) => {
    const [path = '', ...args] = (readProc(`/proc/${pid}/cmdline`) ?? '').split('\0');
    return basename(path) === program && wanted.every((argument) => args.includes(argument));
  });
}

/** Pids whose working directory is `directory` (a real path). Known on Linux only; elsewhere none are seen. */
export function processesIn(directory: string): number[] {
  if (!linux) return [];
  return livePids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === directory && isAlive(pid);
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    }
  });
}

/** True when all of them are gone, false when time ran out first. */
export async function gone(pids: readonly number[], withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Sends each signal in turn until all of the processes are gone. Fails when the last one did not help. */
export async function stopProcesses(
  what: string,
  pids: readonly number[],
  steps: readonly (readonly [signal: NodeJS.Signals, waitMs: number])[],
): Promise<void> {
  for (const [name, waitMs] of steps) {
    for (const pid of pids) if (isAlive(pid)) signal(pid, name);
    if (await gone(pids, waitMs)) return;
  }
  const left = pids.filter(isAlive);
  throw new SwarmError(
    'SWARM_E_SERVICE_START',
    `${what} (pid ${left.join(', ')}) does not stop`,
    `Look at what it waits for (\`ps -o pid,stat,wchan,cmd -p ${left.join(',')}\`), usually a disk that hangs.`,
  );
}

/** Sends a signal; a process that is already gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function livePids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** Gone between two looks, or another user's: neither can be one of ours. */
function isAbsence(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(String(error.code))
  );
}

function ps(args: string[]): string {
  const { PATH } = process.env;
  try {
    return execFileSync('ps', args, { encoding: 'utf8', env: { PATH, LC_ALL: 'C' } });
  } catch (error) {
    // ps exits 1 when no process matches.
    if (error instanceof Error && 'status' in error && error.status === 1) return '';
    throw error;
  }
}
