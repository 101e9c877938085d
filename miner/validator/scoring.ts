// After the horizon: the field is scored on each prompt by the subnet's rule, and every score becomes a row.
// One prompt per (asset, bucket) counts, as on the subnet; a prompt whose last real price never comes is dropped with an alert.

import { debugPoint } from '../../blackboard/debug-point.js';
import type { BarReader, BarSeries } from '../../blackboard/market.js';
import { indexAtOrBefore } from '../../forecast/bars.js';
import type { Offload } from '../../forecast/offload.js';
import type { MinerContext } from '../context.js';
import { promptId } from '../serving/ledger.js';
import { findCompetition, scoringIntervals } from '../sn50/profile.js';
import { promptScores } from '../sn50/reward/index.js';
import { factsOf, VALIDATOR } from './asking.js';
import { FIELD, OURS } from './field.js';
import type { Paying } from './paying.js';
import type { Pending, PendingPrompts } from './pending.js';
import type { ValidatorJobs } from './worker.js';

/** Bars given to a scoring job before the start: more than any rival reads. */
const LEAD_BARS = 6000;
const BATCH = 8;
/** Market time between two looks at a prompt whose last price is missing. */
const RETRY_S = 600;
const GIVE_UP_S = 86_400;
/** The oracle of a simulated market draws from the true law, which is dear: it answers one prompt in so many. */
const ORACLE_EVERY = 4;

function slice(bars: BarSeries, from_s: number, to_s: number): BarSeries {
  const a = Math.max(0, indexAtOrBefore(bars, from_s));
  const b = indexAtOrBefore(bars, to_s) + 1;
  return { ...bars, open_s: bars.open_s.slice(a, b), close: bars.close.slice(a, b) };
}

/** Buckets of prompts that are still remembered lie no further back than this, a day's horizon and its retries. */
const REMEMBER_S = 3 * 86_400;

export class Scoring {
  /** Start of the prompt that counts, per bucket. */
  readonly #retryAt = new Map<string, number>();
  readonly #counted = new Map<string, number>();

  constructor(
    readonly context: MinerContext,
    readonly thread: Offload<ValidatorJobs>,
    readonly pending: PendingPrompts,
    readonly bars: BarReader,
    readonly paying: Paying,
  ) {}

  /** Recalls which prompts counted in an earlier life, so that their buckets stay taken. */
  async load(now_s: number): Promise<void> {
    const rows = await this.context.db
      .selectFrom('board.outcome as o')
      .innerJoin('board.prompt as p', 'p.id', 'o.prompt_id')
      .select(['p.slot', 'p.competition', 'p.start_at'])
      .where('p.validator', '=', VALIDATOR)
      .where('o.miner', '=', OURS)
      .where('p.start_at', '>', new Date((now_s - REMEMBER_S) * 1000))
      .orderBy('p.start_at')
      .execute();
    for (const row of rows) this.#thinned({ ...row, start_s: row.start_at.getTime() / 1000 });
  }

  /** Scores some of what is due, oldest first, so that asking is never kept waiting; true when anything was finished. */
  async scoreDue(now_s: number): Promise<boolean> {
    let finished = 0;
    for (const one of this.pending.due(now_s, this.context.profile.scoring_delay_s)) {
      if (this.context.stopping.aborted || finished === BATCH) break;
      if ((this.#retryAt.get(one.id) ?? 0) > now_s) continue;
      if (this.#thinned(one) || (await this.#score(one))) {
        await this.#finish(one);
        finished += 1;
      } else if (now_s > one.start_s + one.length_s + GIVE_UP_S) {
        await this.context.alert(
          'warning',
          'SWARM_E_DATA_MISSING',
          `${one.slot} from ${new Date(one.start_s * 1000).toISOString()} cannot be scored: its last price never came`,
        );
        await this.#finish(one);
      } else this.#retryAt.set(one.id, now_s + RETRY_S);
    }
    return finished > 0;
  }

  async #finish(one: Pending): Promise<void> {
    await this.pending.remove(one.id);
    this.#retryAt.delete(one.id);
  }

  /** True when an earlier prompt of the same asset and bucket is the one that counts. */
  #thinned(one: Pick<Pending, 'slot' | 'competition' | 'start_s'>): boolean {
    const { bucket_s } = findCompetition(this.context.profile, one.competition).thin;
    const bucket = `${one.slot} ${Math.floor(one.start_s / bucket_s)}`;
    const first = this.#counted.get(bucket) ?? one.start_s;
    this.#counted.set(bucket, first);
    if (this.#counted.size > 10_000) this.#counted.delete(this.#counted.keys().next().value!);
    return first !== one.start_s;
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
    const prompt_id = await promptId(context, factsOf(one));
    const common = { prompt_id, dataset_digest: context.clock.dataset_digest };
    const rows = FIELD.map((miner, i) => ({
      ...context.stamp(),
      ...common,
      miner,
      validation:
        miner === OURS ? one.validation : scores.crps[i]! < 0 ? 'no whole bars to answer from' : 'CORRECT',
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
    await debugPoint('outcome.measured');
    const written = await context.db
      .insertInto('board.outcome')
      .values([...rows, ...oracle])
      .onConflict((c) => c.columns(['prompt_id', 'miner']).doNothing())
      .returning('miner')
      .execute();
    await debugPoint('outcome.written');
    // A prompt that was scored before (asked again after the clock was set back by a kill, or written by a statement whose answer was
    // lost with its connection) is not paid twice, and not forgotten either.
    if (written.length === 0) await this.paying.load();
    else if (ranked !== null)
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
