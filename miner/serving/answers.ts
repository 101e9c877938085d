// From a prompt to an answer and its record: the models of its law in turn, from a forecast at hand or one that is made in time.
// Promises: an answer is a pure function of what its row says (model, sampling, forecast_start, data_until, anchor, seed):
// anyone can make it again. The nearer the deadline, the less is simulated, and past it nothing is answered.
import { SwarmError } from '../../blackboard/errors.js';
import { ForecastError } from '../../forecast/errors.js';
import type { Offload } from '../../forecast/offload.js';
import { SharedText } from '../axon/shared-text.js';
import type { MinerContext } from '../context.js';
import { findCompetition, OTHER, scoringIntervals } from '../sn50/profile.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import type { Champions, Rank, Serving } from './champions.js';
import type { Forecast, ForecastQuestion, Forecasts } from './forecasts.js';
import { Freshness } from './freshness.js';
import { asOf, historyOf, type Knowledge, type Known } from './known.js';
import type { Law } from './law.js';
import type { MinuteReferences } from './minutes.js';
import { THOROUGHNESS, type Thoroughness } from './sampling.js';
import type { WritingJobs } from './writer.js';

export interface Answer {
  readonly rank: Rank;
  readonly artifact: string;
  readonly seed: string;
  readonly data_until_s: number;
  /** The start that the returns were simulated for. */
  readonly forecast_start_s: number;
  readonly sampling: Thoroughness;
  readonly anchor: number;
  readonly paths_digest: string;
  /** `simulation_output` behind its start, as JSON text. */
  readonly rest: SharedText;
}

interface Written {
  readonly rest: SharedText;
  readonly paths_digest: string;
}

/** What writing, compressing and sending take on a busy machine. */
const WRITE_MS = 1000;
/** A machine that is busier than it was takes this much longer than expected. */
const SURE = 2;

export class Answering {
  readonly #freshness: Freshness;
  /** What was written last of each forecast: validators that ask at once are given the same bytes. */
  readonly #written = new WeakMap<Forecast, { anchor: number; written: Promise<Written> }>();

  constructor(
    readonly context: MinerContext,
    readonly champions: Champions,
    readonly forecasts: Forecasts,
    readonly writer: Offload<WritingJobs>,
    readonly knowledge: Knowledge,
    readonly minutes: MinuteReferences,
  ) {
    this.#freshness = new Freshness(context);
  }

  /**
   * Answers by `until_ms` (performance.now()) or throws: SWARM_E_DEADLINE, or what the last model in line failed with;
   * failures of better ones are alerts.
   */
  async answer(prompt: Prompt, law: Law, until_ms: number): Promise<Answer> {
    const start_s = parseStart(prompt.start_time);
    const known = await this.knowledge.at(prompt.asset, law.step_s, start_s);
    this.#freshness.assertUsable(prompt.asset, start_s, known.until_s);
    if (law.of !== null) return this.#answer(prompt, law, known, this.champions.of(law.of), until_ms);
    return this.minutes.use(prompt.asset, (reference) =>
      this.#answer(prompt, law, known, [reference], until_ms),
    );
  }

