// The axon's socket: HTTP/1.1 on IPv4, with limits on everything that a stranger can make it keep.
// Promises: what is no HTTP at all, or too slow, or too large in its headers, ends with a status and a log line of its
// own. Leaves to others: requests (pipeline.ts).
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { SwarmError } from '../../blackboard/errors.js';
import { cryptoReady, type Signer } from '../wallet/sr25519.js';
import { Budget } from './budget.js';
import { NonceJournal } from './journal.js';
import { type Axon, type Forward, handle } from './pipeline.js';
import type { AccessPolicy, Members } from './policy.js';
import { Signatures } from './signatures.js';
import { Turns } from './turns.js';
import { Verifier } from './verify.js';

export interface AxonOptions {
  readonly signer: Signer;
  readonly policy: AccessPolicy;
  readonly members: Members;
  readonly forward: Forward;
  readonly log: Logger;
  /** 0 for any free one. */
  readonly port: number;
  /** An IPv4 address: dendrites cannot name an IPv6 one. */
  readonly host?: string;
  /** File that keeps the nonces which a restart must not forget. */
  readonly nonces?: string | undefined;
  /** Wall time in ns since 1970, and when the axon started; for tests. */
  readonly now_ns?: () => bigint;
  readonly since_ns?: bigint;
  readonly limits?: Partial<AxonLimits>;
}

export interface AxonLimits {
  readonly running: number;
  readonly waiting: number;
  readonly waitingEach: number;
  readonly connections: number;
  readonly connectionsEach: number;
  /** For a request's headers, its body once that is wanted, and the whole of it. */
  readonly headers_ms: number;
  readonly body_ms: number;
  readonly request_ms: number;
}

const LIMITS: AxonLimits = {
  running: 4,
  waiting: 256,
  waitingEach: 16,
  connections: 1024,
  connectionsEach: 256,
  headers_ms: 5000,
  body_ms: 5000,
  request_ms: 15_000,
};
const HEADER_BYTES = 16 * 1024;
const KEEP_ALIVE_MS = 10_000;
/** What an answer that is on its way gets when the axon closes. */
const CLOSING_MS = 5000;
/** Refusals that are signed: no client checks it, and a flood must not buy 0.6 ms with each request. */
const SIGNED_PER_S = 50;

export interface OpenAxon {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; SWARM_E_PORT_IN_USE when somebody else does. */
export async function openAxon(options: AxonOptions): Promise<OpenAxon> {
  await cryptoReady();
  const limits = { ...LIMITS, ...options.limits };
  const now_ns = options.now_ns ?? (() => BigInt(Date.now()) * 1_000_000n);
  const journal = options.nonces === undefined ? undefined : new NonceJournal(options.nonces);
  const signatures = new Signatures();
  const axon: Axon = {
    signer: options.signer,
    uuid: randomUUID(),
    policy: options.policy,
    members: options.members,
    verifier: new Verifier({
      hotkey: options.signer.ss58,
      now_ns,
      signatures,
      journal,
      since_ns: options.since_ns ?? now_ns(),
    }),
    turns: new Turns(limits),
    forward: options.forward,
    log: options.log,
    signatures: new Budget(SIGNED_PER_S),
    now_ns,
    limits,
  };
  const server = createServer({
    requestTimeout: limits.request_ms,
    headersTimeout: limits.headers_ms,
    connectionsCheckingInterval: 500,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES,
  });
  server.on('request', (request, response) => void handle(axon, request, response));
  // Not answered with "100 Continue" before the caller is known: most of what asks first is refused.
  server.on('checkContinue', (request, response) => {
    request.once('resume', () => response.headersSent || response.writeContinue());
    void handle(axon, request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    noHttp(options.log, error, socket),
  );
  limitConnections(server, limits, options.log);
  try {
    await signatures.ready();
    await listening(server, options.port, options.host ?? '0.0.0.0');
  } catch (error) {
    await signatures.close();
    throw error;
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      await closed(server);
      await signatures.close();
    },
  };
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });

const STATUS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_PAUSED_H2_UPGRADE: '505 HTTP Version Not Supported',
};

const refused = new WeakSet<Socket>();

/** A connection that did not carry a request: one line, one status, and the end of it. */
function noHttp(log: Logger, error: NodeJS.ErrnoException, socket: Socket): void {
  // What follows the first fault is a fault as well.
  if (refused.has(socket)) return;
  refused.add(socket);
  // A caller that hung up: what it asked before has its line already.
  if (error.code === 'ECONNRESET') return void socket.destroy();
  const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
  log.warn({ from: socket.remoteAddress, status: Number(status.slice(0, 3)), why: error.code }, 'no request');
  if (!socket.writable) return void socket.destroy();
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

/** So many connections in all, and from one address: who opens them and says nothing keeps nobody else out. */
function limitConnections(server: Server, limits: AxonLimits, log: Logger): void {
  server.maxConnections = limits.connections;
  const open = new Map<string, number>();
  const said = new Budget(1);
  server.on('connection', (socket: Socket) => {
    const from = socket.remoteAddress ?? '';
    const count = (open.get(from) ?? 0) + 1;
    open.set(from, count);
    socket.once('close', () => {
      const left = (open.get(from) ?? 1) - 1;
      if (left === 0) open.delete(from);
      else open.set(from, left);
    });
    if (count > limits.connectionsEach) {
      if (said.take()) log.warn({ from, count }, 'too many connections of one address');
      socket.destroy();
    }
  });
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new SwarmError(
              'SWARM_E_PORT_IN_USE',
              `port ${port} of the axon is in use`,
              'Choose another with --port.',
              {
                cause: error,
              },
            )
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
}
