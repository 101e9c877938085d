// Who may say and hear what on NATS: one user per agent, known by its nkey, in the form that nats-server reads.
//
// An agent pulls from a consumer that the relay has made for it, acknowledges there, and hears nothing but its own inbox. It may not
// make consumers: one that pushes would deliver, in the server's name, to subjects that its maker may not publish to. Only the relay
// publishes events and looks after the stream.
//
// Agents live in an account of their own. A server answers a request to whatever subject it names, in its own name: in the stream's
// account a pull whose answers go to the stream's deletion would delete it [nats-server 2.9.10]. Here it ends in the agents' account,
// where nothing listens to such a subject. Leaves to others: writing the file and telling the server.
import type { AgentRole } from '../identity/roles.js';

export const STREAM = 'SWARM';
export const SUBJECT = 'swarm.event';

/** An agent that is still enrolled, with its newest key. */
export interface NatsAgent {
  readonly name: string;
  readonly role: AgentRole;
  readonly nats_key: string;
}

/** Roles that something wakes. */
const LISTENING: ReadonlySet<AgentRole> = new Set(['explorer', 'optimizer', 'checker', 'publisher', 'miner']);

export const listens = (role: AgentRole): boolean => LISTENING.has(role);

/** The agent's consumer. A name may hold dots, which separate subjects; it never holds an equals sign. */
export const durableOf = (name: string): string => name.replaceAll('.', '=');

export const inboxOf = (name: string): string => `_INBOX_${durableOf(name)}`;

const API = '$JS.API';

/** Where agents ask: in their account the server's own prefix answers that JetStream is not for them. */
export const AGENT_API = 'swarm.api';

interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export function permissionsOf({ name, role }: Pick<NatsAgent, 'name' | 'role'>): Permissions {
  const durable = durableOf(name);
  const subscribe = [`${inboxOf(name)}.>`];
  if (role === 'relay')
    return {
      publish: [
        `${SUBJECT}.>`,
        ...['STREAM.INFO', 'STREAM.CREATE', 'STREAM.UPDATE', 'CONSUMER.NAMES'].map(
          (call) => `${API}.${call}.${STREAM}`,
        ),
        ...['DURABLE.CREATE', 'CREATE', 'DELETE', 'INFO'].map(
          (call) => `${API}.CONSUMER.${call}.${STREAM}.*`,
        ),
      ],
      subscribe,
    };
  if (!listens(role)) return { publish: [], subscribe };
  return {
    publish: [
      ...CALLS.map(([call]) => `${AGENT_API}.${call}.${STREAM}.${durable}`),
      `$JS.ACK.${STREAM}.${durable}.>`,
    ],
    subscribe,
  };
}

/** What an agent may ask about its consumer, and how many answers there are. */
const CALLS = [
  ['CONSUMER.INFO', 'single'],
  ['CONSUMER.MSG.NEXT', 'stream'],
] as const;
const ACK = `$JS.ACK.${STREAM}.>`;

/**
 * The `accounts` block: the stream's account with the administrator (by password, if there is one) and the relay, and the agents'
 * account with every agent by its nkey.
 */
export function accounts(
  administrator: { readonly user: string; readonly password: string } | null,
  agents: readonly NatsAgent[],
): string {
  const users = (of: readonly NatsAgent[]): string[] => of.map(user);
  const isHouse = ({ role }: NatsAgent): boolean => role === 'relay';
  return [
    'accounts {',
    `  ${STREAM} {`,
    '    jetstream: enabled',
    '    users: [',
    ...(administrator === null
      ? []
      : // Quoted: a digit-led secret would be read as a number.
        [`      { user: ${text(administrator.user)}, password: ${text(administrator.password)} }`]),
    ...users(agents.filter(isHouse)),
    '    ]',
    '    exports: [',
    ...CALLS.map(
      ([call, answers]) =>
        `      { service: ${text(`${API}.${call}.${STREAM}.*`)}, response: ${answers}, accounts: [AGENTS] }`,
    ),
    `      { service: ${text(ACK)}, accounts: [AGENTS] }`,
    '    ]',
    '  }',
    '  AGENTS {',
    '    users: [',
    ...users(agents.filter((agent) => !isHouse(agent))),
    '    ]',
    '    imports: [',
    ...agents
      .filter(({ role }) => listens(role))
      .flatMap(({ name }) => CALLS.map(([call]) => imported(call, durableOf(name)))),
    `      { service: { account: ${STREAM}, subject: ${text(ACK)} } }`,
    '    ]',
    '  }',
    '}',
    '',
  ].join('\n');
}

const imported = (call: string, durable: string): string =>
  `      { service: { account: ${STREAM}, subject: ${text(`${API}.${call}.${STREAM}.${durable}`)} }, to: ${text(`${AGENT_API}.${call}.${STREAM}.${durable}`)} }`;

const text = (value: string): string => JSON.stringify(value);

function user(agent: NatsAgent): string {
  const { publish, subscribe } = permissionsOf(agent);
  const subjects = (of: readonly string[]): string =>
    of.length === 0 ? '{ deny: ">" }' : `{ allow: [${of.map(text).join(', ')}] }`;
  return `      { nkey: ${text(agent.nats_key)}, permissions: { publish: ${subjects(publish)}, subscribe: ${subjects(subscribe)} } } # ${agent.name}`;
}
