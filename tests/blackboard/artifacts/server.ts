// The S3 server of the tests from outside: starting it, telling it what to do, and the settings that reach it.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../../blackboard/artifacts/s3-settings.js';

export interface Fault {
  readonly kind:
    | 'reset'
    | 'hang'
    | 'refuse'
    | 'echo'
    | 'html'
    | 'lost answer'
    | 'cut'
    | 'stall'
    | 'short'
    | 'flip'
    | 'slow'
    | 'endless'
    | 'error inside';
  /** Method, and a part of the query after a blank. Default: any request. */
  readonly on?: string;
  readonly times?: number;
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly secret?: string;
  readonly bytes?: number;
  readonly every_ms?: number;
}

export interface Look {
  readonly keys: readonly string[];
  readonly uploads: number;
  /** Requests since the last look. */
  readonly seen: readonly string[];
  /** Bytes of endless answers since the last look. */
  readonly sent: number;
}

export interface S3Server {
  readonly env: Environment;
  fault(fault: Fault): Promise<void>;
  /** Takes back every fault that has not happened yet. */
  heal(): Promise<void>;
  conditions(kind: 'kept' | 'unsupported'): Promise<void>;
  /** Sets the server's clock this far ahead. */
  clock(ms: number): Promise<void>;
  store(objects: readonly (readonly [key: string, latin1: string])[]): Promise<void>;
  /** Flips one bit of an object. */
  spoil(key: string): Promise<void>;
  look(): Promise<Look>;
  close(): Promise<void>;
}

export const KEY = 'AKIDSWARMTEST';
export const SECRET = 'secretOfTheTests0123456789/abcdef+xyz';
const REGION = 'test-1';

/** `port` 0: any free one. */
export async function startS3(port = 0): Promise<S3Server> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./fixtures/s3-server.mjs', import.meta.url)), [], {
    env: { S3_SERVER: JSON.stringify([{ [KEY]: SECRET }, REGION, port]) },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [ready] = (await once(child, 'message')) as [{ port: number }];
  let asked = 0;
  const ask = async <T>(command: string, value?: unknown): Promise<T> => {
    const id = ++asked;
    const answered = new Promise<T>((resolve) => {
      const listen = (message: { id: number; result: T }): void => {
        if (message.id !== id) return;
        child.off('message', listen as never);
        resolve(message.result);
      };
      child.on('message', listen as never);
    });
    child.send({ id, command, value });
    return answered;
  };
  return {
    env: {
      SWARM_S3_ENDPOINT: `http://127.0.0.1:${ready.port}`,
      SWARM_S3_BUCKET: 'swarm',
      SWARM_S3_REGION: REGION,
      SWARM_S3_ACCESS_KEY_ID: KEY,
      SWARM_S3_SECRET_ACCESS_KEY: SECRET,
    },
    fault: (fault) => ask('fault', fault),
    heal: () => ask('heal'),
    conditions: (kind) => ask('conditions', kind),
    clock: (ms) => ask('clock', ms),
    store: (objects) => ask('store', objects),
    spoil: (key) => ask('spoil', key),
    look: () => ask('look'),
    async close() {
      child.disconnect();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
