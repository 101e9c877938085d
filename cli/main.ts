#!/usr/bin/env node
// The `swarm` command: reads arguments, calls one function of a room, prints, and says with its exit code how it went.
import { Command, Option } from 'commander';
import { addAgentCommands } from './agent/commands.js';
import { addBudgetCommands } from './budget/commands.js';
import { addDbCommands } from './db/commands.js';
import { fail } from './failure.js';
import { addLabCommands } from './lab/commands.js';
import { addMinerCommands } from './miner/commands.js';
import { databaseOption, home, instant, integer, list, number, profileOption } from './options.js';
import { addTrustCommands } from './trust/commands.js';

const program = new Command('swarm')
  .description(
    'Independent agents search for better price forecasts for Bittensor subnet 50, trust what was verified, and serve what won.',
  )
  .version('0.1.0')
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) });

program
  .command('up')
  .description('start the whole swarm on this machine and run it until Ctrl-C')
  .addOption(home())
  .option('--bars <dir>', 'replay recorded bars from a directory of CSV files')
  .addOption(new Option('--market <source>', 'which market').choices(['replay', 'simulated', 'live']))
  .option(
    '--assets <list>',
    'assets, separated by commas (default: all that have bars; simulated market: BTC,ETH)',
    list,
  )
  .option(
    '--speed <x>',
    'market seconds per wall second (default: 1440, a day a minute; simulated market 2880)',
    number,
  )
  .option('--minutes <n>', 'stop after this many minutes of wall time', number)
  .option('--from <time>', 'market time at which a new replay begins', instant)
  .option('--seed <text>', 'seed of every random choice', '1')
  .option('--profile <id>', "dated state of the subnet's rules", '2026-05')
  .option('--explorers <n>', 'explorers; the last of several searches at random, as the control', integer, 2)
  .addOption(
    new Option(
      '--strategist <name>',
      'what explorers search by (default: llm where SWARM_LLM_API_KEY is set, evolve otherwise)',
    ).choices(['evolve', 'llm']),
  )
  .option('--optimizers <n>', 'optimizers', integer, 1)
  .option('--saboteurs <n>', 'owners that claim 20% better than the truth, to watch trust work', integer, 0)
  .option('--ports <base>', 'first of three ports: Postgres, NATS, miner', integer)
  .option('--no-events', 'run without NATS, on the sweep alone')
  .action(async (o) => {
    const { upCommand } = await import('./up/command.js');
    process.exitCode = await upCommand(o);
  });

program
  .command('down')
  .description('stop the swarm of a home')
  .addOption(home())
  .action(async (o) => {
    const { openHome } = await import('./services/home.js');
    const { stopRunning } = await import('./services/running.js');
    const done = await stopRunning(openHome(o.home));
    process.stderr.write(done === 'stopped' ? 'stopped\n' : 'nothing was running\n');
  });

program
  .command('status')
  .description('one screen of what the swarm does; exit 0 healthy, 3 degraded, 4 no database')
  .addOption(home())
  .option('--json', 'the same as JSON, a stable contract')
  .option('--watch', 'again every two seconds')
  .action(async (o) => {
    const { statusCommand } = await import('./status/command.js');
    process.exitCode = await statusCommand(o);
  });

program
  .command('doctor')
  .description(
    'look at everything the swarm stands on and say what to do; changes nothing, exit 1 on a failure',
  )
  .addOption(home())
  .option('--json', 'as a list of {check, level, message, hint}')
  .action(async (o) => {
    const { doctorCommand } = await import('./doctor/command.js');
    process.exitCode = await doctorCommand(o);
  });

const data = program.command('data').description('market bars');
data
  .command('import')
  .description('import CSV files such as BTC_5m.csv.gz into the bars store of a running swarm')
  .argument('<dir>', 'directory of bar files')
  .addOption(home())
  .option('--assets <list>', 'only these assets', list)
  .action(async (dir, o) => {
    const { importCommand } = await import('./data.js');
    await importCommand(dir, o);
  });
data
  .command('download')
  .description('download bars from a public source into files that import and `up --bars` read; resumable')
  .addOption(
    new Option('--source <name>', 'where from')
      .choices(['binance', 'hyperliquid', 'pyth'])
      .makeOptionMandatory(),
  )
  .requiredOption('--assets <list>', 'assets, separated by commas', list)
  .addOption(new Option('--step <step>', 'length of a bar').choices(['1m', '5m']).default('5m'))
  .requiredOption('--from <time>', 'open of the first bar', instant)
  .option('--to <time>', 'end of the last bar (default: now)', instant)
  .requiredOption('--out <dir>', 'directory of the bar files; a file that is there is extended')
  .option('--base-url <url>', "a mirror of the source's address")
  .option('--symbol <name>', "the source's own name of the one asset asked for")
  .option('--profile <id>', "dated state of the subnet's rules, which names symbols", '2026-05')
  .action(async (o) => {
    const { downloadCommand } = await import('./data-download.js');
    process.exitCode = await downloadCommand(o);
  });
