// Every prompt and what was answered, as rows. Writing is retried until it succeeds: an answer already sent is never
// forgotten because the database was away.

import { explain, isTransient } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { pause } from '../../blackboard/events/doorbell.js';
import { shortText } from '../../blackboard/text.js';
import type { MinerContext } from '../context.js';
import type { Prompt } from '../sn50/prompt.js';
import type { Answer } from './answers.js';
import { Unrecorded } from './unrecorded.js';

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
    increment_s: prompt.time_increment,
    num_simulations: prompt.num_simulations,
  };
  const row = {
    ...context.stamp(),
    ...key,
    slot,
    competition,
  };
  const made = await context.db
    .insertInto('board.prompt')
    .values(row)
    .onConflict((c) => c.constraint('prompt_asked').doNothing())
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
    .where('increment_s', '=', key.increment_s)
    .where('num_simulations', '=', key.num_simulations)
    .executeTakeFirstOrThrow();
  return known.id;
}

/** What the row of an answer says, or that of a failure; as it lies in the file of those on their way. */
interface Entry {
  readonly facts: PromptFacts;
  readonly latency_ms: number;
  readonly row: ReturnType<typeof rowOf>;
}

type Result = Answer | { failure: unknown; data_until_s: number };

/** Answers may be this many rows ahead of the database; then each waits for its own. */
const AHEAD = 256;

export interface Recording {
  /** Whether the answer survives this process as it is; else `stored` is to be waited for. */
  readonly kept: boolean;
  readonly stored: Promise<void>;
}

export class Ledger {
  readonly #writing = new Set<Promise<void>>();
  readonly #unrecorded: Unrecorded<Entry> | null;

  /** `file`: keeps what is not stored yet; without it, it is in memory alone. */
  constructor(
    readonly context: MinerContext,
    file?: string,
  ) {
    this.#unrecorded = file === undefined ? null : new Unrecorded<Entry>(file);
    for (const { id, entry } of this.#unrecorded?.takeOver() ?? []) this.#begin(entry, id);
  }

  /** Writes prompt and answer, retried until both are stored. */
  record(facts: PromptFacts, result: Result, latency_ms: number): Recording {
    const entry = { facts, latency_ms, row: rowOf(facts, result) };
    const id = this.#note(entry);
    return { kept: id !== undefined, stored: this.#begin(entry, id) };
  }

  #note(entry: Entry): number | undefined {
    if (this.#unrecorded === null || this.#unrecorded.size > AHEAD) return undefined;
    try {
      return this.#unrecorded.add(entry);
    } catch (error) {
      this.context.log.error({ err: error }, 'the file of answers on their way cannot be written');
      return undefined;
    }
  }

  #begin(entry: Entry, id: number | undefined): Promise<void> {
    const write = this.#write(entry).finally(() => {
      this.#writing.delete(write);
      if (id !== undefined) this.#unrecorded?.done(id);
    });
    this.#writing.add(write);
    write.catch((error) => this.context.log.error({ err: error }, 'the answer could not be recorded'));
    return write;
  }

  /** Waits for what is still being written. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing);
    this.#unrecorded?.close();
  }

  async #write({ facts, latency_ms, row }: Entry): Promise<void> {
    const stamp = this.context.stamp();
    for (;;) {
      try {
        const prompt_id = await promptId(this.context, facts);
        await debugPoint('answer.half-recorded');
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

const instant = (s: number): string => new Date(s * 1000).toISOString();

function rowOf(facts: PromptFacts, result: Result) {
  const data_until = instant(result.data_until_s);
  if ('failure' in result) {
    const { failure } = result;
    const reason = shortText(failure instanceof Error ? failure.message : String(failure));
    return { status: 'failed' as const, rank: 'none' as const, seed: '', data_until, reason };
  }
  const { rank, artifact, seed, anchor, sampling, forecast_start_s, paths_digest } = result;
  return {
    status: 'answered' as const,
    rank,
    artifact,
    seed,
    data_until,
    anchor,
    sampling,
    forecast_start: forecast_start_s === facts.start_s ? null : instant(forecast_start_s),
    paths_digest,
  };
}
