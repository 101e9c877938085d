// NATS JetStream behind one module: publish an event once, and pull events durably. Postgres is the truth and this is
// the doorbell, so nothing here may be needed for correctness: a lost event is found by the next sweep.
import { AckPolicy, connect, DeliverPolicy, type JsMsg, type NatsConnection, nanos, StringCodec } from 'nats';
import { z } from 'zod';
import { SwarmError } from '../errors.js';

const STREAM = 'SWARM';
const SUBJECT = 'swarm.event';
const MINUTE_MS = 60_000;

const eventSchema = z.strictObject({ v: z.literal(1), id: z.int(), kind: z.string(), ref: z.string() });

/** What travels: the reader loads the record itself. `id` is the outbox id. */
export type SwarmEvent = z.infer<typeof eventSchema>;

export interface Delivery {
  readonly event: SwarmEvent;
  ack(): void;
}

const codec = StringCodec();

export async function connectNats(url: string, name: string): Promise<NatsConnection> {
  const at = new URL(url);
  try {
    return await connect({
      servers: `${at.hostname}:${at.port || 4222}`,
      ...(at.username
        ? { user: decodeURIComponent(at.username), pass: decodeURIComponent(at.password) }
        : {}),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      waitOnFirstConnect: false,
      timeout: 5000,
    });
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_NATS_UNREACHABLE',
      `no NATS server at ${at.hostname}:${at.port}: ${error instanceof Error ? error.message : error}`,
      'Start it, or correct SWARM_NATS_URL; without events the swarm runs on its sweep alone.',
      { cause: error },
    );
  }
}

/** Creates the stream when it is missing: file storage, one day of events, duplicates dropped for two minutes. */
export async function ensureStream(nats: NatsConnection): Promise<void> {
  const manager = await nats.jetstreamManager();
  const config = {
    name: STREAM,
    subjects: [`${SUBJECT}.>`],
    max_age: nanos(24 * 60 * MINUTE_MS),
    duplicate_window: nanos(2 * MINUTE_MS),
    max_bytes: 256 * 1024 * 1024,
  };
  try {
    await manager.streams.info(STREAM);
  } catch {
    await manager.streams.add(config);
  }
}

/** Publishes with the outbox id as message id: a second publication of the same event is dropped by the server. */
export async function publish(nats: NatsConnection, event: SwarmEvent): Promise<void> {
  await nats.jetstream().publish(`${SUBJECT}.${event.kind}`, codec.encode(JSON.stringify(event)), {
    msgID: String(event.id),
    timeout: 3000,
  });
}

function delivery(message: JsMsg): Delivery | null {
  try {
    return { event: eventSchema.parse(JSON.parse(codec.decode(message.data))), ack: () => message.ack() };
  } catch {
    // Not one of ours: taken off the stream, since no redelivery would make it readable.
    message.term();
    return null;
  }
}

/** Pulls events for one durable consumer until `signal` aborts; throws when the server has lost stream or consumer. */
export async function* pull(
  nats: NatsConnection,
  consumer: string,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const manager = await nats.jetstreamManager();
  try {
    await manager.consumers.info(STREAM, consumer);
  } catch {
    await manager.consumers.add(STREAM, {
      durable_name: consumer,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.New,
      ack_wait: nanos(MINUTE_MS),
      max_ack_pending: 1000,
    });
  }
  const durable = await nats.jetstream().consumers.get(STREAM, consumer);
  const messages = await durable.consume({ max_messages: 100, abort_on_missing_resource: true });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const message of messages) {
      const one = delivery(message);
      if (one !== null) yield one;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
