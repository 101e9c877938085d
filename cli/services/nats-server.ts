// The nats-server program: finding it, its version, its configuration, and knowing when it answers.
// Promises: secrets go into a 0600 file and never into arguments; an orphan is stopped before its store is opened
// again (nats-server itself does not lock it); what the found version cannot do is left out of the configuration.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SwarmError } from '../../blackboard/errors.js';
import { accounts, type NatsAgent } from '../../blackboard/events/access.js';
import { processesWith, signal as sendSignal, stopProcesses } from './processes.js';

export interface NatsBinary {
  readonly path: string;
  /** Such as `2.9.10`. */
  readonly version: string;
}

export interface NatsSpec {
  readonly directory: string;
  readonly port: number;
  /** Null only in tests. */
  readonly login: { readonly user: string; readonly password: string } | null;
}

const run = promisify(execFile);

/** Debian installs into /usr/sbin, which is not on the PATH of ordinary users. */
const moreDirectories = ['/usr/local/bin', '/usr/local/sbin', '/usr/sbin', '/opt/homebrew/bin'];

/** The first nats-server that runs and is 2.9 or newer, looked for in `first`, then PATH, then where packages go. */
export async function findNats(first: readonly string[]): Promise<NatsBinary | null> {
  const onPath = searchPath().split(delimiter);
  for (const directory of new Set([...first, ...onPath, ...moreDirectories])) {
    const path = join(directory, 'nats-server');
    if (!isExecutable(path)) continue;
    const version = await versionOf(path);
    if (version !== null && atLeast(version, 2, 9)) return { path, version };
  }
  return null;
}

/** Null when the file is not a nats-server that this machine can run (another architecture, say). */
async function versionOf(path: string): Promise<string | null> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000, env: {} });
    return /v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  } catch (error) {
    console.error(
      `${path} is skipped: it does not tell its version (${error instanceof Error ? error.message : error})`,
    );
    return null;
  }
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

function natsConfigPath(directory: string): string {
  return join(directory, 'nats.conf');
}

/** Stops a nats-server that still runs on this directory. Returns how many that was. */
export async function stopNatsOn(directory: string): Promise<number> {
  const left = processesWith('nats-server', natsConfigPath(directory));
  await stopProcesses(`the nats-server left on ${directory}`, left, [
    ['SIGINT', 10_000],
    ['SIGKILL', 5_000],
  ]);
  return left.length;
}

export async function launchNats(
  spec: NatsSpec,
  binary: NatsBinary,
  output: 'inherit' | number = 'inherit',
): Promise<ChildProcess> {
  const path = natsConfigPath(spec.directory);
  mkdirSync(spec.directory, { recursive: true, mode: 0o700 });
  // Who may connect is kept from the last run, until the administrator writes it anew.
  if (spec.login !== null && !existsSync(usersPath(spec.directory)))
    writeUsers(spec.directory, spec.login, [], '');
  replaceFile(path, natsConfig(spec, binary.version));
  const child = spawn(binary.path, ['-c', path], {
    cwd: '/',
    env: { PATH: searchPath(), TZ: 'UTC' },
    stdio: ['ignore', output, output],
  });
  await once(child, 'spawn');
  return child;
}

const USERS = 'users.conf';
const usersPath = (directory: string): string => join(directory, USERS);

/**
 * Says who may connect; a server that runs on the directory reads it at once, and closes the connections of everybody else.
 * `database` names the blackboard whose agents they are; '' when there are none yet.
 */
export function writeUsers(
  directory: string,
  administrator: { readonly user: string; readonly password: string },
  agents: readonly NatsAgent[],
  database: string,
): void {
  replaceFile(usersPath(directory), `# ${database}\n${accounts(administrator, agents)}`);
  for (const pid of processesWith('nats-server', natsConfigPath(directory))) sendSignal(pid, 'SIGHUP');
}

/** The blackboard whose agents this directory's server lets in; '' for none yet. */
export function usersDatabase(directory: string): string {
  const path = usersPath(directory);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n', 1)[0]!.slice(2) : '';
}

function replaceFile(path: string, content: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
}

export function natsConfig(spec: NatsSpec, version: string): string {
  // JSON strings are valid in this format, and quoting keeps a digit-led secret from being read as a number.
  const text = (value: string): string => JSON.stringify(value);
  return [
    `listen: ${text(`127.0.0.1:${spec.port}`)}`,
    'jetstream {',
    `  store_dir: ${text(join(spec.directory, 'jetstream'))}`,
    '  max_memory_store: 64MB',
    '  max_file_store: 2GB',
    // Before 2.10 the setting is unknown and the server refuses to start. Events may be lost: they are doorbells.
    ...(atLeast(version, 2, 10) ? ['  sync_interval: always'] : []),
    '}',
    ...(spec.login === null ? [] : [`include ./${USERS}`]),
    '',
  ].join('\n');
}

/** Resolves when the server greets and says that JetStream is on. */
export async function natsReady(port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const greeting = await greet(port);
    if (greeting !== null) {
      if (/"jetstream":\s*true/.test(greeting)) return;
      throw new SwarmError(
        'SWARM_E_SERVICE_START',
        `the nats-server on port ${port} runs without JetStream`,
        'Free some disk space, or remove the jetstream directory of the home: it holds events, not records.',
      );
    }
    await delay(50, undefined, { signal });
  }
}

/** The INFO line of a server, or null when none answers yet. It comes before a login, and before TLS. */
export function greet(port: number, host = '127.0.0.1'): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    let said = '';
    const finish = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => finish(null));
    socket.on('error', () => finish(null));
    socket.on('close', () => finish(null));
    socket.on('data', (chunk) => {
      said += chunk.toString('utf8');
      if (said.includes('\r\n')) finish(said);
    });
  });
}

function searchPath(): string {
  const { PATH = '/usr/bin:/bin' } = process.env;
  return PATH;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
