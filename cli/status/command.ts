// `swarm status`: reads the fleet views with a reader's rights; exit 0 healthy, 3 degraded, 4 no database.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Db, explain, openDb } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { asReader } from '../reading.js';
import { readingFrom } from '../where.js';
import { readStatus } from './read.js';
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

async function once(db: Db, json: boolean, clear: boolean): Promise<number> {
  try {
    const status = await asReader(db, readStatus);
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
