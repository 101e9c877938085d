// Keeps the processes of one home running: what systemd would do, and no more. It decides no work.
// Promises: a child that dies is started again (0.5 s, doubling to 10 s, anew after 30 healthy seconds);
// stop() ends workers first, all together, then services one by one, newest first; asked twice, it forces.
// A child notices that this process died through its IPC channel: parent.ts.
import { EventEmitter } from 'node:events';
import { SwarmError } from '../../blackboard/errors.js';
import { Child, type ChildSpec, type ExitedEvent, type Pauses } from './child.js';
import type { Home } from './home.js';

export interface StartedEvent {
  readonly name: string;
  readonly pid: number;
  /** How many times this child was started again so far. */
  readonly restarts: number;
}

interface SupervisorEvents {
  started: [StartedEvent];
  restarted: [StartedEvent];
  exited: [ExitedEvent];
  /** What a child sent with process.send(). */
  message: [name: string, message: unknown];
}

export interface ChildStatus {
  readonly name: string;
  /** Null while it waits for its next start, and after its last one. */
  readonly pid: number | null;
  readonly restarts: number;
}

const GRACE_MS = 10_000;
const defaultPauses: Pauses = { firstMs: 500, longestMs: 10_000, healthyMs: 30_000 };

/**
 * @example
 * const supervisor = new Supervisor(home);
 * supervisor.on('restarted', ({ name, restarts }) => console.error(`${name} restarted (${restarts})`));
 * supervisor.spawn({ name: 'explorer-1', entry: 'agents/explorer/main.js', args: ['--slot', 'crypto_1h/BTC'] });
 * await supervisor.stopOnSignal();
 */
export class Supervisor extends EventEmitter<SupervisorEvents> {
  readonly #children: Child[] = [];
  readonly #pauses: Pauses;
  #stopped: Promise<void> | null = null;
  #forced = false;

  constructor(
    private readonly home: Home,
    options: { readonly pauses?: Partial<Pauses> } = {},
  ) {
    super();
    this.#pauses = { ...defaultPauses, ...options.pauses };
  }

  /** Starts a child now and keeps it running. Names are unique: a name is also the name of the log file. */
  spawn(spec: ChildSpec): ChildStatus {
    if (!/^[a-z0-9][a-z0-9._-]*$/i.test(spec.name) || this.#children.some(({ name }) => name === spec.name)) {
      throw new SwarmError(
        'SWARM_E_USAGE',
        `a child cannot be named "${spec.name}": taken, or no file name`,
        'Use letters, digits, dot, dash and underscore, and each name once.',
      );
    }
    if (this.#stopped !== null) {
      throw new SwarmError(
        'SWARM_E_NOT_RUNNING',
        `${spec.name} was not started: the swarm is stopping`,
        'Start it again with `swarm up` once this one has ended.',
      );
    }
    const { name } = spec;
    const child = new Child(spec, this.home.logs, this.#pauses, {
      started: (pid, restarts) =>
        this.emit(restarts === 0 ? 'started' : 'restarted', { name, pid, restarts }),
      exited: (event) => this.emit('exited', event),
      message: (message) => this.emit('message', name, message),
    });
    // Only a child that could be started is kept: a missing entry is an error now, not a loop later.
    child.start();
    this.#children.push(child);
    return { name, pid: child.pid, restarts: 0 };
  }

  /** In the order of their start. */
  children(): readonly ChildStatus[] {
    return this.#children.map(({ name, pid, restarts }) => ({ name, pid, restarts }));
  }

  /** SIGTERM, a grace, SIGKILL. Resolves when every child is gone. A second call, or `force`, cuts the grace. */
  stop(options: { readonly force?: boolean } = {}): Promise<void> {
    if (this.#stopped !== null || options.force === true) this.#force();
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /** Waits for SIGINT, SIGTERM or SIGHUP and stops; a second signal forces. Resolves when all is gone. */
  stopOnSignal(): Promise<NodeJS.Signals> {
    return new Promise((resolve, reject) => {
      const onSignal = (received: NodeJS.Signals): void => {
        this.stop().then(() => resolve(received), reject);
      };
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
    });
  }

  async #stopAll(): Promise<void> {
    const newestFirst = this.#children.toReversed();
    const services = newestFirst.filter(({ spec }) => spec.role === 'service');
    const workers = newestFirst.filter(({ spec }) => spec.role !== 'service');
    await Promise.all(workers.map((child) => this.#end(child)));
    for (const child of services) await this.#end(child);
  }

  async #end(child: Child): Promise<void> {
    const gone = child.retire();
    child.signal('SIGTERM');
    if (this.#forced) forceChild(child);
    const timer = setTimeout(() => child.signal('SIGKILL'), child.spec.graceMs ?? GRACE_MS);
    await gone;
    clearTimeout(timer);
  }

  #force(): void {
    this.#forced = true;
    for (const child of this.#children) {
      // Nobody comes back while the rest is being ended.
      void child.retire();
      forceChild(child);
    }
  }
}

/** A service is asked once more instead of killed: its keeper then kills the server, and leaves no orphan. */
function forceChild(child: Child): void {
  child.signal(child.spec.role === 'service' ? 'SIGTERM' : 'SIGKILL');
}
