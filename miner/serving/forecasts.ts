// Forecasts that are at hand: made ahead of the prompts they answer, or for one of them, and used again for others.
// Promises: what is asked for twice at once is made once; a forecast is used only while its model is the one that was
// wanted, its start near enough and its bars no older than one step; memory is bounded by the number of slots.
// Leaves to others: when to make one (ahead.ts), and the price it begins at (writing.ts).
import type { ScoringInterval } from '../../forecast/score/index.js';
import type { ModelPool, Urgency } from './pool.js';
import type { Thoroughness } from './sampling.js';

export interface ForecastQuestion {
  readonly slot: string;
  readonly digest: string;
  readonly start_s: number;
  /** Close time of the last bar that may be used. */
  readonly data_until_s: number;
  readonly step_s: number;
  readonly steps: number;
  /** Steps from one point of the answer to the next. */
  readonly every: number;
  readonly paths: number;
  readonly intervals: readonly ScoringInterval[];
  /** Log closes; read only when the forecast has to be made. */
  history(): Float64Array;
}

export interface Forecast {
  readonly digest: string;
  readonly seed: string;
  readonly start_s: number;
  readonly data_until_s: number;
  readonly steps: number;
  readonly every: number;
  readonly count: number;
  readonly sampling: Thoroughness;
  /** Prices [count x (steps / every + 1)] from a first price of 1, shared between threads. */
  readonly paths: Float64Array;
}

/**
 * How many seconds earlier than a prompt's own the start and the bars of a forecast may be: one bar, and a minute at
 * least. A bar closes at the very instant at which validators ask, and what is made ahead is then one bar old.
 */
const reach = (step_s: number): number => Math.max(60, step_s);

/** What a forecast is made for, and from. */
interface Moment {
  readonly start_s: number;
  readonly data_until_s: number;
  readonly step_s?: number;
}

type Shape = Pick<ForecastQuestion, 'digest' | 'steps' | 'every' | 'paths'>;

const sameShape = (a: Shape, b: Shape): boolean =>
  a.digest === b.digest && a.steps === b.steps && a.every === b.every && a.paths === b.paths;

const KEPT = 64;
/** Values of one forecast that is kept, three times the largest that the subnet asks for: others are made for each prompt. */
const MOST_VALUES = 1_000_000;

export class Forecasts {
  /** Newest first, by slot. */
  readonly #kept = new Map<string, readonly Forecast[]>();
  readonly #making = new Map<string, { readonly of: ForecastQuestion; readonly made: Promise<Forecast> }>();

  /** `reuse`: forecasts answer later prompts within reach; without it, only those of the same start and bars. */
  constructor(
    readonly pool: ModelPool,
    readonly reuse: boolean,
  ) {}

  /** The best forecast at hand that fits a question; `exact`: made for this very start and from these very bars. */
  find(q: ForecastQuestion, exact = false): Forecast | undefined {
    return this.#kept
      .get(q.slot)
      ?.find((f) => sameShape(q, { ...f, paths: f.count }) && this.#fits(q, f, exact));
  }

  #fits(asked: Moment, made: Moment, exact: boolean): boolean {
    const most = this.reuse && !exact ? reach(asked.step_s ?? 0) : 0;
    const near = (a: number, m: number): boolean => m <= a && a - m <= most;
    return near(asked.start_s, made.start_s) && near(asked.data_until_s, made.data_until_s);
  }

  /** One that fits and is being made: under a burst of prompts, each minute's does not wait for one of its own. */
  underway(q: ForecastQuestion): Promise<Forecast> | undefined {
    for (const { of, made } of this.#making.values())
      if (of.slot === q.slot && sameShape(q, of) && this.#fits(q, of, false)) return made;
    return undefined;
  }

  make(q: ForecastQuestion, sampling: Thoroughness, urgency: Urgency): Promise<Forecast> {
    const key = `${q.slot} ${q.digest} ${q.start_s} ${q.data_until_s} ${q.steps} ${q.every} ${q.paths} ${sampling}`;
    const known = this.#making.get(key);
    if (known !== undefined) return known.made;
    const made = this.#make(q, sampling, urgency).finally(() => this.#making.delete(key));
    this.#making.set(key, { of: q, made });
    return made;
  }

  async #make(q: ForecastQuestion, sampling: Thoroughness, urgency: Urgency): Promise<Forecast> {
    const { digest, start_s, data_until_s, step_s, steps, every, paths: count, intervals } = q;
    const seed = `${q.slot}@${start_s}`;
    const history = q.history();
    const paths = await this.pool.simulate(
      { digest, history, start_s, step_s, steps, every, paths: count, seed, intervals, sampling },
      urgency,
    );
    const forecast = { digest, seed, start_s, data_until_s, steps, every, count, sampling, paths };
    // What no slot asks for will not be asked for again.
    if (paths.length <= MOST_VALUES && intervals.length > 0) this.#keep(q.slot, forecast);
    return forecast;
  }

  /** Two of a slot: the newest, and the one before for prompts that were sent meanwhile. */
  #keep(slot: string, forecast: Forecast): void {
    const before = this.#kept.get(slot) ?? [];
    this.#kept.delete(slot);
    this.#kept.set(slot, [forecast, ...before].slice(0, 2));
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }
}
