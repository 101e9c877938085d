// The connection to the blackboard: a Kysely instance over a pg pool, with types generated from the live schema.
// Errors of the server become SwarmErrors with a stable code; everything else passes through untouched.
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { SwarmError, type SwarmErrorCode } from './errors.js';
import type { DB } from './schema.generated.js';
import { postgresAddress, tlsFailure } from './tls.js';

export type Db = Kysely<DB>;

const INT8 = 20;
const INT8_ARRAY = 1016;

/** bigint columns hold unix seconds, counts and tokens, all below 2^53: they arrive as numbers. */
export const wireTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number;
    if (oid === INT8_ARRAY) return (text: string) => JSON.parse(`[${text.slice(1, -1)}]`) as number[];
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

export interface DbOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  readonly connections?: number;
  /** A connection on which nothing moves for so long is given up. Default: longer than any login's statement may take. */
  readonly silentMs?: number;
}

/**
 * A line that was cut without a word (a firewall that forgot it, a host that is gone) looks like a long query. The server ends any
 * statement of an agent after 60 s and would say so; what is silent for longer is not there any more.
 */
const SILENT_MS = 75_000;

export function openPool({ url, name, connections = 4, silentMs = SILENT_MS }: DbOptions): pg.Pool {
  const pool = new pg.Pool({
    ...postgresAddress(url),
    application_name: name.slice(0, 63),
    max: connections,
    types: wireTypes,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
  });
  // A connection that the server closed is replaced at the next query; without a listener Node would exit. The pool
  // listens to idle ones alone, so one that is lost between two statements of a transaction needs its own.
  pool.on('error', () => undefined);
  // A connection cut in the middle of a query reports twice: to the query, and here.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    giveUpSilent(client, silentMs);
  });
  return pool;
}

export function openDb(options: DbOptions): Db {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool: openPool(options) }) });
}

/** The socket under a client, which the driver's types leave out. */
const socketOf = (client: pg.ClientBase): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** For clients that ask now and then: one whose server has not said a word for so long is cut off. */
export function giveUpSilent(client: pg.ClientBase, ms = SILENT_MS): void {
  const socket = socketOf(client);
  socket.setTimeout(ms, () =>
    socket.destroy(
      Object.assign(new Error(`the server was silent for ${ms / 1000} s`), { code: 'ETIMEDOUT' }),
    ),
  );
}

/** Ends a connection in order, or after a moment without: a server that is away answers no goodbye. */
export async function hangUp(client: pg.Client): Promise<void> {
  const tired = setTimeout(() => socketOf(client).destroy(), GOODBYE_MS).unref();
  await client.end().catch(() => undefined);
  clearTimeout(tired);
}

const GOODBYE_MS = 2000;

const CONFLICT = new Set(['40001', '40P01']);
const CONFLICT_TRIES = 6;
const CONFLICT_PAUSE_MS = 50;

/**
 * Runs an effect in a transaction, again where the server undid it to end a deadlock or a serialisation conflict. So the effect
 * may run more than once and must do nothing but write through `trx`.
 */
export async function transact<T>(db: Db, effect: (trx: Transaction<DB>) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.transaction().execute(effect);
    } catch (error) {
      if (!CONFLICT.has(stateOf(error) ?? '') || tries === CONFLICT_TRIES) throw error;
      // Of two that met once, one must come later.
      await delay(CONFLICT_PAUSE_MS * tries * (1 + Math.random()));
    }
  }
}

/** SQLSTATE or errno of a driver error, if it has one. */
export function stateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The server's function that reported an error: unlike the message, the same in every language. */
function routineOf(error: unknown): string | undefined {
  const routine = (error as { routine?: unknown } | null)?.routine;
  return typeof routine === 'string' ? routine : undefined;
}

const CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '08000',
  '08006',
  '08003',
  '08P01',
]);

/** The server is there and cannot just now: no disk, no memory, an I/O error. */
const EXHAUSTED = new Set(['53000', '53100', '53200', '58030']);

/** Somebody else was in the way: a deadlock, a conflict, a lock that was not given. */
const IN_THE_WAY = new Set([...CONFLICT, '55P03']);