  async #answer(
    prompt: Prompt,
    law: Law,
    known: Known,
    line: readonly Serving[],
    until_ms: number,
  ): Promise<Answer> {
    if (line.length === 0)
      throw new ForecastError('SWARM_E_MODEL_FAILED', `no model of ${law.of} can serve`, 'See the alerts.');
    let failure: unknown;
    for (const serving of line) {
      try {
        const question = this.#question(prompt, law, known, serving);
        const forecast = await this.#forecast(question, serving, until_ms);
        const written = await this.#write(forecast, known.anchor, prompt);
        return {
          rank: serving.rank,
          artifact: serving.digest,
          seed: forecast.seed,
          data_until_s: forecast.data_until_s,
          forecast_start_s: forecast.start_s,
          sampling: forecast.sampling,
          anchor: known.anchor,
          paths_digest: written.paths_digest,
          rest: written.rest,
        };
      } catch (error) {
        failure = error;
        this.#passOver(law.slot, serving, error);
      }
    }
    throw failure;
  }

  /**
   * Makes a slot's next forecast, and writes it from the last price, unless they are at hand; true when it made one.
   * What is answered then has only to be sent.
   */
  async ahead(prompt: Prompt, law: Law): Promise<boolean> {
    const [champion] = this.champions.of(law.slot);
    if (champion === undefined) return false;
    const start_s = parseStart(prompt.start_time);
    const known = await this.knowledge.at(prompt.asset, law.step_s, start_s);
    const question = this.#question(prompt, law, known, champion);
    const written = async (forecast: Forecast): Promise<void> => {
      const { rest } = await this.#write(forecast, known.anchor, prompt);
      await rest.deflated();
    };
    // From the one at hand first: the next takes longer, and a prompt may come before it is there.
    const kept = this.forecasts.find(question);
    if (kept !== undefined) await written(kept);
    if (this.forecasts.find(question, true) !== undefined) return false;
    await written(await this.forecasts.make(question, 'full', 'ahead'));
    return true;
  }

  #question(prompt: Prompt, law: Law, known: Known, { digest, model }: Serving): ForecastQuestion {
    const start_s = parseStart(prompt.start_time);
    const data_until_s = asOf(known, start_s, model);
    return {
      slot: law.slot,
      digest,
      start_s,
      data_until_s,
      step_s: law.step_s,
      steps: prompt.time_length / law.step_s,
      every: law.every,
      paths: prompt.num_simulations,
      intervals:
        law.competition === OTHER
          ? []
          : scoringIntervals(findCompetition(this.context.profile, law.competition)),
      history: () => historyOf(known, data_until_s, model),
    };
  }

  /** One at hand, or the most thorough that is expected in time; where none is, the least thorough while there is time at all. */
  #forecast(question: ForecastQuestion, { model }: Serving, until_ms: number): Promise<Forecast> {
    const kept = this.forecasts.find(question);
    if (kept !== undefined) return Promise.resolve(kept);
    const left_ms = until_ms - WRITE_MS - performance.now();
    if (left_ms <= 0)
      return Promise.reject(
        new SwarmError(
          'SWARM_E_DEADLINE',
          `a prompt of ${question.slot} came ${Math.round(-left_ms)} ms too late to be answered in time`,
          'The machine is too busy for this many prompts: see docs/miner.md.',
        ),
      );
    const { pool } = this.forecasts;
    const underway = this.forecasts.underway(question);
    if (underway !== undefined && SURE * pool.expected(question.digest, 'full') <= left_ms) return underway;
    // Placing serves the grids that are scored: where none is, there is nothing to place paths on.
    const possible =
      question.intervals.length === 0
        ? (['drawn'] as const)
        : model.placed
          ? THOROUGHNESS
          : (['full'] as const);
    const sampling =
      possible.find((one) => SURE * pool.expected(question.digest, one) <= left_ms) ?? possible.at(-1)!;
    if (sampling !== possible[0])
      this.context.log.warn({ slot: question.slot, sampling, left_ms }, 'short of time');
    return this.forecasts.make(question, sampling, 'urgent');
  }

  #write(forecast: Forecast, anchor: number, prompt: Prompt): Promise<Written> {
    const last = this.#written.get(forecast);
    if (last?.anchor === anchor) return last.written;
    const rule = this.context.profile.response_rule;
    const written = this.writer
      .call('write', { paths: forecast.paths, anchor, prompt, rule })
      .then(({ bytes, paths_digest }) => ({ rest: new SharedText(bytes), paths_digest }));
    this.#written.set(forecast, { anchor, written });
    return written;
  }

  /** Not awaited: the next model answers whether or not the database can be told. */
  #passOver(slot: string, { rank, digest }: Serving, error: unknown): void {
    const { code, message } = error as { code?: string; message: string };
    this.context
      .alert(
        'warning',
        code ?? 'SWARM_E_MODEL_FAILED',
        `${slot}: the ${rank} ${digest.slice(0, 12)} did not answer: ${message}`,
      )
      .catch((second) => this.context.log.error({ err: second }, 'the alert could not be written'));
  }
}
