// A role of the swarm as a real process under test: started on a world, stopped at a named debug point, killed there.
// Promises: everything is awaited by a signal: the point is told over IPC, the end by the process itself.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebugPoint } from '../../blackboard/debug-point.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import type { World } from '../miner/world.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface RoleOptions {
  /** Name of the enrolled agent; default: the role's. */
  readonly name?: string;
  readonly args?: readonly string[];
  readonly point?: DebugPoint;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly artifacts?: string;
  /** Address of the blackboard, where it is not the world's door. */
  readonly blackboard?: string;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Role {
  readonly child: ChildProcess;
  readonly ended: Promise<End>;
  said = '';
  #reached: Promise<void>;

  constructor(world: World, role: AgentRole, options: RoleOptions = {}) {
    const { name = role, args = [], point, env = {}, artifacts, blackboard } = options;
    this.child = fork(
      MAIN,
      [
        ...['agent', role, '--agent-file', join(world.directory, 'agents', `${name}.json`)],
        ...['--blackboard', blackboard ?? world.blackboard],
        ...['--artifacts', artifacts ?? join(world.directory, 'artifacts')],
        ...args,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        env: {
          PATH: process.env['PATH'],
          ...(point === undefined ? {} : { SWARM_DEBUG_POINT: point }),
          ...env,
        },
      },
    );
    this.child.stderr!.on('data', (chunk) => {
      this.said += chunk;
    });
    this.ended = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    this.#reached = new Promise((resolve, reject) => {
      this.child.on('message', (message) => {
        if (point !== undefined && (message as { reached?: string }).reached === point) resolve();
      });
      void this.ended.then(({ code, signal }) =>
        reject(new Error(`${name} ended (${signal ?? code}) before ${point}:\n${this.said.slice(-4000)}`)),
      );
    });
    this.#reached.catch(() => undefined);
  }

  /** Resolves when the process stands at its point; fails when it ends before. */
  reached(): Promise<void> {
    return this.#reached;
  }

  /** Resolves when it has said `words`; fails when it ends before. */
  async saying(words: string): Promise<void> {
    while (!this.said.includes(words)) {
      const end = await Promise.race([once(this.child.stderr!, 'data').then(() => null), this.ended]);
      if (end !== null && !this.said.includes(words))
        throw new Error(
          `ended (${end.signal ?? end.code}) before it said "${words}":\n${this.said.slice(-4000)}`,
        );
    }
  }

  /** Resolves when it takes work. */
  started(): Promise<void> {
    return this.saying('"msg":"started"');
  }

  release(point: DebugPoint): void {
    this.child.send({ release: point });
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to stop and waits for its end. */
  stop(): Promise<End> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

/** Runs a role to its own end (`--once`, `--drain`); fails with what it said when that is no success. */
export async function run(world: World, role: AgentRole, options: RoleOptions = {}): Promise<Role> {
  const process = new Role(world, role, options);
  const { code, signal } = await process.ended;
  if (code !== 0)
    throw new Error(`${options.name ?? role} ended with ${signal ?? code}:\n${process.said.slice(-4000)}`);
  return process;
}
