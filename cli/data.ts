// `swarm data import DIR`: bar files into the bars store, all or nothing.

import { importBars } from '../miner/prices/import.js';
import { connectAdmin, migrateAll } from './admin.js';
import { databaseOf } from './where.js';

export async function importCommand(
  directory: string,
  o: { home?: string; assets?: string[] },
): Promise<void> {
  const url = databaseOf(o.home);
  await migrateAll(url);
  const admin = await connectAdmin(url, 'swarm data import');
  try {
    const done = await importBars(admin, directory, o.assets, (one) =>
      process.stderr.write(`${one.file}: ${one.rows} bars, ${one.added} new\n`),
    );
    process.stdout.write(`${JSON.stringify(done)}\n`);
  } finally {
    await admin.end();
  }
}
