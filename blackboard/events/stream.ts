// NATS JetStream behind one module: publish an event once, and pull events durably. Postgres is the truth and this is
// the doorbell, so nothing here may be needed for correctness: a lost event is found by the next sweep.
import {
  AckPolicy,
  connect,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  nanos,
  nkeyAuthenticator,
  StringCodec,
  type TlsOptions,
} from 'nats';
import { z } from 'zod';
import { SwarmError } from '../errors.js';
import { natsTls, tlsFailure } from '../tls.js';
import { AGENT_API, durableOf, inboxOf, STREAM, SUBJECT } from './access.js';

const MINUTE_MS = 60_000;

const eventSchema = z.strictObject({ v: z.literal(1), id: z.int(), kind: z.string(), ref: z.string() });

const namesSchema = z.object({ total: z.int(), consumers: z.array(z.string()).nullish() });

/** What travels: the reader loads the record itself. `id` is the outbox id. */
export type SwarmEvent = z.infer<typeof eventSchema>;

export interface Delivery {
  readonly event: SwarmEvent;
  ack(): void;
}

const codec = StringCodec();

/** Who connects: an agent by its nkey; a login in the address itself comes first, for servers that know no agents. */
export interface NatsLogin {
  readonly url: string;
  /** The agent's name: it decides which inbox is its own. */
  readonly name: string;
  readonly seed?: string | undefined;
}

export async function connectNats({ url, name, seed }: NatsLogin): Promise<NatsConnection> {
  const at = new URL(url);
  const login = at.username
    ? { user: decodeURIComponent(at.username), pass: decodeURIComponent(at.password) }
    : seed === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) };
  const tls = natsTls(at);
  try {
    return await connect({
      ...(tls === undefined ? {} : { tls: tls as TlsOptions }),
      servers: `${at.hostname}:${at.port || 4222}`,
      ...login,
      name,
      inboxPrefix: inboxOf(name),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      waitOnFirstConnect: false,
      timeout: 5000,
    });
  } catch (error) {
    const untrusted = tlsFailure(error);
    if (untrusted !== null) throw untrusted;
    throw new SwarmError(
      'SWARM_E_NATS_UNREACHABLE',
      `no NATS server at ${at.hostname}:${at.port} lets ${name} in: ${error instanceof Error ? error.message : error}`,
      'Start it, correct SWARM_NATS_URL, or enrol the agent; without events the swarm runs on its sweep alone.',
      { cause: error },
    );
  }
}

/** The account's own figures, which the client would ask for first, are nobody's but the administrator's. */
const managerOf = (nats: NatsConnection): Promise<JetStreamManager> =>
  nats.jetstreamManager({ checkAPI: false });

/** Creates the stream when it is missing: file storage, one day of events, duplicates dropped for two minutes. */
export async function ensureStream(nats: NatsConnection): Promise<void> {
  const manager = await managerOf(nats);
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
        ack_wait: nanos(MINUTE_MS),
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

function delivery(message: JsMsg): Delivery | null {
  try {
    return { event: eventSchema.parse(JSON.parse(codec.decode(message.data))), ack: () => message.ack() };
  } catch {
    // Not one of ours: taken off the stream, since no redelivery would make it readable.
    message.term();
    return null;
  }
}

/** Pulls events for one agent until `signal` aborts; throws when the server has no consumer for it (yet, or any more). */
export async function* pull(
  nats: NatsConnection,
  { url, name, seed }: NatsLogin,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const isAgent = !new URL(url).username && seed !== undefined;
  const jetstream = nats.jetstream({ checkAPI: false, ...(isAgent ? { apiPrefix: AGENT_API } : {}) });
  const durable = await jetstream.consumers.get(STREAM, durableOf(name));
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
