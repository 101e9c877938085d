// Reading a swarm from outside, for commands that show it: a reader's rights and no more, whoever logs in, and one snapshot.
// Promises: nothing is written, and a question that takes longer than 20 s is given up.
import { sql, type Transaction } from 'kysely';
import { type Db, openDb } from '../blackboard/db.js';
import type { DB } from '../blackboard/schema.generated.js';
import { readingFrom } from './where.js';

/** Rights are said in the transaction itself and not at the start of the session, which behind a pooler is somebody else's. */
export const asReader = <T>(db: Db, read: (trx: Transaction<DB>) => Promise<T>): Promise<T> =>
  db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      await sql`set local role swarm_reader`.execute(trx);
      await sql`set local statement_timeout = '20s'`.execute(trx);
      return read(trx);
    });

/** The same on a connection of its own to the swarm of a home. */
export async function readSwarm<T>(
  home: string | undefined,
  name: string,
  read: (trx: Transaction<DB>) => Promise<T>,
): Promise<T> {
  const db = openDb({ url: readingFrom(home), name, connections: 1 });
  try {
    return await asReader(db, read);
  } finally {
    await db.destroy();
  }
}
