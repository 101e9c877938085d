// From a prompt to an answer and its record: the slot's models in turn, on bars that closed before the prompt's start.
// An answer is a pure function of what its row says (model, data_until, anchor, seed): anyone can make it again.
import type { BarReader, BarSeries } from '../../blackboard/market.js';
import { contiguousHistory, indexAtOrBefore } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import type { Offload } from '../../forecast/offload.js';
import type { MinerContext } from '../context.js';
import { competitionFor, slotId } from '../sn50/profile.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import type { Champions, Rank } from './champions.js';
import type { ServingJobs } from './worker.js';

export interface Answer {
  readonly slot: string;
  readonly competition: string;
  readonly start_s: number;
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

/** Close time of the last bar closed by `limit_s`. */
function lastClose(bars: BarSeries, limit_s: number): { until_s: number; price: number } | null {
  const i = indexAtOrBefore(bars, limit_s - bars.step);
  return i < 0 ? null : { until_s: bars.open_s[i]! + bars.step, price: bars.close[i]! };
}

export class Answering {
  constructor(
    readonly context: MinerContext,
    readonly champions: Champions,
    readonly thread: Offload<ServingJobs>,
    readonly bars: BarReader,
  ) {}

  /** Answers or throws what the last model in line failed with; failures of better ones are alerts. */
  async answer(prompt: Prompt): Promise<Answer> {
    const { profile } = this.context;
    const competition = competitionFor(profile, prompt.asset, prompt.time_length);
    const slot = competition === undefined ? null : slotId(competition.id, prompt.asset);
    const line = slot === null ? [] : this.champions.of(slot);
    if (
      competition === undefined ||
      slot === null ||
      line.length === 0 ||
      competition.increment_s !== prompt.time_increment
    )
      throw new ForecastError(
        'SWARM_E_MODEL_FAILED',
        `no model serves ${prompt.asset} over ${prompt.time_length} s in steps of ${prompt.time_increment} s`,
        `This miner serves ${this.context.clock.slots.join(', ')}.`,
      );
    const start_s = parseStart(prompt.start_time);
    const series = await this.bars.series(prompt.asset, prompt.time_increment);
    const last = lastClose(series, start_s - LEAD_S);
    if (last === null)
      throw new ForecastError(
        'SWARM_E_BARS_TOO_FEW',
        `no bar of ${prompt.asset} has closed by ${prompt.start_time}`,
        'Import or fetch bars.',
      );
    const minutes =
      prompt.time_increment === MINUTE_S
        ? last
        : (lastClose(await this.bars.series(prompt.asset, MINUTE_S), start_s - LEAD_S) ?? last);
    // The freshest price that was known, minutes where there are any.
    const anchor = minutes.until_s >= last.until_s ? minutes.price : last.price;
    const seed = `${slot}@${start_s}`;
    let failure: unknown;
    for (const { rank, digest, model } of line) {
      try {
        const history = contiguousHistory(series, last.until_s, model.history_bars);
        const made = await this.thread.call('answer', {
          digest,
          history,
          prompt,
          anchor,
          seed,
          rule: profile.response_rule,
        });
        return {
          slot,
          competition: competition.id,
          start_s,
          rank,
          artifact: digest,
          seed,
          data_until_s: last.until_s,
          anchor,
          ...made,
        };
      } catch (error) {
        failure = error;
        const { code, message } = error as { code?: string; message: string };
        await this.context.alert(
          'warning',
          code ?? 'SWARM_E_MODEL_FAILED',
          `${slot}: the ${rank} ${digest.slice(0, 12)} did not answer: ${message}`,
        );
      }
    }
    throw failure;
  }
}
