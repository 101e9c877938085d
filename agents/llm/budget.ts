// The purse of one agent: every call's worst case is reserved on the blackboard before it is made, and settled by what it took.
// Promises: together with everybody else's reservations a cap is never exceeded; a settlement is entered once, with its row of
// board.llm_call. Leaves to others: setting caps (`swarm budget`), deciding what to do without money.
import { sql } from 'kysely';
import { type Db, stateOf, transact } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { uuid7 } from '../../blackboard/ids.js';

export interface Worst {
  readonly tokens: number;
  readonly usd: number;
  /** How long the call may be under way, s: afterwards the reservation is anybody's to give back. */
  readonly term_s: number;
}

/** What is written down of a call. */
export interface Call {
  readonly thought: string | null;
  readonly task: string;
  readonly model: string;
  readonly strategy: string;
  readonly temperature: number;
  readonly attempts: number;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_usd: number;
  readonly latency_ms: number;
  /** `ok`, or the code of what went wrong. */
  readonly status: string;
}

export interface Budget {
  /** Throws SWARM_E_LLM_BUDGET when a cap has no room for it. Returns the reservation's id. */
  reserve(worst: Worst): Promise<string>;
  settle(reservation: string, call: Call): Promise<void>;
}

const UNIQUE_VIOLATION = '23505';

export function openBudget(db: Db, agent_id: string): Budget {
  return {
    async reserve({ tokens, usd, term_s }) {
      const id = uuid7();
      const { rows } = await sql<{ full: string | null }>`
        select board.budget_reserve(${id}::uuid, ${tokens}::bigint, ${usd}::numeric, ${term_s}::float8) as full`.execute(
        db,
      );
      const full = rows[0]!.full;
      if (full === null) return id;
      throw new SwarmError(
        'SWARM_E_LLM_BUDGET',
        `no room in the budget: ${full}`,
        'The agent goes on without a language model; `swarm budget` shows and sets the caps.',
      );
    },
    async settle(reservation, call) {
      try {
        await transact(db, async (trx) => {
          await trx
            .insertInto('board.llm_call')
            .values({ id: reservation, agent_id, ...call })
            .execute();
          await sql`select board.budget_settle(${reservation}::uuid, ${call.tokens_in + call.tokens_out}::bigint,
            ${call.cost_usd}::numeric)`.execute(trx);
        });
      } catch (error) {
        // Entered by an earlier try whose answer was lost on the way.
        if (stateOf(error) !== UNIQUE_VIOLATION) throw error;
      }
    },
  };
}
