// The doorbell of one agent: wait until something may have happened, act, and settle what rang in the transaction of
// the effect. Rings that arrive while an agent works are kept; an event is acknowledged only after its inbox row is
// committed. Without NATS, or with it down, `wait` returns when the sweep is due and the swarm ends in the same tables.
import type { Transaction } from 'kysely';
import type { NatsConnection } from 'nats';
import type { Db } from '../db.js';
import type { DB } from '../schema.generated.js';
import { connectNats, type Delivery, pull } from './stream.js';

export interface Doorbell {
  /** True while events can arrive. */
  readonly connected: () => boolean;
  /** Resolves when an event of a wanted kind is waiting, when `ms` have passed, or on abort. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Runs an effect in a transaction together with the inbox rows of everything that has rung, then acknowledges. */
  settle<T>(db: Db, effect: (trx: Transaction<DB>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Options {
  readonly natsUrl: string | null;
  /** Name of the agent, whose consumer the relay has made. */
  readonly consumer: string;
  /** The agent's key for NATS. */
  readonly natsSeed?: string | undefined;
  readonly kinds: readonly string[];
  readonly onProblem: (error: unknown) => void;
}

const RETRY_MS = 2000;
const LEAVE_MS = 1000;

export function openDoorbell({ natsUrl, consumer, natsSeed, kinds, onProblem }: Options): Doorbell {
  const closed = new AbortController();
  let rung: Delivery[] = [];
  let wake: () => void = () => undefined;
  let nats: NatsConnection | null = null;

  const listen = async (url: string): Promise<void> => {
    while (!closed.signal.aborted) {
      try {
        const login = { url, name: consumer, seed: natsSeed };
        nats = await connectNats(login);
        for await (const delivery of pull(nats, login, closed.signal)) {
          if (!kinds.includes(delivery.event.kind)) delivery.ack();
          else {
            rung.push(delivery);
            wake();
          }
        }
      } catch (error) {
        if (!closed.signal.aborted) onProblem(error);
      }
      if (nats !== null) await leave(nats).catch(onProblem);
      nats = null;
      if (!closed.signal.aborted) await pause(RETRY_MS, closed.signal);
    }
  };
  const listening = natsUrl === null ? Promise.resolve() : listen(natsUrl);

  return {
    connected: () => nats !== null && !nats.isClosed(),
    async wait(ms, signal) {
      if (rung.length > 0) return;
      const rang = new AbortController();
      wake = () => rang.abort();
      await pause(ms, AbortSignal.any([rang.signal, signal, closed.signal]));
      wake = () => undefined;
    },
    async settle(db, effect) {
      // A copy: what rings while the effect runs is not settled by it.
      const settled = [...rung];
      const result = await db.transaction().execute(async (trx) => {
        const value = await effect(trx);
        if (settled.length > 0)
          await trx
            .insertInto('board.inbox')
            .values(settled.map(({ event }) => ({ consumer, event_id: event.id })))
            .onConflict((c) => c.doNothing())
            .execute();
        return value;
      });
      for (const delivery of settled) delivery.ack();
      rung = rung.filter((delivery) => !settled.includes(delivery));
      return result;
    },
    async close() {
      closed.abort();
      await listening;
    },
  };
}

/** Closes a connection; acknowledgements under way get a moment, which a server that is away does not prolong. */
async function leave(nats: NatsConnection): Promise<void> {
  const flushed = nats.flush().catch(() => undefined);
  const given = new AbortController();
  await Promise.race([flushed, pause(LEAVE_MS, given.signal)]);
  given.abort();
  await nats.close();
}

/** A pause that an abort ends early. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
