// Every prompt and what was answered, as rows. Writing is retried until it succeeds: an answer already sent is never
// forgotten because the database was away.

import { explain, isTransient } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { pause } from '../../blackboard/events/doorbell.js';
import { shortText } from '../../blackboard/text.js';
import type { MinerContext } from '../context.js';
import type { Prompt } from '../sn50/prompt.js';
import type { Answer } from './answers.js';

export interface PromptFacts {
  readonly validator: string;
  readonly slot: string;
  readonly competition: string;
  readonly start_s: number;
  readonly prompt: Prompt;
}

const RETRY_MS = 500;

/** The prompt's id, whoever of miner and validator wrote it first. */
export async function promptId(context: MinerContext, facts: PromptFacts): Promise<string> {
  const { validator, slot, competition, start_s, prompt } = facts;
  const key = {
    validator,
    asset: prompt.asset,
    start_at: new Date(start_s * 1000),
    length_s: prompt.time_length,
  };
  const row = {
    ...context.stamp(),
    ...key,
    slot,
    competition,
    increment_s: prompt.time_increment,
    num_simulations: prompt.num_simulations,
  };
  const made = await context.db
    .insertInto('board.prompt')
    .values(row)
    .onConflict((c) => c.columns(['validator', 'asset', 'start_at', 'length_s']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made !== undefined) return made.id;
  const known = await context.db
    .selectFrom('board.prompt')
    .select('id')
    .where('validator', '=', key.validator)
    .where('asset', '=', key.asset)
    .where('start_at', '=', key.start_at)
    .where('length_s', '=', key.length_s)
    .executeTakeFirstOrThrow();
  return known.id;
}

export class Ledger {
  #writing = new Set<Promise<void>>();

  constructor(readonly context: MinerContext) {}

  /** Writes prompt and answer; resolves when both are stored. */
  record(
    facts: PromptFacts,
    result: Answer | { failure: unknown; data_until_s: number },
    latency_ms: number,
  ): Promise<void> {
    const write = this.#write(facts, result, latency_ms).finally(() => this.#writing.delete(write));
    this.#writing.add(write);
    return write;
  }

  /** Waits for what is still being written. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  async #write(
    facts: PromptFacts,
    result: Answer | { failure: unknown; data_until_s: number },
    latency_ms: number,
  ): Promise<void> {
    const stamp = this.context.stamp();
    const data_until = new Date(result.data_until_s * 1000);
    for (;;) {
      try {
        const prompt_id = await promptId(this.context, facts);
        await debugPoint('answer.half-recorded');
        const row =
          'failure' in result
            ? {
                status: 'failed',
                rank: 'none',
                seed: '',
                data_until,
                reason: shortText(
                  result.failure instanceof Error ? result.failure.message : String(result.failure),
                ),
              }
            : {
                status: 'answered',
                rank: result.rank,
                artifact: result.artifact,
                seed: result.seed,
                data_until,
                anchor: result.anchor,
                sampling: result.sampling,
                forecast_start:
                  result.forecast_start_s === facts.start_s ? null : new Date(result.forecast_start_s * 1000),
                paths_digest: result.paths_digest,
              };
        await this.context.db
          .insertInto('board.answer')
          .values({ ...stamp, prompt_id, latency_ms, ...row })
          .onConflict((c) => c.columns(['prompt_id', 'agent_id']).doNothing())
          .execute();
        await debugPoint('answer.recorded');
        return;
      } catch (error) {
        if (!isTransient(error)) throw explain(error);
        this.context.log.warn({ err: error }, 'the answer waits to be recorded');
        await pause(RETRY_MS, AbortSignal.timeout(RETRY_MS));
      }
    }
  }
}
