// After the horizon: the field is scored on each prompt by the subnet's rule, and every score becomes a row.
// One prompt per (asset, bucket) counts, as on the subnet; a prompt whose last real price never comes is dropped with an alert.

import type { BarReader, BarSeries } from '../../blackboard/market.js';
import { indexAtOrBefore } from '../../forecast/bars.js';
import type { Offload } from '../../forecast/offload.js';
import type { MinerContext } from '../context.js';
import { findCompetition, scoringIntervals } from '../sn50/profile.js';
import { promptScores } from '../sn50/reward/index.js';
import { VALIDATOR } from './asking.js';
import { FIELD, OURS } from './field.js';
import type { Paying } from './paying.js';
import type { Pending, PendingPrompts } from './pending.js';
import type { ValidatorJobs } from './worker.js';

/** Bars given to a scoring job before the start: more than any rival reads. */
const LEAD_BARS = 6000;
const GIVE_UP_S = 86_400;
/** The oracle of a simulated market draws from the true law, which is dear: it answers one prompt in so many. */
const ORACLE_EVERY = 4;

function slice(bars: BarSeries, from_s: number, to_s: number): BarSeries {
  const a = Math.max(0, indexAtOrBefore(bars, from_s));
  const b = indexAtOrBefore(bars, to_s) + 1;
  return { ...bars, open_s: bars.open_s.slice(a, b), close: bars.close.slice(a, b) };
}

export class Scoring {
  readonly #counted = new Map<string, string>();

  constructor(
    readonly context: MinerContext,
    readonly thread: Offload<ValidatorJobs>,
    readonly pending: PendingPrompts,
    readonly bars: BarReader,
    readonly paying: Paying,
  ) {}

  /** Scores what is due; true when anything was finished. */
  async scoreDue(now_s: number): Promise<boolean> {
    let worked = false;
    for (const one of this.pending.due(now_s, this.context.profile.scoring_delay_s)) {
      if (this.context.stopping.aborted) break;
      if (this.#thinned(one) || (await this.#score(one))) {
        await this.pending.remove(one.id);
        worked = true;
      } else if (now_s > one.start_s + one.length_s + GIVE_UP_S) {
        await this.context.alert(
          'warning',
          'SWARM_E_DATA_MISSING',
          `${one.slot} from ${new Date(one.start_s * 1000).toISOString()} cannot be scored: its last price never came`,
        );
        await this.pending.remove(one.id);
      }
    }
    return worked;
  }

  /** True when an earlier prompt of the same asset and bucket is the one that counts. */
  #thinned(one: Pending): boolean {
    const bucket = `${one.slot} ${Math.floor(one.start_s / findCompetition(this.context.profile, one.competition).thin.bucket_s)}`;
    const first = this.#counted.get(bucket) ?? one.id;
    this.#counted.set(bucket, first);
    if (this.#counted.size > 10_000) this.#counted.delete(this.#counted.keys().next().value!);
    return first !== one.id;
  }

  async #score(one: Pending): Promise<boolean> {
    const { context } = this;
    const rules = findCompetition(context.profile, one.competition);
    const series = await this.bars.series(one.asset, one.increment_s);
    const seed = `${VALIDATOR}/${one.slot}@${one.start_s}`;
    const wantsOracle =
      context.clock.source === 'simulated' && Math.floor(one.start_s / 3600) % ORACLE_EVERY === 0;
    const scores = await this.thread.call('score', {
      prompt: {
        asset: one.asset,
        start_s: one.start_s,
        length_s: one.length_s,
        increment_s: one.increment_s,
        simulations: one.simulations,
        seed,
      },
      intervals: scoringIntervals(rules),
      bars: slice(
        series,
        one.start_s - LEAD_BARS * one.increment_s,
        one.start_s + one.length_s + one.increment_s,
      ),
      file:
        one.validation === 'CORRECT' && this.pending.hasAnswer(one.id)
          ? this.pending.answerFile(one.id)
          : null,
      oracle: wantsOracle ? context.clock.seed : null,
    });
    if (scores === null) return false;
    const ranked = promptScores(scores.crps, context.profile.prompt_score_rule);
    const { id: prompt_id } = await context.db
      .selectFrom('board.prompt')
      .select('id')
      .where('validator', '=', VALIDATOR)
      .where('asset', '=', one.asset)
      .where('start_at', '=', new Date(one.start_s * 1000))
      .where('length_s', '=', one.length_s)
      .executeTakeFirstOrThrow();
    const common = { prompt_id, dataset_digest: context.clock.dataset_digest };
    const rows = FIELD.map((miner, i) => ({
      ...context.stamp(),
      ...common,
      miner,
      validation: miner === OURS ? one.validation : 'CORRECT',
      crps: scores.crps[i]!,
      prompt_score: ranked?.scores[i] ?? null,
    }));
    const oracle =
      scores.oracle === null
        ? []
        : [
            {
              ...context.stamp(),
              ...common,
              miner: 'oracle',
              validation: 'CORRECT',
              crps: scores.oracle,
              prompt_score: null,
            },
          ];
    await context.db
      .insertInto('board.outcome')
      .values([...rows, ...oracle])
      .onConflict((c) => c.columns(['prompt_id', 'miner']).doNothing())
      .execute();
    if (ranked !== null)
      this.paying.add(
        one.competition,
        one.asset,
        one.start_s + one.length_s,
        ranked.scores,
        ranked.fill,
        ranked.lowest,
      );
    return true;
  }
}
