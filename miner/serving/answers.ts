// From a prompt to an answer and its record: the slot's models in turn, on bars that closed before the prompt's start.
// An answer is a pure function of what its row says (model, data_until, anchor, seed): anyone can make it again.
import { isTransient } from '../../blackboard/db.js';
import type { BarReader, BarSeries } from '../../blackboard/market.js';
import { historyFor, indexAtOrBefore } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import type { Offload } from '../../forecast/offload.js';
import type { MinerContext } from '../context.js';
import { competitionFor, scoringIntervals } from '../sn50/profile.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import type { Champions, Rank } from './champions.js';
import type { ServingJobs } from './worker.js';

export interface Answer {
  readonly rank: Rank;
  readonly artifact: string;
  readonly seed: string;
  readonly data_until_s: number;
  readonly anchor: number;
  readonly paths_digest: string;
  readonly text: string;
}

/** Bars closed by one minute before the start are used, as by a miner that answers at once in live time. */
const LEAD_S = 60;
const MINUTE_S = 60;
/** Older bars than this forecast nothing: a gap in the feed must not pass for a calm market. */
const STALE_S = 6 * 3600;

/** Close time of the last bar closed by `limit_s`. */
function lastClose(bars: BarSeries, limit_s: number): { until_s: number; price: number } | null {
  const i = indexAtOrBefore(bars, limit_s - bars.step);
  return i < 0 ? null : { until_s: bars.open_s[i]! + bars.step, price: bars.close[i]! };
}

export class Answering {
  readonly #kept = new Map<string, BarSeries>();

  constructor(
    readonly context: MinerContext,
    readonly champions: Champions,
    readonly thread: Offload<ServingJobs>,
    readonly bars: BarReader,
  ) {}

  /** Answers or throws what the last model in line failed with; failures of better ones are alerts. */
  async answer(prompt: Prompt, slot: string): Promise<Answer> {
    const { profile } = this.context;
    const line = this.champions.of(slot);
    if (line.length === 0)
      throw new ForecastError('SWARM_E_MODEL_FAILED', `no model of ${slot} can serve`, 'See the alerts.');
    const start_s = parseStart(prompt.start_time);
    const series = await this.#series(prompt.asset, prompt.time_increment);
    const last = lastClose(series, start_s - LEAD_S);
    if (last === null)
      throw new ForecastError(
        'SWARM_E_BARS_TOO_FEW',
        `no bar of ${prompt.asset} has closed by ${prompt.start_time}`,
        'Import or fetch bars.',
      );
    if (start_s - last.until_s > STALE_S)
      throw new ForecastError(
        'SWARM_E_BARS_GAP',
        `the last bar of ${prompt.asset} closed ${Math.round((start_s - last.until_s) / 3600)} hours before ${prompt.start_time}`,
        'The feed or the database is behind: nothing is forecast from bars this old.',
      );
    const minutes =
      prompt.time_increment === MINUTE_S
        ? last
        : (lastClose(await this.#series(prompt.asset, MINUTE_S), start_s - LEAD_S) ?? last);
    // The freshest price that was known, minutes where there are any.
    const anchor = minutes.until_s >= last.until_s ? minutes.price : last.price;
    const rules = competitionFor(profile, prompt.asset, prompt.time_length);
    const intervals = rules === undefined ? [] : scoringIntervals(rules);
    const seed = `${slot}@${start_s}`;
    let failure: unknown;
    for (const { rank, digest, model } of line) {
      try {
        const history = historyFor(series, last.until_s, model);
        const made = await this.thread.call('answer', {
          digest,
          history,
          prompt,
          anchor,
          seed,
          rule: profile.response_rule,
          intervals,
        });
        return { rank, artifact: digest, seed, data_until_s: last.until_s, anchor, ...made };
      } catch (error) {
        failure = error;
        const { code, message } = error as { code?: string; message: string };
        // Not awaited: the next model answers whether or not the database can be told.
        this.context
          .alert(
            'warning',
            code ?? 'SWARM_E_MODEL_FAILED',
            `${slot}: the ${rank} ${digest.slice(0, 12)} did not answer: ${message}`,
          )
          .catch((second) => this.context.log.error({ err: second }, 'the alert could not be written'));
      }
    }
    throw failure;
  }

  /** Bars of one series; while the database is away, those that were read last. */
  async #series(asset: string, step: number): Promise<BarSeries> {
    const key = `${asset}/${step}`;
    try {
      const series = await this.bars.series(asset, step);
      this.#kept.set(key, series);
      return series;
    } catch (error) {
      const kept = this.#kept.get(key);
      if (kept === undefined || !isTransient(error)) throw error;
      this.context.log.warn({ err: error }, 'answering from the bars read last');
      return kept;
    }
  }
}
