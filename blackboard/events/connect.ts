// Connecting to NATS: to one server, or to whichever server of a cluster answers.
// Promises: an agent talks to the servers that its address names and to no other, whatever one of them says of its neighbours; off
// this machine that is TLS, verified.
import { connect, ErrorCode, type NatsConnection, NatsError, nkeyAuthenticator, type TlsOptions } from 'nats';
import { SwarmError } from '../errors.js';
import { natsTls, tlsFailure } from '../tls.js';
import { inboxOf } from './access.js';

/** A server that says nothing for three of these is gone, although its line may look open. */
const PING_MS = 10_000;

/** Who connects: an agent by its nkey; a login in the address itself comes first, for servers that know no agents. */
export interface NatsLogin {
  /** One address, or those of a cluster's servers with commas between them. */
  readonly url: string;
  /** The agent's name: it decides which inbox is its own. */
  readonly name: string;
  readonly seed?: string | undefined;
}

/** The servers that an address names; SWARM_E_USAGE where it is none. */
export function natsServers(address: string): [URL, ...URL[]] {
  const servers = address.split(',').map((one) => (URL.canParse(one.trim()) ? new URL(one.trim()) : null));
  const [first, ...others] = servers.filter((server) => server !== null && server.hostname !== '');
  if (first === undefined || first === null || others.length + 1 < servers.length)
    throw new SwarmError(
      'SWARM_E_USAGE',
      'the address of NATS cannot be read',
      'Write nats://HOST:PORT, and for a cluster one for each server with commas between them.',
    );
  return [first, ...(others as URL[])];
}

export async function connectNats({ url, name, seed }: NatsLogin): Promise<NatsConnection> {
  const servers = natsServers(url);
  const [first] = servers;
  const login = first.username
    ? { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) }
    : seed === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) };
  // One that asks for it asks for all.
  const tls = servers.map(natsTls).find((one) => one !== undefined);
  try {
    return await connect({
      ...(tls === undefined ? {} : { tls: tls as TlsOptions }),
      servers: servers.map((at) => `${at.hostname}:${at.port || 4222}`),
      // A server tells of others, at addresses that nobody here has vouched for.
      ignoreClusterUpdates: true,
      ...login,
      name,
      inboxPrefix: inboxOf(name),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      waitOnFirstConnect: false,
      timeout: 5000,
      pingInterval: PING_MS,
      maxPingOut: 2,
    });
  } catch (error) {
    const untrusted = tlsFailure(error);
    if (untrusted !== null) throw untrusted;
    throw new SwarmError(
      'SWARM_E_NATS_UNREACHABLE',
      `no NATS server at ${servers.map((at) => at.host).join(', ')} lets ${name} in: ${error instanceof Error ? error.message : error}`,
      'Start it, correct SWARM_NATS_URL, or enrol the agent; without events the swarm runs on its sweep alone.',
      { cause: error },
    );
  }
}

/** True where a request was not answered, or nobody was there to answer it: a message was lost, or a cluster has no leader just now. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof NatsError && UNANSWERED.has(error.code);
}

const UNANSWERED = new Set<string>([ErrorCode.Timeout, ErrorCode.NoResponders]);
