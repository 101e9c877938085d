// Who runs in a local swarm: names, owners and roles. Owners differ, since nobody checks their own claims.
import type { AgentName } from '../../blackboard/identity/credentials.js';
import type { Thinking } from './models.js';

export interface Member extends AgentName {
  /** Role-specific command-line options. */
  readonly args?: readonly string[];
  /** Given to its process alone. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface FleetSize {
  readonly explorers: number;
  /** What the explorers search by, all but the control. */
  readonly thinking: Thinking;
  readonly optimizers: number;
  readonly saboteurs: number;
  readonly events: boolean;
  /** Whether the market needs somebody who brings its bars. */
  readonly fed: boolean;
  /** What the feed reads of the environment. */
  readonly feedEnv: Readonly<Record<string, string>>;
  readonly minerPort: number;
  readonly spool: string;
}

/** The wire protocol in front of a local miner. */
export interface AxonChoice {
  readonly hotkey: string;
  readonly port: number;
  readonly allow: readonly string[];
  /** Options on policy and chain, as `swarm agent run miner` takes them. */
  readonly more: readonly string[];
  /** The variable with the hotkey's password, if the file is sealed. */
  readonly env: Readonly<Record<string, string>>;
}

/** Who runs behind an axon: the miner, and what it needs to have models and bars. Nobody searches. */
export function minerFleet(size: FleetSize, axon: AxonChoice): Member[] {
  const needed = new Set(['relay', 'feed', 'publisher', 'miner']);
  return fleet(size)
    .filter(({ role }) => needed.has(role))
    .map((member) =>
      member.role === 'miner'
        ? {
            ...member,
            args: [
              ...(member.args ?? []),
              '--hotkey',
              axon.hotkey,
              '--axon-port',
              String(axon.port),
              ...(axon.allow.length > 0 ? ['--allow', axon.allow.join(',')] : []),
              ...axon.more,
            ],
            env: axon.env,
          }
        : member,
    );
}

/** How much better than the truth a saboteur says its models are. */
const SABOTAGE = 0.2;
const CHECKERS = 3;

const times = (n: number, make: (i: number) => Member): Member[] =>
  Array.from({ length: n }, (_, i) => make(i + 1));

/** The fleet in the order of starting. The last explorer of several is the control: it searches at random. */
export function fleet(size: FleetSize): Member[] {
  const house = 'house';
  return [
    ...(size.events ? [{ name: 'relay', owner: house, role: 'relay' as const }] : []),
    ...(size.fed ? [{ name: 'feed', owner: house, role: 'feed' as const, env: size.feedEnv }] : []),
    { name: 'publisher-1', owner: 'publisher-owner-1', role: 'publisher' },
    { name: 'miner', owner: house, role: 'miner', args: ['--port', String(size.minerPort)] },
    {
      name: 'validator',
      owner: 'subnet',
      role: 'validator',
      args: ['--target', `127.0.0.1:${size.minerPort}`, '--spool', size.spool],
    },
    ...times(CHECKERS, (i) => ({ name: `checker-${i}`, owner: `checker-owner-${i}`, role: 'checker' })),
    ...times(size.explorers, (i) => {
      const control = i > 1 && i === size.explorers;
      return {
        name: `explorer-${i}`,
        owner: `explorer-owner-${i}`,
        role: 'explorer',
        args: ['--strategist', control ? 'random' : size.thinking.strategist],
        ...(!control && { env: size.thinking.env }),
      };
    }),
    ...times(size.optimizers, (i) => ({
      name: `optimizer-${i}`,
      owner: `optimizer-owner-${i}`,
      role: 'optimizer',
    })),
    ...times(size.saboteurs, (i) => ({
      name: `saboteur-${i}`,
      owner: `saboteur-owner-${i}`,
      role: 'explorer',
      args: ['--strategist', 'random', '--overclaim', String(SABOTAGE)],
    })),
  ];
}
