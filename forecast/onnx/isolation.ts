// How a sandboxed child is fenced in on this machine: which tools exist, and the command line that uses them.
// Promises: reports what is really in force; a fence this machine lacks is named, never assumed.
// Leaves to others: wall time and memory, which the parent enforces while the child runs (sandbox.ts).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface Isolation {
  /** none: own empty network namespace. host: this machine did not permit one. */
  readonly network: 'none' | 'host';
  /** dropped: no capabilities, no new privileges. kept: those of the parent. */
  readonly privileges: 'dropped' | 'kept';
  /** limited: CPU seconds and core dumps by ulimit. */
  readonly cpu: 'limited' | 'unlimited';
  /** polled: resident memory read from /proc and enforced by kill. */
  readonly memory: 'polled' | 'unlimited';
  /** What is missing, in words, empty when everything holds. */
  readonly missing: readonly string[];
}

interface Fence {
  readonly isolation: Isolation;
  /** Words put before the command of the child. */
  readonly prefix: readonly string[];
}

const SHELL = '/bin/sh';
const DROP = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'];
let known: Fence | undefined;

/** The fence of this machine, probed once per process; CPU seconds are `$1` of the shell line. */
export function fence(cpuSeconds: number): Fence {
  known ??= probe();
  const { isolation, prefix } = known;
  if (isolation.cpu === 'unlimited') return known;
  const limits = 'ulimit -c 0 && ulimit -t "$1" && shift && exec "$@"';
  return { isolation, prefix: [SHELL, '-c', limits, 'sandbox', String(Math.ceil(cpuSeconds)), ...prefix] };
}

function probe(): Fence {
  const linux = process.platform === 'linux';
  const network = linux
    ? firstThatRuns([['-n'], ['-r', '-n']].map((flags) => tool('unshare', [...flags, '--'])))
    : [];
  const drop = linux
    ? firstThatRuns([tool('setpriv', [...DROP, '--']), tool('setpriv', ['--no-new-privs', '--'])])
    : [];
  const shell = existsSync(SHELL) && runs([SHELL, '-c', 'ulimit -c 0 && ulimit -t 60']);
  const memory = existsSync('/proc/self/statm');
  const missing = [
    network.length > 0 ? [] : ['network namespace: the model’s process can reach the network'],
    drop.length > 0 ? [] : ['privileges: the model’s process keeps those of its parent'],
    shell ? [] : ['CPU time: no ulimit'],
    memory ? [] : ['memory: no /proc to read it from'],
  ].flat();
  const isolation: Isolation = {
    network: network.length > 0 ? 'none' : 'host',
    privileges: drop.length > 0 ? 'dropped' : 'kept',
    cpu: shell ? 'limited' : 'unlimited',
    memory: memory ? 'polled' : 'unlimited',
    missing,
  };
  return { isolation, prefix: [...network, ...drop] };
}

function tool(name: string, flags: readonly string[]): string[] {
  const path = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
    .map((dir) => `${dir}/${name}`)
    .find((p) => existsSync(p));
  return path === undefined ? [] : [path, ...flags];
}

function firstThatRuns(prefixes: readonly string[][]): string[] {
  return prefixes.find((prefix) => prefix.length > 0 && runs([...prefix, SHELL, '-c', ':'])) ?? [];
}

function runs(command: readonly string[]): boolean {
  return spawnSync(command[0], command.slice(1), { env: {}, stdio: 'ignore', timeout: 5000 }).status === 0;
}
