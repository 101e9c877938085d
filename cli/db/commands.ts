// `swarm db`: its words and arguments; what the commands do is loaded when one runs.
import type { Command } from 'commander';
import { home, month } from '../options.js';

export function addDbCommands(program: Command): void {
  const db = program.command('db').description('the database: migrations, size, backup, restore and archive');
  db.command('migrate')
    .description('bring the schema up to date')
    .addOption(home())
    .action(async (o) => (await import('./database.js')).migrateCommand(o));
  db.command('status')
    .description('server, migrations, and what takes how much room')
    .addOption(home())
    .option('--json', 'as JSON')
    .action(async (o) => (await import('./database.js')).statusCommand(o));
  db.command('backup')
    .description('a consistent copy of a database in use, into a new directory')
    .addOption(home())
    .requiredOption('--out <dir>', 'directory that does not exist yet')
    .action(async (o) => (await import('./database.js')).backupCommand(o));
  db.command('restore')
    .description('a backup into an empty database; agents need new credentials where their logins are gone')
    .argument('<dir>', 'directory of a backup')
    .addOption(home())
    .option('--check', 'read the backup and check every file of it, and restore nothing')
    .action(async (dir, o) => (await import('./database.js')).restoreCommand(dir, o));
  db.command('archive')
    .description('whole months of finished records into the artifact store, and back')
    .addOption(home())
    .option('--artifacts <dir>', "the artifact store (default: the home's own, or SWARM_S3_*)")
    .option('--before <month>', 'archive every month before this one, such as 2026-01', month)
    .option('--dry-run', 'say what would leave, and leave it')
    .option('--restore <key...>', 'put archives back, by the digests of their manifests')
    .option('--list', 'archives whose rows are not in the tables')
    .action(async (o) => (await import('./archive.js')).archiveCommand(o));
}
