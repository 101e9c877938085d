// Opening a model that somebody else made: only ever inside a child process that has nothing to lose.
// Promises: the child gets an empty environment, an empty directory, one IPC channel, and limits on wall time, CPU
// time and memory; crossing one kills it and fails the call with SWARM_E_MODEL_FAILED. It dies with its parent.
// Leaves to others: what the model says (session.ts checks it inside, the score judges it outside).
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForecastError } from '../errors.js';
import { fence, type Isolation } from './isolation.js';
import type { FromChild, ToChild } from './sandbox-messages.js';
import type { Simulator } from './session.js';
import { QUIET_RUNTIME } from './telemetry-off.js';

export interface SandboxLimits {
  /** Resident memory of the child; node and the runtime alone need about 120. */
  readonly memoryMiB?: number;
  /** Longest wall time of one call. Starting the process is allowed START_MS more. */
  readonly wallMs?: number;
  /** CPU time of the child over its whole life. */
  readonly cpuSeconds?: number;
}

export interface SandboxedSimulator extends Simulator {
  readonly isolation: Isolation;
  readonly pid: number;
}

interface Call {
  readonly done: (value: Float32Array) => void;
  readonly failed: (error: Error) => void;
}

const DEFAULT_LIMITS = { memoryMiB: 1024, wallMs: 15_000, cpuSeconds: 3600 } as const;
const START_MS = 15_000;
const POLL_MS = 20;
const PAGE_BYTES = 4096;
/**
 * A child keeps what it needs between calls and gives back the rest: a miner has one for each model, for weeks. The flag: its
 * heap holds little, and the garbage of one call is not carried into the next. The allocator (glibc's; others ignore it): arrays
 * of a call leave with it, instead of raising the size from which that is done. A twentieth less memory at once, flat from then on.
 */
const LEAN = {
  flags: ['--max-semi-space-size=1'],
  env: { MALLOC_MMAP_THRESHOLD_: '1048576', MALLOC_TRIM_THRESHOLD_: '1048576' },
} as const;

/**
 * Opens `bytes` in a child of its own. Throws SWARM_E_MODEL_REFUSED when inspection inside the child refuses it and
 * SWARM_E_MODEL_FAILED when it breaks a limit or the child dies; after that every call fails the same way.
 */
export async function openSandboxed(
  bytes: Uint8Array,
  limits: SandboxLimits = {},
): Promise<SandboxedSimulator> {
  const { memoryMiB, wallMs, cpuSeconds } = { ...DEFAULT_LIMITS, ...limits };
  const { isolation, prefix } = fence(cpuSeconds);
  const cwd = await mkdtemp(join(tmpdir(), 'model-'));
  const command = [...prefix, process.execPath, ...LEAN.flags, childPath()];
  // env: no secrets, only switches of the runtime and of the allocator; stdio: nothing inherited but the channel, which node itself announces in the environment.
  const child = spawn(command[0], command.slice(1), {
    cwd,
    env: { ...QUIET_RUNTIME, ...LEAN.env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  const line = new Line(child, cwd, memoryMiB);
  try {
    await line.within(START_MS, 'start', () => line.ready);
    await line.call((id) => ({ kind: 'open', id, bytes }), wallMs, 'open');
  } catch (error) {
    await line.end();
    throw error;
  }
  line.rest();
  return {
    isolation,
    pid: child.pid ?? 0,
    simulate: (request) => line.call((id) => ({ kind: 'simulate', id, request }), wallMs, 'simulate'),
    close: () => line.end(),
  };
}

/** The parent's end of one child: matches answers to calls, enforces limits, ends in exactly one way. */
class Line {
  readonly ready: Promise<Float32Array>;
  private readonly calls = new Map<number, Call>();
  private readonly exited: Promise<void>;
  private readonly poll: NodeJS.Timeout | undefined;
  private next = 1;
  private over: ForecastError | undefined;

  constructor(
    private readonly child: ChildProcess,
    cwd: string,
    memoryMiB: number,
  ) {
    this.ready = new Promise((done, failed) => this.calls.set(0, { done, failed }));
    child.on('message', (message: FromChild) => this.hear(message));
    this.exited = new Promise((resolve) => {
      const gone = (why: string) => {
        clearInterval(this.poll);
        this.stop(`its process ${why}`);
        void rm(cwd, { recursive: true, force: true }).then(resolve, resolve);
      };
      child.once('error', (error) => gone(`could not start: ${error.message}`));
      child.once('exit', (code, signal) => gone(`ended (${signal ?? `exit ${code}`})`));
    });
    this.poll = setInterval(() => {
      const used = residentMiB(child.pid);
      if (used > memoryMiB) this.stop(`it used ${Math.round(used)} MiB, allowed are ${memoryMiB}`);
    }, POLL_MS);
    this.poll.unref();
  }

  call(message: (id: number) => ToChild, wallMs: number, what: string): Promise<Float32Array> {
    const id = this.next++;
    return this.within(wallMs, what, () => {
      if (this.over) return Promise.reject(this.over);
      return new Promise((done, failed) => {
        this.calls.set(id, { done, failed });
        this.child.send(message(id), (error) => {
          if (error) this.stop(`its process cannot be reached: ${error.message}`);
        });
      });
    });
  }

  async within(ms: number, what: string, run: () => Promise<Float32Array>): Promise<Float32Array> {
    const timer = setTimeout(() => this.stop(`${what} took longer than ${ms} ms`), ms);
    try {
      return await run();
    } finally {
      clearTimeout(timer);
    }
  }

  /** An idle child must not keep its parent alive. */
  rest(): void {
    this.child.unref();
    this.child.channel?.unref();
  }

  async end(): Promise<void> {
    this.child.ref();
    this.stop('it was closed');
    await this.exited;
  }

  private hear(message: FromChild): void {
    const id = message.kind === 'ready' ? 0 : message.id;
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (message.kind === 'failed')
      call?.failed(new ForecastError(message.code, message.message, message.hint));
    else call?.done(message.kind === 'done' ? message.logReturns : new Float32Array(0));
  }

  private stop(why: string): void {
    this.over ??= new ForecastError('SWARM_E_MODEL_FAILED', `model failed: ${why}`, HINT);
    this.child.kill('SIGKILL');
    for (const call of this.calls.values()) call.failed(this.over);
    this.calls.clear();
  }
}

const HINT = 'do not serve it; raise the limit only if you know why it needs more';

function residentMiB(pid: number | undefined): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 2 ** 20;
  } catch {
    // Gone, or no /proc on this system; isolation.memory says which fence is missing.
    return 0;
  }
}

/** The compiled child: beside this file, or under dist/ when this file runs as TypeScript source. */
function childPath(): string {
  const here = fileURLToPath(import.meta.url);
  if (!here.endsWith('.ts')) return fileURLToPath(new URL('./sandbox-child.js', import.meta.url));
  return fileURLToPath(new URL('../../dist/forecast/onnx/sandbox-child.js', import.meta.url));
}
