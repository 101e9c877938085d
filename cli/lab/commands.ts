// Commands for working on models without a swarm: backtests, experiments, sweeps, and the reward emulator.
// Promises: each loads its code when it is called. Leaves to others: all that they do.
import { type Command, Option } from 'commander';
import { instant, integer, list, number, profileOption } from '../options.js';

const fitsOption = (): Option =>
  new Option('--fits <dir>', 'keep fits here by content, and use those that are there');

const presetOption = (): Option =>
  new Option(
    '--preset <name>',
    'quick: small plan, two slots; families: every start spec on every slot with bars; all: random specs too',
  ).choices(['quick', 'families', 'all']);

/** Adds backtest, experiment, sweep, quick and emulate. */
export function addLabCommands(program: Command): void {
  program
    .command('backtest')
    .description(
      'walk a spec forward over recorded bars, or score an artifact on them, beside the yardstick and the reference miner',
    )
    .option('--spec <file>', 'one spec as JSON, refitted as time goes by')
    .option('--artifact <file>', 'an artifact as it is, opened in the sandbox')
    .requiredOption('--slot <slot>', 'competition/ASSET, such as 24h/BTC')
    .requiredOption('--bars <dir>', 'directory of bar files such as BTC_5m.csv.gz')
    .option('--from <time>', 'first window (default: 30 days before --to)', instant)
    .option('--to <time>', 'end of the last window (default: the end of the bars)', instant)
    .option(
      '--stride <s>',
      'seconds between window starts (default: the horizon, so that none overlap)',
      integer,
    )
    .addOption(profileOption())
    .option('--train-days <n>', 'days of bars that a fit sees (default: as an explorer)', number)
    .option('--refit-days <n>', 'days between two fits', number, 7)
    .option('--paths <n>', 'simulated paths per window', integer, 1000)
    .addOption(fitsOption())
    .option('--json', 'as JSON, with every window')
    .option('--svg <file>', 'write a picture: one forecast, calibration, score by interval')
    .action(async (o) => (await import('./backtest.js')).backtestCommand(o));

  program
    .command('experiment')
    .description(
      'one experiment as an explorer does it: fit, score on the public windows of a day, print the claim',
    )
    .option('--spec <file>', 'one spec as JSON')
    .option('--family <name>', "the family's start spec")
    .requiredOption('--slot <slot>', 'competition/ASSET, such as 1h/BTC')
    .requiredOption('--bars <dir>', 'directory of bar files such as BTC_1m.csv.gz')
    .option('--as-of <time>', 'the day whose window plan is taken (default: the end of the bars)', instant)
    .addOption(profileOption())
    .addOption(fitsOption())
    .option('--out <file>', 'write the artifact')
    .option('--json', 'as JSON')
    .action(async (o) => (await import('./experiment.js')).experimentCommand(o));

  program
    .command('sweep')
    .description('experiments with every family on many slots; interrupt it and go on later')
    .addOption(presetOption().makeOptionMandatory())
    .option('--slots <list>', 'slots, separated by commas (default: by preset)', list)
    .requiredOption('--bars <dir>', 'directory of bar files')
    .requiredOption('--out <dir>', 'results.jsonl and fits are kept here; what is there is not run again')
    .option('--random <n>', 'random specs per family beside its start spec (default: by preset)', integer)
    .option('--seed <text>', 'seed of the random specs', '1')
    .addOption(profileOption())
    .option('--as-of <time>', 'the day whose window plan is taken (default: the end of the bars)', instant)
    .option('--retry-failed', 'run again what failed')
    .option('--json', 'as JSON')
    .action(async (o) => {
      process.exitCode = await (await import('./sweep.js')).sweepCommand(o);
    });

  program
    .command('quick')
    .description('a first look in two minutes: every family on a 24 h slot and a 1 h slot')
    .option('--bars <dir>', 'directory of bar files (default: the simulated market, and it says so)')
    .option('--out <dir>', 'keep results here (default: a new temporary directory)')
    .option('--seed <text>', 'seed of the simulated market', '1')
    .addOption(profileOption())
    .option('--json', 'as JSON')
    .action(async (o) => {
      process.exitCode = await (await import('./sweep.js')).quickCommand(o);
    });

  program
    .command('emulate')
    .description('the share of emission that a model would have had against a recorded field of miners')
    .requiredOption(
      '--scores <file>',
      'the field, CSV: miner_id, prompt_score, scored_time, asset, percentile90, lowest_score [, crps, competition]',
    )
    .requiredOption('--model-scores <file>', 'the model, CSV: scored_time, asset, crps (raw) [, competition]')
    .option('--competition <id>', 'competition of files that have no such column')
    .addOption(profileOption())
    .requiredOption('--from <time>', 'first payment', instant)
    .requiredOption('--to <time>', 'last payment', instant)
    .option('--every <hours>', 'hours between two payments', number, 6)
    .option('--json', 'as JSON')
    .action(async (o) => (await import('./emulate.js')).emulateCommand(o));
}
