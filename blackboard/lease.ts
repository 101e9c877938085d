// Leases: the right to do one piece of work for a stretch of wall time, with a fencing token that every result carries.
// The holder renews at every third of the term; without a renewal it aborts its own work before the lease can end.
// Terms are the database's: this process counts stretches of time and never reads a wall clock.
import { sql } from 'kysely';
import { type Db, isTransient } from './db.js';
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
/** Work stops after this share of a term without a renewal. */
const SAFE_SHARE = 0.9;

/** Takes the lease on a piece of work, or returns null while somebody else holds it. */
export async function takeLease(db: Db, work_id: string, term_s = TERM_S): Promise<Lease | null> {
  const asked_ms = performance.now();
  const { rows } = await sql<{
    fence: number | null;
  }>`select board.lease_take(${work_id}, ${term_s}) as fence`.execute(db);
  const fence = rows[0]?.fence ?? null;
  if (fence === null) return null;
  return hold(db, work_id, fence, term_s, asked_ms);
}

function hold(db: Db, work_id: string, fence: number, term_s: number, taken_ms: number): Lease {
  const lost = new AbortController();
  let over = false;
  const lose = (): void => {
    stop();
    lost.abort(
      new SwarmError(
        'SWARM_E_STALE_LEASE',
        `the lease on ${work_id} could not be renewed`,
        'Somebody else takes the work over; nothing was written.',
      ),
    );
  };
  // Counted from when the server was asked: its answer may be late, or never come.
  const loseAfter = (asked_ms: number): NodeJS.Timeout =>
    setTimeout(lose, asked_ms + term_s * 1000 * SAFE_SHARE - performance.now()).unref();
  let deadline = loseAfter(taken_ms);
  const renew = async (): Promise<void> => {
    const asked_ms = performance.now();
    try {
      const { rows } = await sql<{
        held: boolean;
      }>`select board.lease_renew(${work_id}, ${fence}, ${term_s}) as held`.execute(db);
      if (over) return;
      if (!rows[0]?.held) return lose();
      clearTimeout(deadline);
      deadline = loseAfter(asked_ms);
    } catch {
      // Out of reach for now: tried again at the next third, until the deadline.
    }
  };
  const timer = setInterval(() => void renew(), (term_s * 1000) / 3).unref();
  const stop = (): void => {
    over = true;
    clearInterval(timer);
    clearTimeout(deadline);
  };
  let given = false;
  return {
    work_id,
    fence,
    signal: lost.signal,
    async giveBack() {
      if (given) return;
      given = true;
      stop();
      try {
        await sql`select board.lease_give_back(${work_id}, ${fence})`.execute(db);
      } catch (error) {
        // It ends by itself then.
        if (!isTransient(error)) throw error;
      }
    },
  };
}
