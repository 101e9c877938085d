// `swarm trust`, `briefing`, `gate`, `promote`, `rollback`: the words of the command line. What they do is in the files beside this one.
import { type Command, Option } from 'commander';
import { home, integer } from '../options.js';

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
  program
    .command('briefing')
    .description(
      'what an agent would be told now and why, with the chance of every item, and what it was told last',
    )
    .argument('[agent]', 'explorer or optimizer')
    .option('--slot <slot>', 'a slot such as 1h/BTC (default: the one the agent decided on last)')
    .option('--seed <n>', 'seed of the draw', integer, 1)
    .addOption(home())
    .addOption(json())
    .action(async (agent, o) => {
      const { briefingCommand } = await import('./briefing.js');
      await briefingCommand(agent, o);
    });
  program
    .command('gate')
    .description('reigns, challengers and their evidence against the threshold, drawn window by window')
    .argument('[slot]', 'only this one, such as 1h/BTC')
    .option('--svg <file>', 'write the picture of the slot as SVG as well')
    .addOption(home())
    .addOption(json())
    .action(async (slot, o) => {
      const { gateCommand } = await import('./gate.js');
      await gateCommand(slot, o);
    });
  const forced = (command: Command): Command =>
    command
      .option('--force', 'past the gate, in the name of a publisher; without it: only say what the gate says')
      .option('--reason <text>', 'why; signed, and shown to everybody')
      .option('--agent-file <file>', "the publisher who signs (default: the home's only one)")
      .addOption(home());
  forced(
    program
      .command('promote')
      .description('put a model on the throne of a slot past the gate: a signed, lasting, visible override')
      .argument('<slot>', 'such as 1h/BTC')
      .requiredOption('--artifact <digest>', 'the model, or the beginning of its digest'),
  ).action(async (slot, o) => {
    const { promoteCommand } = await import('./override.js');
    await promoteCommand(slot, o);
  });
  forced(
    program
      .command('rollback')
      .description('bring the champion before back past the gate: a signed, lasting, visible override')
      .argument('<slot>', 'such as 1h/BTC'),
  ).action(async (slot, o) => {
    const { rollbackCommand } = await import('./override.js');
    await rollbackCommand(slot, o);
  });
}
