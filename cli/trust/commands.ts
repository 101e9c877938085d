// `swarm trust`: the words of the command line. What they do is in the files beside this one.
import { type Command, Option } from 'commander';
import { home } from '../options.js';

const json = (): Option => new Option('--json', 'as JSON, a stable contract');

export function addTrustCommands(program: Command): void {
  program
    .command('trust')
    .description('how far every owner is believed; with an owner: the verdicts that make its number')
    .argument('[owner]', 'explain this one')
    .addOption(
      new Option('--role <role>', 'only what this role is judged by').choices([
        'explorer',
        'optimizer',
        'checker',
        'publisher',
      ]),
    )
    .addOption(home())
    .addOption(json())
    .action(async (owner, o) => {
      const { trustCommand } = await import('./trust.js');
      await trustCommand(owner, o);
    });
}
