// Dead letters: what an agent's doorbell gave up on becomes a row and an alert, in one transaction, before the server is told to stop.
// Promises: the same message is one row and one alert, however often the agent dies in between.

import { sha256 } from '../artifacts.js';
import { type Db, transact } from '../db.js';
import { shortText } from '../text.js';
import type { Delivery } from './stream.js';

/** Writes that a delivery was given up; throws when it could not be written. */
export type Bury = (delivery: Delivery, reason: string) => Promise<void>;

/** Buries in a blackboard, in the name of the agent whose columns `stamp` gives. */
export function buryIn(db: Db, stamp: () => { id: string; agent_id: string }): Bury {
  return (delivery, reason) =>
    transact(db, async (trx) => {
      const { event, body, sequence, deliveries } = delivery;
      const written = await trx
        .insertInto('board.dead_letter')
        .values({
          ...stamp(),
          stream_sequence: sequence,
          event_id: event?.id ?? null,
          deliveries,
          reason: shortText(reason),
          body: shortText(body),
          body_digest: sha256(body),
        })
        .onConflict((c) => c.columns(['agent_id', 'body_digest']).doNothing())
        .returning('id')
        .executeTakeFirst();
      if (written === undefined) return;
      await trx
        .insertInto('board.alert')
        .values({
          ...stamp(),
          severity: 'warning',
          code: 'SWARM_W_DEAD_LETTER',
          message: shortText(
            `event ${event?.id ?? `at ${sequence} of the stream`} is not delivered any more: ${reason}`,
          ),
        })
        .execute();
    });
}
