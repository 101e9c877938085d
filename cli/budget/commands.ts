// `swarm budget`: its words and arguments; what the commands do is loaded when one runs.
import { type Command, Option } from 'commander';
import { databaseOption, home, integer, number } from '../options.js';

export function addBudgetCommands(program: Command): void {
  const json = (): Option => new Option('--json', 'as JSON, a stable contract');
  const line = (command: Command): Command =>
    command
      .addOption(
        new Option('--scope <scope>', 'whose').choices(['fleet', 'owner', 'agent']).makeOptionMandatory(),
      )
      .option('--name <name>', 'the owner or agent (default: whoever has no line of its own)', '*')
      .addOption(
        new Option('--per <period>', 'a day (UTC), or for ever').choices(['day', 'ever']).default('day'),
      )
      .addOption(home())
      .addOption(databaseOption());
  const budget = program.command('budget').description('what language models may cost and have cost');
  budget
    .command('show', { isDefault: true })
    .description('caps, what is spent and what is reserved by calls under way')
    .addOption(home())
    .addOption(databaseOption())
    .addOption(json())
    .action(async (o) => (await import('./budget.js')).showCommand(o));
  line(budget.command('set').description('set a cap; it counts from the next call on'))
    .requiredOption('--tokens <n>', 'most tokens, in and out together', integer)
    .requiredOption('--usd <x>', 'most money', number)
    .action(async (o) => (await import('./budget.js')).setCommand(o));
  line(budget.command('unset').description("remove a cap; without the fleet's own nobody may spend")).action(
    async (o) => (await import('./budget.js')).unsetCommand(o),
  );
}
