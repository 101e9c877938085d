// The miner's own answers in a live market, scored once their horizon has passed: nobody else writes what they were worth.
// Promises: every answer is made again from its row, to the last bit, and scored as it was sent, rounded, by the profile's
// rule, beside the reference miner and two more that see the same bars; an outcome is written once.
// Leaves to others: real validators' own scores, and what follows from an outcome (trust/).
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { marketNow, readBars } from '../../blackboard/market.js';
import type { Offload } from '../../forecast/offload.js';
import { MAX_HISTORY_BARS } from '../../forecast/onnx/contract.js';
import type { MinerContext } from '../context.js';
import { findCompetition, OTHER, scoringIntervals } from '../sn50/profile.js';
import { formatStart, type Prompt } from '../sn50/prompt.js';
import { formatResponse } from '../sn50/response.js';
import { promptScores } from '../sn50/reward/index.js';
import { FIELD, OURS } from '../validator/field.js';
import type { ValidatorJobs } from '../validator/worker.js';
import { type AnswerRow, recreate } from './recreate.js';

/** Bars before the start of a prompt: as many as any model may read, and some between them and the start. */
export const LEAD_BARS = MAX_HISTORY_BARS + 1440;
const BATCH = 4;
/** A last real price that has not come by then never comes. */
const GIVE_UP_S = 86_400;

interface Due extends AnswerRow {
  readonly prompt_id: string;
  readonly slot: string;
  readonly competition: string;
  readonly asset: string;
  readonly start_s: number;
  readonly length_s: number;
  readonly increment_s: number;
  readonly num_simulations: number;
}

export class OwnScores {
  /** Answers that cannot be scored, so that they are not tried again in this life. */
  readonly #given = new Set<string>();

  constructor(
    readonly context: MinerContext,
    readonly thread: Offload<ValidatorJobs>,
  ) {}

  /** Scores some of what is due, oldest first; true when any outcome was written. */
  async step(): Promise<boolean> {
    const now_s = (await marketNow(this.context.db)).getTime() / 1000;
    let written = false;
    for (const due of await this.#due(now_s)) {
      if (this.context.stopping.aborted) break;
      try {
        written = (await this.#score(due, now_s)) || written;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        this.#given.add(due.prompt_id);
        await this.context.alert(
          'warning',
          code ?? 'SWARM_E_UNEXPECTED',
          `${due.slot}: an own answer is not scored: ${message}`,
        );
      }
    }
    return written;
  }

  async #due(now_s: number): Promise<Due[]> {
    const { db, profile } = this.context;
    const { agent_id } = this.context.stamp();
    const rows = await db
      .selectFrom('board.answer as a')
      .innerJoin('board.prompt as p', 'p.id', 'a.prompt_id')
      .leftJoin('board.outcome as o', (j) => j.onRef('o.prompt_id', '=', 'p.id').on('o.miner', '=', OURS))
      .select([
        'p.id as prompt_id',
        'p.slot',
        'p.competition',
        'p.asset',
        'p.start_at',
        'p.length_s',
        'p.increment_s',
      ])
      .select(['p.num_simulations', 'a.artifact', 'a.seed', 'a.data_until', 'a.forecast_start', 'a.sampling'])
      .select(['a.anchor', 'a.paths_digest'])
      .where('a.agent_id', '=', agent_id)
      .where('a.status', '=', 'answered')
      .where('p.competition', '<>', OTHER)
      .where('o.id', 'is', null)
      .where('p.start_at', '>', new Date((now_s - 7 * 86_400) * 1000))
      .orderBy('p.start_at')
      .execute();
    return rows
      .map(({ start_at, ...row }) => ({ ...(row as unknown as Due), start_s: start_at.getTime() / 1000 }))
      .filter(
        (one) =>
          one.start_s + one.length_s + profile.scoring_delay_s <= now_s && !this.#given.has(one.prompt_id),
      )
      .slice(0, BATCH);
  }

  async #score(due: Due, now_s: number): Promise<boolean> {
    const { context } = this;
    const { asset, start_s, length_s, increment_s, num_simulations } = due;
    const rules = findCompetition(context.profile, due.competition);
    const bars = await readBars(
      context.db,
      asset,
      increment_s,
      start_s - LEAD_BARS * increment_s,
      start_s + length_s + increment_s,
    );
    const prompt: Prompt = {
      asset,
      start_time: formatStart(start_s),
      time_increment: increment_s,
      time_length: length_s,
      num_simulations,
    };
    const prices = await recreate(context.profile, prompt, due, await context.store.get(due.artifact), bars);
    const directory = await mkdtemp(join(tmpdir(), 'own-answer-'));
    try {
      const file = join(directory, 'prices');
      await writeFile(file, asSent(prices, prompt, context));
      const seed = `${OURS}/${due.slot}@${start_s}`;
      const scores = await this.thread.call('score', {
        prompt: { asset, start_s, length_s, increment_s, simulations: num_simulations, seed },
        intervals: scoringIntervals(rules),
        bars,
        file,
        oracle: null,
      });
      if (scores === null) {
        if (now_s > start_s + length_s + GIVE_UP_S) throw new Error('its last real price never came');
        return false;
      }
      await this.#write(due, scores.crps);
      return true;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #write(due: Due, crps: readonly number[]): Promise<void> {
    const { context } = this;
    const ranked = promptScores(crps, context.profile.prompt_score_rule);
    const rows = FIELD.map((miner, i) => ({
      ...context.stamp(),
      prompt_id: due.prompt_id,
      dataset_digest: context.clock.dataset_digest,
      miner,
      validation: crps[i]! < 0 ? 'no whole bars to answer from' : 'CORRECT',
      crps: crps[i]!,
      prompt_score: ranked?.scores[i] ?? null,
    }));
    await context.db
      .insertInto('board.outcome')
      .values(rows)
      .onConflict((c) => c.columns(['prompt_id', 'miner']).doNothing())
      .execute();
  }
}

/** Prices as the validator read them: rounded by the digit rule. */
function asSent(prices: Float64Array, prompt: Prompt, { profile }: MinerContext): Float64Array {
  const count = prompt.num_simulations;
  const text = formatResponse(
    { count, points: prices.length / count, prices },
    prompt,
    profile.response_rule,
  );
  const [, , ...paths] = JSON.parse(text) as [number, number, ...number[][]];
  return Float64Array.from(paths.flat());
}
