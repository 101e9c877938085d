// NATS JetStream behind one module: publish an event once, and pull events durably. Postgres is the truth and this is
// the doorbell, so nothing here may be needed for correctness: a lost event is found by the next sweep.
import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  NatsError,
  nanos,
  StringCodec,
} from 'nats';
import { z } from 'zod';
import { AGENT_API, durableOf, STREAM, SUBJECT } from './access.js';
import { type NatsLogin, natsServers } from './connect.js';

const MINUTE_MS = 60_000;

const eventSchema = z.strictObject({ v: z.literal(1), id: z.int(), kind: z.string(), ref: z.string() });

const namesSchema = z.object({ total: z.int(), consumers: z.array(z.string()).nullish() });

/** What travels: the reader loads the record itself. `id` is the outbox id. */
export type SwarmEvent = z.infer<typeof eventSchema>;

/** One message as it came. Whoever takes it settles it: ack, or term, or again. */
export interface Delivery {
  /** Null when the message is not an event that this program can read. */
  readonly event: SwarmEvent | null;
  readonly body: string;
  /** Place in the stream. */
  readonly sequence: number;
  /** How often the server has delivered it, this time included. */
  readonly deliveries: number;
  ack(): void;
  /** Says that it is still in hand: the server waits on before it delivers it again. */
  working(): void;
  /** Has it delivered again soon. */
  again(): void;
  /** Has it never delivered again. */
  term(): void;
}

const codec = StringCodec();

const AGAIN_MS = 1000;
/** How long one pull stands. A lost one, or one whose server went away, is missed after as long and made anew. */
const PULL_MS = 10_000;
/** What an agent neither settles nor says it is working on comes again after so long. */
export const ACK_WAIT_MS = MINUTE_MS;
/** Copies of the stream where there are servers enough. */
const REPLICAS = 3;

/** The account's own figures, which the client would ask for first, are nobody's but the administrator's. */
const managerOf = (nats: NatsConnection): Promise<JetStreamManager> =>
  nats.jetstreamManager({ checkAPI: false });

/**
 * Creates the stream when it is missing: file storage, one day of events, duplicates dropped for two minutes. In a cluster it has three
 * copies as soon as three servers take them; a single server, and a cluster that is still too small, keep one.
 */
export async function ensureStream(nats: NatsConnection): Promise<void> {
  const { streams } = await managerOf(nats);
  const config = {
    name: STREAM,
    subjects: [`${SUBJECT}.>`],
    max_age: nanos(24 * 60 * MINUTE_MS),
    duplicate_window: nanos(2 * MINUTE_MS),
    max_bytes: 256 * 1024 * 1024,
  };
  const isClustered = nats.info?.cluster !== undefined;
  const there = await streams.info(STREAM).catch((error) => {
    if (isApiError(error, NO_STREAM)) return null;
    throw error;
  });
  if (there === null && !isClustered) await streams.add(config);
  else if (there === null)
    await streams.add({ ...config, num_replicas: REPLICAS }).catch((error) => {
      if (!isApiError(error, ...TOO_FEW_PEERS)) throw error;
      return streams.add(config);
    });
  else if (isClustered && there.config.num_replicas < REPLICAS)
    await streams.update(STREAM, { num_replicas: REPLICAS }).catch((error) => {
      if (!isApiError(error, ...TOO_FEW_PEERS)) throw error;
    });
}

// Numbers of the server's own table of errors (nats-server errors.json): stream not found; no suitable peers, replicas without a
// cluster, insufficient resources.
const NO_STREAM = 10059;
const TOO_FEW_PEERS = [10005, 10074, 10023];

const isApiError = (error: unknown, ...codes: readonly number[]): boolean =>
  codes.includes((error as { api_error?: { err_code?: number } }).api_error?.err_code ?? 0);

/** Makes the consumers of these agents that are missing, and removes any other: an agent makes none by itself. */
export async function ensureConsumers(nats: NatsConnection, agents: readonly string[]): Promise<void> {
  const manager = await managerOf(nats);
  const wanted = new Set(agents.map(durableOf));
  const there = new Set<string>();
  const { consumers } = manager;
  // Names alone: the client's own listing asks for everything about each.
  for (let offset = 0, total = 1; offset < total; ) {
    const reply = await nats.request(
      `$JS.API.CONSUMER.NAMES.${STREAM}`,
      codec.encode(JSON.stringify({ offset })),
      {
        timeout: 5000,
      },
    );
    const page = namesSchema.parse(JSON.parse(codec.decode(reply.data)));
    total = page.total;
    for (const name of page.consumers ?? []) there.add(name);
    if ((page.consumers ?? []).length === 0) break;
    offset = there.size;
  }
  for (const durable of wanted)
    if (!there.has(durable))
      await consumers.add(STREAM, {
        durable_name: durable,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.New,
        ack_wait: nanos(ACK_WAIT_MS),
        max_ack_pending: 1000,
      });
  for (const durable of there) if (!wanted.has(durable)) await consumers.delete(STREAM, durable);
}

/** Publishes with the outbox id as message id: a second publication of the same event is dropped by the server. */
export async function publish(nats: NatsConnection, event: SwarmEvent): Promise<void> {
  await nats.jetstream().publish(`${SUBJECT}.${event.kind}`, codec.encode(JSON.stringify(event)), {
    msgID: String(event.id),
    timeout: 3000,
  });
}

function delivery(message: JsMsg): Delivery {
  const body = codec.decode(message.data);
  return {
    event: readEvent(body),
    body,
    sequence: message.seq,
    deliveries: message.info.deliveryCount,
    ack: () => say(() => message.ack()),
    working: () => say(() => message.working()),
    again: () => say(() => message.nak(AGAIN_MS)),
    term: () => say(() => message.term()),
  };
}

/** Once its connection is closed nothing can be said of a message any more: it comes again, and is settled then. */
function say(word: () => void): void {
  try {
    word();
  } catch (error) {
    if (!(error instanceof NatsError)) throw error;
  }
}

function readEvent(body: string): SwarmEvent | null {
  try {
    return eventSchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

/** Pulls events for one agent until `signal` aborts; throws when the server has no consumer for it (yet, or any more). */
export async function* pull(
  nats: NatsConnection,
  { url, name, seed }: NatsLogin,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const isAgent = !natsServers(url)[0].username && seed !== undefined;
  const jetstream = nats.jetstream({ checkAPI: false, ...(isAgent ? { apiPrefix: AGENT_API } : {}) });
  const durable = await jetstream.consumers.get(STREAM, durableOf(name));
  const messages = await durable.consume({
    max_messages: 100,
    expires: PULL_MS,
    abort_on_missing_resource: true,
  });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const message of messages) yield delivery(message);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
