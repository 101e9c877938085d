// Is a record signed by the key that was its author's when it was written? The database cannot say (it knows no ed25519), so
// whoever acts on a record asks here first: checkers about claims, publishers about verdicts, the miner about promotions.
import { sql } from 'kysely';
import type { Db } from '../db.js';
import { SwarmError } from '../errors.js';
import { assertSigned, type SignedKind } from '../signed.js';

/** Throws SWARM_E_SIGNATURE when it is not, SWARM_E_OWNER_KEY when no owner ever signed for the author. */
export async function assertAuthentic(
  db: Db,
  kind: SignedKind,
  row: object & { id: string; signature: string },
): Promise<void> {
  const { rows } = await sql<{ author: string; public_key: string | null; keys: number }>`
    select a.name as author, k.public_key, (select count(*) from board.enrolment e where e.agent_id = a.id) as keys
    from ${sql.table(`board.${kind}`)} r
    join board.agent a on a.id = r.agent_id
    left join board.agent_key k on k.agent_id = r.agent_id and r.at >= k.valid_from and (k.valid_to is null or r.at < k.valid_to)
    where r.id = ${row.id}`.execute(db);
  const author = rows[0];
  if (author === undefined || author.keys === 0)
    throw new SwarmError(
      'SWARM_E_OWNER_KEY',
      `no owner has signed for ${author?.author ?? 'the author'} of ${kind} ${row.id}`,
      'Enrol the agent again with its file (`swarm agent enroll`): its owner then signs for the keys that it has.',
    );
  if (author.public_key === null)
    throw new SwarmError(
      'SWARM_E_SIGNATURE',
      `${author.author} had no valid key when ${kind} ${row.id} was written`,
      'The record counts for nothing. See `swarm agent list` for when its keys were valid.',
    );
  assertSigned(kind, row, author.public_key);
}
