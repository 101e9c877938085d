// Every role by name, as a process: the agents' own, and those of the blackboard and the miner on the same life.
import { checker } from '../agents/checker/main.js';
import { explorer, explorerStrategistNames, type explorerStrategists } from '../agents/explorer/main.js';
import { optimizer } from '../agents/optimizer/main.js';
import { publisher } from '../agents/publisher/main.js';
import type { AgentContext } from '../agents/runtime/context.js';
import type { AgentKind } from '../agents/runtime/life.js';
import { SwarmError } from '../blackboard/errors.js';
import { runRelay } from '../blackboard/events/relay.js';
import type { ChainOptions } from '../miner/chain/membership.js';
import { openFeed } from '../miner/prices/feed.js';
import { openMiner } from '../miner/serving/main.js';
import type { WireOptions } from '../miner/serving/wire.js';
import { openValidator } from '../miner/validator/main.js';

/** What single roles take besides what every agent takes. */
export interface RoleOptions {
  readonly strategist?: string;
  readonly overclaim?: number;
  readonly port?: number;
  readonly hotkey?: string;
  readonly axonPort?: number;
  readonly allow?: readonly string[];
  readonly policy?: string;
  readonly nonces?: string;
  readonly unrecorded?: string;
  readonly synthApi?: string;
  readonly chain?: readonly string[];
  readonly genesis?: string;
  readonly netuid?: number;
  readonly chainState?: string;
  readonly externalIp?: string;
  readonly externalPort?: number;
  readonly metagraphAge?: number;
  readonly target?: string;
  readonly spool?: string;
}

const relay = (): AgentKind => ({
  wakes: [],
  sweepMs: 1000,
  nice: 0,
  open: async (context: AgentContext) => ({
    async step() {
      if (context.natsUrl === null)
        throw new SwarmError(
          'SWARM_E_NATS_UNREACHABLE',
          'the relay has no NATS address',
          'Give it --nats-file.',
        );
      await runRelay({
        db: context.db,
        databaseUrl: context.databaseUrl,
        nats: { url: context.natsUrl, name: context.who.name, seed: context.who.natsSeed },
        signal: context.stopping,
        onProblem: (error) => context.log.warn({ err: error }, 'the relay waits'),
        onPass: (published) => published > 0 && context.log.debug({ published }, 'relayed'),
      });
      return true;
    },
  }),
});

function required<T>(value: T | undefined, flag: string): T {
  if (value === undefined)
    throw new SwarmError('SWARM_E_USAGE', `${flag} is missing`, `Give ${flag}; see \`swarm agent --help\`.`);
  return value;
}

function strategistOf(name = 'evolve'): keyof typeof explorerStrategists | 'llm' {
  if (explorerStrategistNames.includes(name)) return name as keyof typeof explorerStrategists | 'llm';
  throw new SwarmError(
    'SWARM_E_USAGE',
    `unknown strategist "${name}"`,
    `Use one of: ${explorerStrategistNames.join(', ')}.`,
  );
}

/** The axon's settings, when there is a hotkey to sign with. */
function wireOf(o: RoleOptions): WireOptions | undefined {
  if (o.hotkey === undefined) return undefined;
  return {
    hotkey: o.hotkey,
    port: required(o.axonPort, '--axon-port'),
    allow: o.allow ?? [],
    policy: o.policy,
    nonces: o.nonces,
    unrecorded: o.unrecorded,
    synthApi: o.synthApi,
    chain: o.chain === undefined ? undefined : chainOf(o, o.chain),
  };
}

function chainOf(o: RoleOptions, endpoints: readonly string[]): ChainOptions {
  return {
    network: { endpoints, genesis: o.genesis ?? null, netuid: required(o.netuid, '--netuid') },
    file: required(o.chainState, '--chain-state'),
    max_age_s: required(o.metagraphAge, '--metagraph-age') * 3600,
    face: o.externalIp === undefined ? null : { ip: o.externalIp, port: o.externalPort },
  };
}

const kinds: Record<string, (options: RoleOptions) => AgentKind> = {
  explorer: (o) => explorer({ strategist: strategistOf(o.strategist), overclaim: o.overclaim ?? 0 }),
  optimizer,
  checker,
  publisher,
  relay,
  miner: (o) => ({
    wakes: ['promotion'],
    sweepMs: 2000,
    nice: 0,
    open: (context) => openMiner(context, required(o.port, '--port'), wireOf(o)),
  }),
  validator: (o) => ({
    wakes: [],
    sweepMs: 100,
    nice: 0,
    open: (context) =>
      openValidator(context, {
        target: required(o.target, '--target'),
        directory: required(o.spool, '--spool'),
      }),
  }),
  feed: () => ({ wakes: [], sweepMs: 2000, nice: 0, open: openFeed }),
};

export const roleNames = Object.keys(kinds);

export function roleKind(role: string, options: RoleOptions): AgentKind {
  const kind = kinds[role];
  if (kind === undefined)
    throw new SwarmError('SWARM_E_USAGE', `unknown role "${role}"`, `Use one of: ${roleNames.join(', ')}.`);
  return kind(options);
}
