// A swarm under test: `swarm up` as a real process on ports and a home of its own, watched through `swarm status --json`.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Status } from '../../cli/status/read.js';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const run = promisify(execFile);

/** The command line of a process; empty when it ended while we looked. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

export class SwarmUnderTest {
  readonly root = mkdtempSync(join(tmpdir(), 'swarm-system-'));
  readonly home = join(this.root, 'home');
  #up: ChildProcess | null = null;
  #ended: Promise<number | null> = Promise.resolve(null);
  stdout = '';
  stderr = '';

  /** `env` is added to the environment of `swarm up`. */
  constructor(
    readonly base: number,
    readonly env: Readonly<Record<string, string>> = {},
  ) {}

  up(...args: string[]): void {
    this.stdout = '';
    this.stderr = '';
    const child = spawn(
      process.execPath,
      [MAIN, 'up', '--home', this.home, '--ports', String(this.base), ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.env } },
    );
    child.stdout.on('data', (chunk) => (this.stdout += chunk));
    child.stderr.on('data', (chunk) => (this.stderr += chunk));
    this.#up = child;
    this.#ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  }

  /** Tries to start on another swarm's home; the exit code. */
  async upOn(home: string, ...args: string[]): Promise<number | null> {
    const child = spawn(
      process.execPath,
      [MAIN, 'up', '--home', home, '--ports', String(this.base), ...args],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    return new Promise((resolve) => child.on('exit', resolve));
  }

  get pid(): number {
    return this.#up!.pid!;
  }

  /** Sends a signal to `swarm up` itself and waits for its end; the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#up?.kill(signal);
    return this.#ended;
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** The status, or null while there is none yet. */
  async status(): Promise<Status | null> {
    try {
      const { stdout } = await run(process.execPath, [MAIN, 'status', '--json', '--home', this.home], {
        maxBuffer: 16 << 20,
      });
      return JSON.parse(stdout) as Status;
    } catch (error) {
      const { stdout } = error as { stdout?: string };
      const status = stdout ? (JSON.parse(stdout) as Status) : null;
      return status?.counts === undefined ? null : status;
    }
  }

  /** Polls the status until it satisfies a condition; fails with what it last saw. */
  async until(what: string, condition: (status: Status) => boolean, limit_ms: number): Promise<Status> {
    let last: Status | null = null;
    for (const end = Date.now() + limit_ms; Date.now() < end; await sleep(1000)) {
      last = (await this.status()) ?? last;
      if (last !== null && condition(last)) return last;
    }
    throw new Error(
      `not within ${limit_ms / 1000} s: ${what}\n${JSON.stringify(last)}\n${this.stderr.slice(-3000)}`,
    );
  }

  /** Processes that belong to this home: everything whose command line or working directory names it. */
  processes(): { pid: number; command: string }[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .map((entry) => ({ pid: Number(entry), command: commandOf(entry) }))
      .filter(({ command }) => command.includes(this.root));
  }

  pidOf(pattern: RegExp): number {
    const found = this.processes().find((p) => pattern.test(p.command));
    if (found === undefined)
      throw new Error(
        `no process matches ${pattern}: ${this.processes()
          .map((p) => p.command)
          .join('\n')}`,
      );
    return found.pid;
  }

  /** SQL through the settings' administrator, for what no view shows. */
  async query<T>(sql: string): Promise<T[]> {
    const { default: pg } = await import('pg');
    const settings = JSON.parse(readFileSync(join(this.home, 'settings.json'), 'utf8'));
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.base,
      user: settings.postgres.user,
      password: settings.postgres.password,
      database: 'swarm',
    });
    await client.connect();
    try {
      return (await client.query(sql)).rows as T[];
    } finally {
      await client.end();
    }
  }

  async clean(): Promise<void> {
    await run(process.execPath, [MAIN, 'down', '--home', this.home]);
    const settings = join(this.home, 'settings.json');
    if (existsSync(settings)) {
      const { postgres } = JSON.parse(readFileSync(settings, 'utf8'));
      rmSync(join(postgres.dataDirectory, '..'), { recursive: true, force: true });
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}
