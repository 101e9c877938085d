// The doorbell of one agent: wait until something may have happened, act, and settle what rang in the transaction of
// the effect. Rings that arrive while an agent works are kept, and the server is told so; an event is acknowledged only after its
// inbox row is committed. What cannot be settled however often it comes is buried: a dead letter, and no more deliveries. Without
// NATS, or with it down, `wait` returns when the sweep is due and the swarm ends in the same tables.
import type { Transaction } from 'kysely';
import type { NatsConnection } from 'nats';
import { type Db, isTransient, transact } from '../db.js';
import { debugPoint } from '../debug-point.js';
import type { DB } from '../schema.generated.js';
import { connectNats } from './connect.js';
import type { Bury } from './dead-letter.js';
import { ACK_WAIT_MS, type Delivery, pull, type SwarmEvent } from './stream.js';

export interface Doorbell {
  /** True while events can arrive. */
  readonly connected: () => boolean;
  /** Resolves when an event of a wanted kind is waiting, when `ms` have passed, or on abort. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** What has rung so far: who looks for work now has looked for all of this. */
  heard(): readonly Rung[];
  /**
   * Runs an effect in a transaction together with the inbox rows of what rang (everything so far, or what was heard before), then
   * acknowledges. After a conflict with other transactions the effect runs again.
   */
  settle<T>(db: Db, effect: (trx: Transaction<DB>) => Promise<T>, heard?: readonly Rung[]): Promise<T>;
  close(): Promise<void>;
}

/** A delivery that can be read. */
export type Rung = Delivery & { readonly event: SwarmEvent };

interface Options {
  readonly natsUrl: string | null;
  /** Name of the agent, whose consumer the relay has made. */
  readonly consumer: string;
  /** The agent's key for NATS. */
  readonly natsSeed?: string | undefined;
  readonly kinds: readonly string[];
  readonly onProblem: (error: unknown) => void;
  /** Writes the dead letter; what it cannot write comes again. */
  readonly bury: Bury;
}

const RETRY_MS = 2000;
const LEAVE_MS = 1000;
/** A delivery that comes more often than this is given up: it was refused each time, or whoever took it died each time. */
const MOST_DELIVERIES = 5;
const IN_HAND_MS = ACK_WAIT_MS / 3;

export function openDoorbell({ natsUrl, consumer, natsSeed, kinds, onProblem, bury }: Options): Doorbell {
  const closed = new AbortController();
  /** By event: what comes again while it waits takes the place of what came before. */
  const rung = new Map<number, Rung>();
  let wake: () => void = () => undefined;
  let nats: NatsConnection | null = null;

  const give = async (delivery: Delivery, reason: string): Promise<void> => {
    await bury(delivery, reason);
    await debugPoint('dead-letter.before-term');
    delivery.term();
  };
  const take = async (delivery: Delivery): Promise<void> => {
    const { event, deliveries } = delivery;
    if (event === null) await give(delivery, 'it is not an event that this program can read');
    else if (deliveries > MOST_DELIVERIES) {
      rung.delete(event.id);
      await give(delivery, `it was delivered ${deliveries} times and never settled`);
    } else if (!kinds.includes(event.kind)) delivery.ack();
    else {
      rung.set(event.id, { ...delivery, event });
      wake();
    }
  };
  const listen = async (url: string): Promise<void> => {
    while (!closed.signal.aborted) {
      try {
        const login = { url, name: consumer, seed: natsSeed };
        nats = await connectNats(login);
        // One that cannot be buried now comes again; the others are not kept waiting for it.
        for await (const delivery of pull(nats, login, closed.signal)) await take(delivery).catch(onProblem);
      } catch (error) {
        if (!closed.signal.aborted) onProblem(error);
      }
      if (nats !== null) await leave(nats).catch(onProblem);
      nats = null;
      if (!closed.signal.aborted) await pause(RETRY_MS, closed.signal);
    }
  };
  const listening = natsUrl === null ? Promise.resolve() : listen(natsUrl);
  const inHand = setInterval(() => {
    for (const delivery of rung.values()) delivery.working();
  }, IN_HAND_MS).unref();

  return {
    connected: () => nats !== null && !nats.isClosed(),
    async wait(ms, signal) {
      if (rung.size > 0) return;
      const rang = new AbortController();
      wake = () => rang.abort();
      await pause(ms, AbortSignal.any([rang.signal, signal, closed.signal]));
      wake = () => undefined;
    },
    heard: () => [...rung.values()],
    // By default a copy of now: what rings while the effect runs is not settled by it.
    async settle(db, effect, heard = [...rung.values()]) {
      let isTheirs = false;
      const result = await transact(db, async (trx) => {
        isTheirs = false;
        const value = await effect(trx);
        if (heard.length === 0) return value;
        isTheirs = true;
        await trx
          .insertInto('board.inbox')
          .values(heard.map(({ event }) => ({ consumer, event_id: event.id })))
          .onConflict((c) => c.doNothing())
          .execute();
        await debugPoint('inbox.before-commit');
        return value;
      }).catch((error) => {
        // Refused for what rang, and not for the effect: it must not take the next effect down with it.
        if (isTheirs && !isTransient(error)) for (const one of heard) putOff(one);
        throw error;
      });
      if (heard.length > 0) await debugPoint('inbox.before-ack');
      for (const delivery of heard) {
        delivery.ack();
        forget(delivery);
      }
      return result;
    },
    async close() {
      closed.abort();
      clearInterval(inHand);
      await listening;
    },
  };

  function forget(delivery: Rung): void {
    if (rung.get(delivery.event.id)?.sequence === delivery.sequence) rung.delete(delivery.event.id);
  }

  function putOff(delivery: Rung): void {
    forget(delivery);
    delivery.again();
  }
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