data
  .command('info')
  .description('what bar files hold: coverage, gaps, odd stretches, checksums; exit 1 when one is broken')
  .argument('<dir>', 'directory of bar files')
  .option('--assets <list>', 'only these assets', list)
  .option('--json', 'as a list of reports')
  .action(async (dir, o) => {
    const { infoCommand } = await import('./data-info.js');
    process.exitCode = infoCommand(dir, o);
  });

addTrustCommands(program);
addAgentCommands(program);
addBudgetCommands(program);

program
  .command('certs')
  .description('make a private authority and server certificates for Postgres and NATS; again: reissue them')
  .requiredOption('--out <dir>', 'where they go; an authority that is there is used, never replaced')
  .requiredOption('--host <name...>', 'names and IP addresses by which the servers are reached')
  .option('--days <n>', 'how long a server certificate is valid', integer, 365)
  .action(async (o) => {
    const { certsCommand } = await import('./certs/command.js');
    await certsCommand(o);
  });

program
  .command('audit')
  .description(
    'check a whole blackboard again: signatures, keys, leases, gates, trust, artifacts; exit 1 when anything does not match',
  )
  .addOption(home())
  .addOption(databaseOption())
  .option(
    '--artifacts <dir>',
    "artifact store (default: the home's own; with an external database: not looked at)",
  )
  .option('--json', 'one JSON object a line: findings, then {findings, checked}')
  .action(async (o) => {
    const { auditCommand } = await import('./audit.js');
    process.exitCode = await auditCommand(o);
  });

program
  .command('score')
  .description("the subnet's CRPS of a file with simulations and real prices")
  .addOption(profileOption())
  .requiredOption('--competition <id>', 'competition whose intervals count, such as 24h')
  .requiredOption('--file <file>', '{"simulations": [[...]], "real": [...]}; null is a missing price')
  .option('--json', 'as {total, intervals}')
  .action(async (o) => (await import('./score.js')).scoreCommand(o));

program
  .command('rewards')
  .description("smoothed scores and weights by the subnet's rule")
  .addOption(profileOption())
  .requiredOption('--competition <id>', 'competition')
  .requiredOption(
    '--scores <file>',
    'CSV: miner_id, prompt_score, scored_time, asset [, percentile90, lowest_score]',
  )
  .requiredOption('--at <time>', 'the instant of payment', instant)
  .option('--json', 'as a list of {miner_id, smoothed, weight}')
  .action(async (o) => (await import('./score.js')).rewardsCommand(o));

program
  .command('validate')
  .description("the validator's own verdict on an answer; exit 0 when it is CORRECT")
  .addOption(profileOption())
  .requiredOption('--prompt <file>', 'the request body, or its simulation_input alone')
  .requiredOption('--response <file>', 'the reply body, or its simulation_output alone')
  .option('--process-time <s>', 'seconds that the miner took', number, 1)
  .action(async (o) => {
    process.exitCode = (await import('./score.js')).validateCommand(o) ? 0 : 1;
  });

addLabCommands(program);
addDbCommands(program);
addMinerCommands(program);

program
  .command('reproduce')
  .description(
    'run a number of experiments one at a time on a held clock and print artifacts and verdicts: equal input, equal output',
  )
  .addOption(new Option('--home <dir>', 'keep the run here (default: a temporary directory that is removed)'))
  .option('--bars <dir>', 'recorded bars')
  .addOption(new Option('--market <source>', 'which market').choices(['replay', 'simulated']))
  .option('--assets <list>', 'assets, separated by commas', list)
  .option('--from <time>', 'market time', instant)
  .option('--seed <text>', 'seed of every random choice', '1')
  .option('--profile <id>', "dated state of the subnet's rules", '2026-05')
  .option('--experiments <n>', 'how many', integer, 6)
  .option('--ports <base>', 'first of three ports', integer, 15600)
  .option('--json', 'as JSON')
  .action(async (o) => {
    const { reproduceCommand } = await import('./reproduce.js');
    await reproduceCommand(o);
  });

// Whoever read has gone, as in `swarm status | head`: it is time to stop, as for a program that SIGPIPE ends.
const SIGPIPE_EXIT = 141;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!process.emit('SIGTERM')) process.exit(SIGPIPE_EXIT);
});

program.parseAsync().catch(fail);
