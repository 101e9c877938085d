// Calls into a worker thread: CPU-heavy work off the loop that renews leases and serves requests.
// Jobs of one worker run one after the other. A typed error crosses with its code and hint.
// Workers cannot set this switch for the process they live in.
import './onnx/telemetry-off.js';

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';

interface Call {
  readonly id: number;
  readonly job: string;
  readonly input: unknown;
}

interface Reply {
  readonly id: number;
  readonly output?: unknown;
  readonly failure?: { name: string; code?: string; message: string; hint?: string };
}

/** An error that was thrown inside a worker, as it was there. */
export class OffloadedError extends Error {
  override readonly name = 'OffloadedError';
  constructor(
    message: string,
    readonly code: string | undefined,
    readonly hint: string | undefined,
  ) {
    super(message);
  }
}

/** What a job returns with memory that goes to the caller instead of being copied; the worker has it no longer. */
export class Moved<T> {
  constructor(
    readonly output: T,
    readonly memory: readonly ArrayBuffer[],
  ) {}
}

type Given<R> = R extends Moved<infer T> ? T : R;

/** Jobs by name: input and output must survive the structured clone. */
export type Jobs = Record<string, (input: never) => Promise<unknown>>;

export interface Offload<J extends Jobs> {
  call<K extends keyof J & string>(
    job: K,
    input: Parameters<J[K]>[0],
  ): Promise<Given<Awaited<ReturnType<J[K]>>>>;
  /** Ends the thread; calls in flight are rejected. A thread that ends by itself takes the process with it. */
  close(): Promise<void>;
}

/** Where the module's JavaScript lies: beside the caller, or under dist/ when the caller runs from TypeScript source. */
function compiled(entry: URL): string {
  const path = fileURLToPath(entry);
  if (existsSync(path)) return path;
  const parts = path.split('/');
  const root = parts.findLastIndex((_, i) => existsSync([...parts.slice(0, i), 'package.json'].join('/')));
  return [...parts.slice(0, root), 'dist', ...parts.slice(root)].join('/');
}

/** Starts a worker thread for the module at `entry`, which must call {@link serveJobs}. */
export function offload<J extends Jobs>(entry: URL): Offload<J> {
  const worker = new Worker(compiled(entry), { env: {} });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 0;
  let ended: Error | null = null;
  let closing = false;
  const end = (error: Error): void => {
    if (ended !== null) return;
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    // A process without its thread would go on failing every call: it ends, and whoever keeps it running starts both anew.
    if (!closing)
      setImmediate(() => {
        throw error;
      });
  };
  worker.on('message', (reply: Reply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.failure !== undefined)
      one?.reject(new OffloadedError(reply.failure.message, reply.failure.code, reply.failure.hint));
    else one?.resolve(reply.output);
  });
  worker.on('error', (error) => end(error as Error));
  worker.on('exit', (code) => end(new Error(`the worker thread ended with code ${code}`)));
  return {
    call(job, input) {
      if (ended !== null) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ id, job, input } satisfies Call);
      });
    },
    async close() {
      closing = true;
      await worker.terminate();
    },
  };
}

/** The worker's side: answers calls in the order in which they came. */
export function serveJobs(jobs: Jobs): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread only');
  let tail = Promise.resolve();
  port.on('message', ({ id, job, input }: Call) => {
    tail = tail.then(async () => {
      try {
        const run = jobs[job];
        if (run === undefined) throw new Error(`unknown job "${job}"`);
        const output = await run(input as never);
        if (output instanceof Moved)
          port.postMessage({ id, output: output.output } satisfies Reply, [...output.memory]);
        else port.postMessage({ id, output } satisfies Reply);
      } catch (error) {
        const { name, message, code, hint } = error as Error & { code?: string; hint?: string };
        port.postMessage({
          id,
          failure: { name, message, ...(code ? { code } : {}), ...(hint ? { hint } : {}) },
        } satisfies Reply);
      }
    });
  });
}
