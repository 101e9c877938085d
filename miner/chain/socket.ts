// One WebSocket connection that speaks JSON-RPC 2.0 with a node.
// Promises: every call ends, with its result, the node's refusal (RpcRefusal) or the end of the connection; a node that
// stays silent, sends what is no JSON-RPC, or more than MESSAGE_BYTES is hung up on. Leaves to others: what to ask, and
// connecting again.
import type WebSocket from 'ws';
import { z } from 'zod';
import { malformed, unreachable, words } from './failure.js';

/** The metadata, the largest answer there is, has 1.2 MB as hex. */
const MESSAGE_BYTES = 32 * 1024 * 1024;

/** Subscriptions, and messages of each, that are kept until their number is known. */
const EARLY = 16;

export interface SocketLimits {
  /** Until the connection stands, and until an answer is there. */
  readonly connect_ms: number;
  readonly answer_ms: number;
}

export const SOCKET_LIMITS: SocketLimits = { connect_ms: 10_000, answer_ms: 30_000 };

/** The node's answer is an error. */
export class RpcRefusal extends Error {
  constructor(
    readonly method: string,
    readonly code: number,
    /** What the node adds, such as "Custom error: 12". */
    readonly data: string,
    message: string,
  ) {
    super(message);
  }
}

export interface NodeSocket {
  readonly url: string;
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Hands every message of a subscription to `take`, until `take` returns true; rejects when the connection ends. */
  watch(
    method: string,
    params: readonly unknown[],
    unsubscribe: string,
    take: (message: unknown) => boolean,
  ): Promise<void>;
  /** Resolves once the connection has ended, with the reason. */
  readonly ended: Promise<Error>;
  close(): void;
}

const reply = z.object({
  id: z.number().int(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).nullish(),
});
const notice = z.object({
  params: z.object({ subscription: z.union([z.string(), z.number()]), result: z.unknown() }),
});

interface Waiting {
  readonly method: string;
  readonly timer: NodeJS.Timeout;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Connects. SWARM_E_CHAIN_UNREACHABLE. */
export async function openSocket(url: string, limits: SocketLimits = SOCKET_LIMITS): Promise<NodeSocket> {
  const { WebSocket } = await import('ws');
  const ws = new WebSocket(url, {
    handshakeTimeout: limits.connect_ms,
    maxPayload: MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', (error) => reject(unreachable(url, words(error.message || 'no connection'), error)));
  });
  return new Conversation(url, ws, limits);
}

class Conversation implements NodeSocket {
  readonly ended: Promise<Error>;
  readonly #calls = new Map<number, Waiting>();
  readonly #watchers = new Map<string | number, (message: unknown) => void>();
  /** Messages of a subscription whose number was not known yet when they came. */
  readonly #early = new Map<string | number, unknown[]>();
  #end: (error: Error) => void = () => undefined;
  #over: Error | null = null;
  #next = 1;

  constructor(
    readonly url: string,
    readonly ws: WebSocket,
    readonly limits: SocketLimits,
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    ws.on('message', (data, binary) => this.#take(binary ? '' : String(data)));
    ws.on('error', (error) => this.#hangUp(unreachable(url, words(error.message), error)));
    ws.on('close', () => this.#hangUp(unreachable(url, 'the node ended the connection')));
  }

  call(method: string, params: readonly unknown[]): Promise<unknown> {
    if (this.#over !== null) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      const silent = () =>
        this.#hangUp(unreachable(this.url, `no answer to ${method} in ${this.limits.answer_ms / 1000} s`));
      this.#calls.set(id, { method, resolve, reject, timer: setTimeout(silent, this.limits.answer_ms) });
      this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  async watch(
    method: string,
    params: readonly unknown[],
    unsubscribe: string,
    take: (message: unknown) => boolean,
  ): Promise<void> {
    const id = z.union([z.string(), z.number()]).parse(await this.call(method, params));
    try {
      await new Promise<void>((resolve, reject) => {
        const told = (message: unknown): void => {
          try {
            if (take(message)) resolve();
          } catch (error) {
            reject(error as Error);
          }
        };
        void this.ended.then(reject);
        this.#watchers.set(id, told);
        for (const message of this.#early.get(id) ?? []) told(message);
        this.#early.delete(id);
      });
    } finally {
      this.#watchers.delete(id);
      void this.call(unsubscribe, [id]).catch(() => undefined);
    }
  }

  close(): void {
    this.#hangUp(unreachable(this.url, 'the connection was closed'));
  }

  #take(text: string): void {
    const message = parsed(text);
    const answer = reply.safeParse(message);
    const told = notice.safeParse(message);
    if (answer.success) this.#answered(answer.data);
    else if (told.success) this.#told(told.data.params);
    else this.#hangUp(malformed(this.url, 'a message that is no JSON-RPC'));
  }

  #told({ subscription, result }: z.infer<typeof notice>['params']): void {
    const watcher = this.#watchers.get(subscription);
    const early = this.#early.get(subscription) ?? [];
    if (watcher !== undefined) watcher(result);
    else if (this.#early.size < EARLY) this.#early.set(subscription, [...early.slice(-EARLY), result]);
  }

  #answered({ id, result, error }: z.infer<typeof reply>): void {
    const one = this.#calls.get(id);
    this.#calls.delete(id);
    if (one === undefined) return;
    clearTimeout(one.timer);
    if (error == null) one.resolve(result);
    else one.reject(new RpcRefusal(one.method, error.code, words(error.data ?? ''), words(error.message)));
  }

  #hangUp(error: Error): void {
    if (this.#over !== null) return;
    this.#over = error;
    for (const { timer, reject } of this.#calls.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#calls.clear();
    this.ws.terminate();
    this.#end(error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
