// `swarm status`: reads the fleet views with a reader's rights; exit 0 healthy, 3 degraded, 4 no database.
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Db, explain, openDb } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { readingFrom } from '../where.js';
import { readStatus, type Status } from './read.js';
import { render } from './render.js';

const NO_DATABASE = 4;
const DEGRADED = 3;
const EVERY_MS = 2000;

export async function statusCommand(o: { home?: string; json?: boolean; watch?: boolean }): Promise<number> {
  const db = openDb({ url: readingFrom(o.home), name: 'swarm status', connections: 1 });
  try {
    for (;;) {
      const code = await once(db, o.json === true, o.watch === true);
      if (!o.watch) return code;
      await sleep(EVERY_MS);
    }
  } finally {
    await db.destroy();
  }
}

/**
 * A reader's rights and no more, whoever logs in; one snapshot. Said in the transaction itself and not at the start of the session,
 * which behind a pooler is somebody else's.
 */
const asReader = (db: Db): Promise<Status | null> =>
  db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      await sql`set local role swarm_reader`.execute(trx);
      await sql`set local statement_timeout = '20s'`.execute(trx);
      return readStatus(trx);
    });

async function once(db: Db, json: boolean, clear: boolean): Promise<number> {
  try {
    const status = await asReader(db);
    if (status === null)
      throw new SwarmError(
        'SWARM_E_DATA_MISSING',
        'no market has been opened on this blackboard',
        'Start one with `swarm up`.',
      );
    process.stdout.write(
      `${clear ? '\x1b[2J\x1b[H' : ''}${json ? JSON.stringify(status) : render(status)}\n`,
    );
    return status.healthy ? 0 : DEGRADED;
  } catch (error) {
    const { code, message, hint } = explain(error) as { code?: string; message: string; hint?: string };
    const away =
      code === 'SWARM_E_DB_UNREACHABLE' ||
      code === 'SWARM_E_DB_AUTH' ||
      code === '42P01' ||
      code === '3F000' ||
      code === '22023' ||
      code === 'SWARM_E_DATA_MISSING';
    if (!away) throw error;
    if (json)
      process.stdout.write(`${JSON.stringify({ healthy: false, warnings: [`${code}: ${message}`] })}\n`);
    process.stderr.write(
      `${code}: ${message}\n  ${hint ?? 'This database is not a blackboard: see SWARM_DATABASE_URL.'}\n`,
    );
    return NO_DATABASE;
  }
}
