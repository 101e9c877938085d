// Commands of the miner as the subnet sees it: serving the wire protocol, asking it as a validator, looking at a wallet.
// Promises: each loads its code when it is called. Leaves to others: all that they do.
import { type Command, Option } from 'commander';
import { addresses, home, instant, integer, list, number, profileOption } from '../options.js';
import { chainOptions } from './network.js';

const hotkeyOption = (): Option =>
  new Option('--hotkey <file>', "btwallet's hotkey file (default: as btcli finds it, BT_WALLET_*)");

const AXON_PORT = 8091;

/** Adds miner, validator and wallet. */
export function addMinerCommands(program: Command): void {
  const miner = program
    .command('miner')
    .description(
      "speak the subnet's signed protocol in front of a miner; who may ask is what the chain says, or an allow-list",
    )
    .addOption(home())
    .option(
      '--bars <dir>',
      'replay recorded bars from a directory of CSV files, or begin a live market with them',
    )
    .addOption(new Option('--market <source>', 'which market').choices(['replay', 'simulated', 'live']))
    .option('--assets <list>', 'assets, separated by commas (default: all that have bars)', list)
    .option('--speed <x>', 'market seconds per wall second', number, 1)
    .option('--minutes <n>', 'stop after this many minutes of wall time', number)
    .option('--from <time>', 'market time at which a new replay begins', instant)
    .option('--seed <text>', 'seed of every random choice', '1')
    .addOption(profileOption())
    .addOption(hotkeyOption())
    .option('--port <n>', 'port of the wire protocol, on all IPv4 addresses', integer, AXON_PORT)
    .option('--allow <ss58>', 'who may ask; again or with commas for several', addresses)
    .option('--policy <file>', 'who may ask, as JSON: lists, permit, minimum stake; see docs/miner.md')
    .option(
      '--metagraph-age <hours>',
      'how old the last good metagraph may be while no endpoint answers',
      number,
      24,
    )
    .option('--synth-api <url>', 'public scores to compare with on a live market; off for none')
    .option('--external-ip <ip>', 'announce the axon on the chain at this IPv4 address')
    .option('--external-port <n>', 'and this port (default: --port)', integer)
    .option('--ports <base>', 'first of three ports: Postgres, NATS, the loopback miner', integer)
    .option('--no-events', 'run without NATS, on the sweep alone')
    .option(
      '--dry-run',
      'start nothing: say step by step what is there and what is missing; exit 1 if anything is',
    )
    .action(async (o) => {
      const { minerCommand } = await import('./miner.js');
      process.exitCode = await minerCommand(o);
    });
  for (const option of chainOptions()) miner.addOption(option);
  addRegister(miner);

  program
    .command('validator')
    .description(
      'ask a miner as a validator does: signed requests, its deadlines and checks; a verdict for each; exit 1 when one is not as it should be',
    )
    .requiredOption('--target <host:port>', 'the axon to ask')
    .option('--key <key>', 'who signs: a development key such as //Alice, or a hotkey file', '//Alice')
    .option('--axon-hotkey <ss58>', "the miner's address (default: asked of the axon)")
    .option('--assets <list>', 'assets to ask for', list, ['BTC'])
    .addOption(
      new Option(
        '--competition <id>',
        'competition whose prompt is asked; default: every one of the profile',
      ),
    )
    .option('--requests <n>', 'prompts for each asset and competition', integer, 1)
    .option(
      '--timeout <s>',
      'seconds to wait (default: as the subnet does, until the forecast starts)',
      number,
    )
    .option('--hostile', 'also forge, replay, flood, stall and send garbage, and see that the miner holds')
    .addOption(profileOption())
    .option('--json', 'one JSON object a line: verdicts, then the summary')
    .action(async (o) => {
      const { validatorCommand } = await import('./validator.js');
      process.exitCode = await validatorCommand(o);
    });

  const show = program
    .command('wallet')
    .description('the wallet of this machine, as far as a miner needs it')
    .command('show')
    .description(
      'whose a hotkey file is, with balance, stake, emission and registration where the chain answers; never reads a coldkey, never prints a secret',
    )
    .addOption(hotkeyOption())
    .option('--offline', 'ask no chain')
    .option('--json', 'as JSON, a stable contract')
    .action(async (o) => {
      const { walletShowCommand } = await import('./wallet.js');
      await walletShowCommand(o);
    });
  for (const option of chainOptions()) show.addOption(option);
}

function addRegister(miner: Command): void {
  const register = miner
    .command('register')
    .description(
      'register the hotkey on the subnet: shows the price, the balance and what is signed; pays with --yes alone',
    )
    .addOption(hotkeyOption())
    .option('--coldkey <file>', "btwallet's coldkey file (default: that of the wallet)")
    .option('--max-burn <tao>', 'refuse a higher price', number)
    .option('--dry-run', 'show it all, sign nothing')
    .option('--yes', 'sign with the coldkey and pay')
    .option('--json', 'as JSON, a stable contract')
    .action(async (_, command: Command) => {
      const { registerCommand } = await import('./register.js');
      // The parent has options of the same names, and takes those that are given before the word.
      process.exitCode = await registerCommand(command.optsWithGlobals());
    });
  for (const option of chainOptions()) register.addOption(option);
}
