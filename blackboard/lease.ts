// Leases: the right to do one piece of work for a stretch of wall time, with a fencing token that every result carries.
// The holder renews at a third of the term; when a renewal fails it aborts its own work before the lease can end.
import { sql } from 'kysely';
import type { Db } from './db.js';
import { SwarmError } from './errors.js';

export interface Lease {
  readonly work_id: string;
  /** Fencing token: larger for every taking. */
  readonly fence: number;
  /** Aborted when the lease is lost; work must stop then. */
  readonly signal: AbortSignal;
  /** Ends the lease; safe to call twice. */
  giveBack(): Promise<void>;
}

const TERM_S = 30;

/** Takes the lease on a piece of work, or returns null while somebody else holds it. */
export async function takeLease(db: Db, work_id: string, term_s = TERM_S): Promise<Lease | null> {
  const { rows } = await sql<{
    fence: number | null;
  }>`select board.lease_take(${work_id}, ${term_s}) as fence`.execute(db);
  const fence = rows[0]?.fence ?? null;
  if (fence === null) return null;
  return hold(db, work_id, fence, term_s);
}

function hold(db: Db, work_id: string, fence: number, term_s: number): Lease {
  const lost = new AbortController();
  let renewed_ms = Date.now();
  let over = false;
  const lose = (): void => {
    if (lost.signal.aborted) return;
    lost.abort(
      new SwarmError(
        'SWARM_E_STALE_LEASE',
        `the lease on ${work_id} could not be renewed`,
        'Somebody else takes the work over; nothing was written.',
      ),
    );
    clearInterval(timer);
  };
  const renew = async (): Promise<void> => {
    try {
      const { rows } = await sql<{
        held: boolean;
      }>`select board.lease_renew(${work_id}, ${fence}, ${term_s}) as held`.execute(db);
      if (over) return;
      if (rows[0]?.held) renewed_ms = Date.now();
      else lose();
    } catch {
      // Out of reach for now: try again at the next third, and stop before the term ends.
      if (Date.now() - renewed_ms > (term_s * 1000 * 2) / 3) lose();
    }
  };
  const timer = setInterval(() => void renew(), (term_s * 1000) / 3);
  timer.unref();
  return {
    work_id,
    fence,
    signal: lost.signal,
    async giveBack() {
      if (over) return;
      over = true;
      clearInterval(timer);
      await sql`select board.lease_give_back(${work_id}, ${fence})`.execute(db);
    },
  };
}
