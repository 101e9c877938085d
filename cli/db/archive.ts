// `swarm db archive`: months of finished records into the artifact store, and back.
import type pg from 'pg';
import { type ArchivedMonth, archive } from '../../blackboard/archive.js';
import { archived, returnArchives } from '../../blackboard/archive-return.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { SwarmError } from '../../blackboard/errors.js';
import { connectAdmin } from '../admin.js';
import { withDatabase } from '../services/database.js';
import { openHome } from '../services/home.js';
import { storeItself } from '../where.js';

interface ArchiveArguments {
  readonly home?: string;
  readonly artifacts?: string;
  readonly before?: string;
  readonly dryRun?: boolean;
  readonly restore?: readonly string[];
  readonly list?: boolean;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

export async function archiveCommand(o: ArchiveArguments): Promise<void> {
  const asked = [o.before, o.restore, o.list].filter((one) => one !== undefined);
  if (asked.length !== 1)
    throw new SwarmError(
      'SWARM_E_USAGE',
      'nothing or more than one thing to do is named',
      'Give one of --before MONTH, --restore KEY and --list.',
    );
  await withDatabase(o.home, async (url) => {
    const admin = await connectAdmin(url, 'swarm db archive');
    try {
      if (o.list) for (const a of await archived(admin)) say(`${a.month} ${a.rows} rows ${a.manifest}`);
      else if (o.restore) say(`${await returnArchives(admin, await storeOf(o), o.restore)} rows are back`);
      else await moveOut(admin, o);
    } finally {
      await admin.end();
    }
  });
}

async function moveOut(admin: pg.Client, o: ArchiveArguments): Promise<void> {
  let months = 0;
  const tell = (m: ArchivedMonth): void => {
    months += 1;
    const parts = m.tables.map((t) => `${t.rows} ${t.table}`).join(', ');
    say(`${m.month} ${m.rows} rows ${m.manifest ?? 'would leave'} (${parts})`);
  };
  await archive(admin, o.dryRun ? null : await storeOf(o), o.before!, tell);
  if (months === 0) say('nothing to archive');
}

async function storeOf(o: ArchiveArguments): Promise<ArtifactStore> {
  const external = process.env['SWARM_DATABASE_URL'] !== undefined;
  const store = await storeItself(o.artifacts ?? (external ? undefined : openHome(o.home).artifacts));
  if (store !== null) return store;
  throw new SwarmError(
    'SWARM_E_USAGE',
    'no artifact store is named',
    'Give --artifacts DIR, or set SWARM_S3_*: the store of the agents.',
  );
}
