// `swarm agent`: running one agent process, and the identities of agents: enroll, rotate, revoke, list.
// Leaves to identity.ts: what the commands about identities do.
import { type Command, Option } from 'commander';
import { agentRoles } from '../../blackboard/identity/roles.js';
import { fail } from '../failure.js';
import { addresses, databaseOption, home, integer, list, number } from '../options.js';

const ownerKey = (): Option =>
  new Option(
    '--owner-key <file>',
    "the owner's key (default: <home>/owners/<owner>.json, made at its first use)",
  );

const json = (): Option => new Option('--json', 'as JSON, a stable contract');

export function addAgentCommands(program: Command): void {
  const agent = program
    .command('agent')
    .description('run one agent, or enrol, rotate, revoke and list agents');
  addRun(agent);
  agent
    .command('enroll')
    .description('give an agent a login and keys of its own, signed for by its owner, in a file of mode 0600')
    .requiredOption('--owner <name>', 'who answers for the agent; its first enrolment pins the key')
    .addOption(
      new Option('--role <role>', 'what the agent does').choices([...agentRoles]).makeOptionMandatory(),
    )
    .option('--name <name>', 'name of the agent (default: <owner>-<role>-<n>, the first that is free)')
    .option('--out <file>', 'the agent file (default: <home>/agents/<name>.json)')
    .addOption(ownerKey())
    .addOption(home())
    .addOption(databaseOption())
    .addOption(json())
    .action(async (o) => (await import('./identity.js')).enrolCommand(o));
  agent
    .command('rotate')
    .description(
      'new password and keys for an agent; the old ones are dead at once, and a running agent ends',
    )
    .argument('<name>', 'name of the agent')
    .option('--file <file>', 'the agent file (default: <home>/agents/<name>.json)')
    .addOption(ownerKey())
    .addOption(home())
    .addOption(databaseOption())
    .addOption(json())
    .action(async (name, o) => (await import('./identity.js')).rotateCommand(name, o));
  agent
    .command('revoke')
    .description('end an agent for good: no login, no events, no new records; what it wrote stays')
    .argument('<name>', 'name or id of the agent')
    .option('--reason <text>', 'why, for the record', '')
    .addOption(ownerKey())
    .addOption(home())
    .addOption(databaseOption())
    .addOption(json())
    .action(async (name, o) => (await import('./identity.js')).revokeCommand(name, o));
  agent
    .command('list')
    .description('every agent with its owner, its keys and its state')
    .addOption(home())
    .addOption(databaseOption())
    .addOption(json())
    .action(async (o) => (await import('./identity.js')).listCommand(o));
  agent
    .command('nats-users')
    .description("print who may do what on NATS, as a file that a nats-server of one's own includes")
    .addOption(home())
    .addOption(databaseOption())
    .action(async (o) => (await import('./identity.js')).natsUsersCommand(o));
}

function addRun(agent: Command): void {
  agent
    .command('run', { isDefault: true })
    .description('run one agent process, on this machine or any other that reaches the blackboard')
    .argument('<role>', agentRoles.join(', '))
    .requiredOption('--agent-file <file>', "the agent's own file, from enrolment")
    .requiredOption('--blackboard <url>', 'address of the blackboard, without user and password')
    .requiredOption('--artifacts <dir>', 'artifact store')
    .option('--nats-file <file>', 'file that holds the NATS address; without it the agent sweeps')
    .option('--seed <text>', 'seed of every random choice', '1')
    .option('--strategist <name>', 'explorer: evolve, random, or llm (SWARM_LLM_API_KEY)', 'evolve')
    .option('--overclaim <share>', 'explorer: a saboteur of the fleet test adds this to every claim', number)
    .option('--port <n>', 'miner: port to listen on, loopback', integer)
    .option('--hotkey <file>', 'miner: hotkey file; also speak the signed wire protocol')
    .option('--axon-port <n>', 'miner: port of the wire protocol, on all IPv4 addresses', integer)
    .option('--allow <list>', 'miner: addresses that may ask over the wire', addresses)
    .option('--policy <file>', 'miner: who may ask over the wire, as JSON')
    .option('--nonces <file>', 'miner: what a restart must not forget of the wire')
    .option('--unrecorded <file>', 'miner: answers that are sent and not yet stored')
    .option('--synth-api <url>', 'miner: base of the public scores to compare with')
    .option('--chain <urls>', 'miner: endpoints of the chain that says who is a validator', list)
    .option('--genesis <hash>', 'miner: block 0 of that chain')
    .option('--netuid <n>', 'miner: the subnet', integer)
    .option('--chain-state <file>', 'miner: where the last good metagraph is kept')
    .option('--metagraph-age <hours>', 'miner: how old it may be', number)
    .option('--external-ip <ip>', 'miner: announce the axon at this address')
    .option('--external-port <n>', 'miner: and this port (default: --axon-port)', integer)
    .option('--target <host:port>', 'validator: the miner to ask')
    .option('--spool <dir>', 'validator: where answers wait for their horizon')
    .option('--once', 'one unit of work, then exit')
    .option('--drain', 'work until there is none, then exit')
    .action(async (role, o) => {
      const [{ roleKind }, { live }] = await Promise.all([
        import('../roles.js'),
        import('../../agents/runtime/life.js'),
      ]);
      try {
        await live(roleKind(role, o), o, { ...(o.once ? { steps: 1 } : {}), drain: o.drain === true });
      } catch (error) {
        await fail(error);
      }
      // Whatever is still open (a thread, a connection on its way out) must not keep a finished agent alive.
      process.exit();
    });
}