const PASSING_CODES = new Set<unknown>([
  'SWARM_E_DB_UNREACHABLE',
  'SWARM_E_DB_EXHAUSTED',
  'SWARM_E_DB_CONFLICT',
] satisfies SwarmErrorCode[]);

/** True for a failure that the same call may not meet again in a moment: the server restarts, is out of reach or full, or busy. */
export function isTransient(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== undefined)
    return CONNECTION.has(state) || EXHAUSTED.has(state) || IN_THE_WAY.has(state) || PASSING_CODES.has(state);
  return (
    error instanceof Error &&
    /Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered/.test(
      error.message,
    )
  );
}

/** True when the server no longer takes the credentials of this process: they were revoked or rotated. */
export function isShutOut(error: unknown): boolean {
  const code = stateOf(explain(error));
  return code === 'SWARM_E_AGENT_REVOKED' || code === 'SWARM_E_DB_AUTH';
}

/** The SwarmError behind a driver error; other errors are returned as they are. */
export function explain(error: unknown): unknown {
  if (error instanceof SwarmError) return error;
  const state = stateOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  const untrusted = tlsFailure(error);
  if (untrusted !== null) return untrusted;
  if (state === 'SW001')
    return new SwarmError(
      'SWARM_E_STALE_LEASE',
      text,
      'The work was taken over after its lease ended; nothing was written. Nothing to do.',
      cause,
    );
  if (state === 'SW007' || (state === '28000' && routineOf(error) === 'InitializeSessionUserId'))
    return new SwarmError(
      'SWARM_E_AGENT_REVOKED',
      `the blackboard no longer lets this agent in: ${text}`,
      'It was revoked, which is for good: remove its file, and enrol an agent under another name.',
      cause,
    );
  if (state === 'SW008')
    return new SwarmError(
      'SWARM_E_RECORD_TOO_LARGE',
      text,
      'Shorten it; docs/blackboard.md has the limits.',
      cause,
    );
  if (state === 'SW009')
    return new SwarmError(
      'SWARM_E_SIGNATURE',
      text,
      'Sign each record once, with the key of the agent file.',
      cause,
    );
  if (state?.startsWith('SW') && !state.startsWith('SWARM'))
    return new SwarmError(
      'SWARM_E_RECORD_REFUSED',
      text,
      'The record breaks a rule of the blackboard; see docs/blackboard.md.',
      cause,
    );
  if (state === '28P01' || state === '28000')
    return new SwarmError(
      'SWARM_E_DB_AUTH',
      `the database refused the login: ${text}`,
      'Check user and password in SWARM_DATABASE_URL. An agent: its credentials were rotated, or the file is not its newest.',
      cause,
    );
  if (state === '3D000')
    return new SwarmError(
      'SWARM_E_DB_UNREACHABLE',
      text,
      'Create the database named in SWARM_DATABASE_URL, or correct the name.',
      cause,
    );
  if (state === '23514' || state === '23502' || state === '42501')
    return new SwarmError(
      'SWARM_E_RECORD_REFUSED',
      text,
      'The record breaks a rule of its table or the login lacks the right; see docs/blackboard.md.',
      cause,
    );
  if (EXHAUSTED.has(state ?? ''))
    return new SwarmError(
      'SWARM_E_DB_EXHAUSTED',
      `the database cannot take anything just now: ${text}`,
      'Free space on its disk (or memory); whoever has something to write tries again until it is written.',
      cause,
    );
  if (IN_THE_WAY.has(state ?? ''))
    return new SwarmError(
      'SWARM_E_DB_CONFLICT',
      `a transaction met others and was undone: ${text}`,
      'It is tried again by itself. If it keeps coming, look for long transactions in pg_stat_activity.',
      cause,
    );
  if (isTransient(error))
    return new SwarmError(
      'SWARM_E_DB_UNREACHABLE',
      `the database cannot be reached: ${text}`,
      'Is it running? `swarm up` starts the embedded one; SWARM_DATABASE_URL names another.',
      cause,
    );
  return error;
}
