// One supervised node process: its log file, its environment, its restarts.
// Promises: a child that exits without having been told to is started again after a growing pause; it gets only
// the environment listed here; it lives in its own process group, so that Ctrl-C in a terminal reaches the
// supervisor alone and the order of stopping stays ours. Leaves to supervisor.ts: the order, the signals.
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { compiledEntry } from './entries.js';

export interface ChildSpec {
  readonly name: string;
  /** Path below dist/, such as `agents/explorer/main.js`, or an absolute path. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** Given to the child beside PATH, HOME, TZ and LANG. Nothing else of this process's environment passes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Services stop last, one by one; workers stop first and together. Default: worker. */
  readonly role?: 'service' | 'worker';
  /** Time from SIGTERM to SIGKILL, default 10 s. */
  readonly graceMs?: number;
}

export interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
  /** A child that ran this long starts again at the first pause. */
  readonly healthyMs: number;
}

export interface ExitedEvent {
  readonly name: string;
  readonly pid: number | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** True when the supervisor asked for it. */
  readonly expected: boolean;
  /** Why there was no process at all, when there was none. */
  readonly error: Error | null;
  /** Pause before the next start; null when there will be none. */
  readonly restartInMs: number | null;
}

export interface ChildWatcher {
  started(pid: number, restarts: number): void;
  exited(event: ExitedEvent): void;
  message(message: unknown): void;
}

/** Exit status of a child that knows that another start cannot help (EX_CONFIG of sysexits.h). */
export const EXIT_FINAL = 78;

const passed = ['PATH', 'HOME', 'TZ', 'LANG', 'SWARM_TLS_CA'] as const;

/** What any process of the swarm may know of the one that starts it. */
export function plainEnvironment(): Record<string, string> {
  const given = passed.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

export class Child {
  readonly name: string;
  restarts = 0;
  #process: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  #failures = 0;
  #exit: PromiseWithResolvers | null = null;

  constructor(
    readonly spec: ChildSpec,
    private readonly logs: string,
    private readonly pauses: Pauses,
    private readonly watcher: ChildWatcher,
  ) {
    this.name = spec.name;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    const entry = compiledEntry(this.spec.entry);
    const log = openSync(join(this.logs, `${this.name}.log`), 'a', 0o600);
    const startedAt = performance.now();
    let child: ChildProcess;
    try {
      child = fork(entry, [...(this.spec.args ?? [])], {
        env: { ...plainEnvironment(), ...this.spec.env },
        // Not the supervisor's own flags: under a test runner or a debugger they are not meant for children.
        execArgv: ['--enable-source-maps'],
        detached: true,
        stdio: ['ignore', log, log, 'ipc'],
      });
    } finally {
      closeSync(log);
    }
    this.#process = child;
    this.#exit = withResolvers();
    child.on('message', (message) => this.watcher.message(message));
    child.once('exit', (code, signal) => {
      this.#exited({ pid: child.pid ?? null, code, signal, error: null }, performance.now() - startedAt);
    });
    // No process came to be (too many processes, no memory): there will be no 'exit', and it is one all the same.
    child.once('error', (error) => {
      if (child.pid === undefined) this.#exited({ pid: null, code: null, signal: null, error }, 0);
    });
    if (child.pid !== undefined) this.watcher.started(child.pid, this.restarts);
  }

  /** No further start; resolves when the process is gone. Signals are sent by the caller. */
  retire(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return this.#process === null ? Promise.resolve() : (this.#exit?.promise ?? Promise.resolve());
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  #exited(how: Pick<ExitedEvent, 'pid' | 'code' | 'signal' | 'error'>, ranMs: number): void {
    this.#process = null;
    this.#failures = ranMs >= this.pauses.healthyMs ? 1 : this.#failures + 1;
    const again = !this.#stopping && how.code !== EXIT_FINAL;
    const pause = Math.min(this.pauses.firstMs * 2 ** (this.#failures - 1), this.pauses.longestMs);
    if (again) this.#timer = setTimeout(() => this.#restart(), pause);
    this.watcher.exited({
      ...how,
      name: this.name,
      expected: this.#stopping,
      restartInMs: again ? pause : null,
    });
    this.#exit?.resolve();
  }

  #restart(): void {
    this.#timer = null;
    this.restarts += 1;
    try {
      this.start();
    } catch (error) {
      // The entry is missing while the package is being rebuilt, or there are no file descriptors left: both pass.
      const cause = error instanceof Error ? error : new Error(String(error));
      this.#exited({ pid: null, code: null, signal: null, error: cause }, 0);
    }
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

/** Promise.withResolvers, which node 20 does not have. */
function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
