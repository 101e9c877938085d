// The relay: outbox rows -> JetStream -> marked as published. Woken by NOTIFY, and by a slow sweep for what a lost
// notification missed. A crash between publishing and marking publishes again; the message id makes that harmless.
// It also looks after the stream and makes every agent's consumer: agents may not.
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import pg from 'pg';
import { type Db, explain, giveUpSilent, hangUp, isShutOut } from '../db.js';
import { debugPoint } from '../debug-point.js';
import type { AgentRole } from '../identity/roles.js';
import { postgresAddress } from '../tls.js';
import { listens } from './access.js';
import { connectNats, isUnanswered, type NatsLogin } from './connect.js';
import { pause } from './doorbell.js';
import { ensureConsumers, ensureStream, publish } from './stream.js';

interface Options {
  readonly db: Db;
  /** The relay's own connection string: LISTEN needs a connection that stays. */
  readonly databaseUrl: string;
  readonly nats: NatsLogin;
  readonly signal: AbortSignal;
  readonly onProblem: (error: unknown) => void;
  /** Called after every pass with the number of events published. */
  readonly onPass: (published: number) => void;
}

const BATCH = 500;
const SWEEP_MS = 1000;
/** After events came: others are about to commit whose bell was not rung again (board.emit). Doubled while nothing comes. */
const SOON_MS = 4;
/** How soon an agent that was just enrolled has its consumer; until then it sweeps. */
const TEND_MS = 2000;
const CONNECT_MS = 10_000;
/** Requests in a row that NATS leaves without an answer before the connection is made anew. */
const MOST_UNANSWERED = 3;

export async function runRelay({
  db,
  databaseUrl,
  nats: login,
  signal,
  onProblem,
  onPass,
}: Options): Promise<void> {
  while (!signal.aborted) {
    const listener = new pg.Client({
      ...postgresAddress(databaseUrl),
      application_name: 'swarm relay listener',
      connectionTimeoutMillis: CONNECT_MS,
    });
    const broken = new AbortController();
    listener.on('error', () => broken.abort());
    try {
      await listener.connect();
      giveUpSilent(listener);
      let ring: () => void = () => undefined;
      listener.on('notification', () => ring());
      await listener.query('listen swarm_outbox');
      const nats = await connectNats(login);
      try {
        let tendAt = 0;
        let rest_ms = SWEEP_MS;
        let unanswered = 0;
        /** Null where NATS did not answer: looked at again soon, and in the end over another connection. */
        const asking = async <T>(work: () => Promise<T>): Promise<T | null> => {
          try {
            const result = await work();
            unanswered = 0;
            return result;
          } catch (error) {
            if (!isUnanswered(error) || ++unanswered === MOST_UNANSWERED) throw error;
            onProblem(error);
            tendAt = 0;
            return null;
          }
        };
        while (!signal.aborted && !broken.signal.aborted && !nats.isClosed()) {
          const rang = new AbortController();
          ring = () => rang.abort();
          if (performance.now() >= tendAt) {
            tendAt = performance.now() + TEND_MS;
            // Says that the line still holds: one that was cut without a word hears nothing, and that looks like rest.
            void listener.query('select').catch(() => broken.abort());
            await asking(() => tend(nats, db));
            await sql`select board.prune()`.execute(db);
          }
          const published = (await asking(() => relayOnce(db, (event) => publish(nats, event)))) ?? 0;
          onPass(published);
          rest_ms = published > 0 ? SOON_MS : Math.min(SWEEP_MS, 2 * rest_ms);
          if (published < BATCH) await pause(rest_ms, AbortSignal.any([rang.signal, signal, broken.signal]));
        }
      } finally {
        await nats.close();
      }
    } catch (error) {
      if (isShutOut(error)) throw explain(error);
      if (!signal.aborted) onProblem(error);
    } finally {
      await hangUp(listener);
    }
    await pause(SWEEP_MS, signal);
  }
}

async function tend(nats: NatsConnection, db: Db): Promise<void> {
  await ensureStream(nats);
  await debugPoint('relay.connected');
  await ensureConsumers(nats, await listeners(db));
}

/** Agents that are woken by events, and still enrolled. */
async function listeners(db: Db): Promise<string[]> {
  const agents = await db
    .selectFrom('board.agent as a')
    .leftJoin('board.revocation as r', 'r.agent_id', 'a.id')
    .select(['a.name', 'a.role'])
    .where('r.id', 'is', null)
    .execute();
  return agents.filter((agent) => listens(agent.role as AgentRole)).map((agent) => agent.name);
}

/** Publishes what waits, oldest first, and marks it; returns how many. */
export async function relayOnce(
  db: Db,
  send: (event: { v: 1; id: number; kind: string; ref: string }) => Promise<void>,
): Promise<number> {
  const waiting = await db
    .selectFrom('board.outbox')
    .select(['id', 'kind', 'ref'])
    .where('published_at', 'is', null)
    .orderBy('id')
    .limit(BATCH)
    .execute();
  if (waiting.length === 0) return 0;
  await debugPoint('relay.read');
  const sent = await Promise.allSettled(waiting.map((row) => send({ v: 1, ...row })));
  const done = waiting.filter((_, i) => sent[i]!.status === 'fulfilled').map((row) => row.id);
  await debugPoint('relay.published');
  if (done.length > 0)
    await db
      .updateTable('board.outbox')
      // The database's clock, like every other instant there.
      .set({ published_at: sql<Date>`clock_timestamp()` })
      .where('id', 'in', done)
      .execute();
  const failed = sent.find((s) => s.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await debugPoint('relay.marked');
  return done.length;
}
