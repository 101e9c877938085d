// What was known of an asset at a prompt's start: its bars, the close of the last one, and the freshest price.
// Promises: nothing that closed later than a minute before the start is used, whatever the clock says by now; while the
// database is away, the bars that were read last. Leaves to others: whether that is fresh enough (freshness.ts).
import { isTransient } from '../../blackboard/db.js';
import type { BarReader, BarSeries } from '../../blackboard/market.js';
import { historyFor, indexAtOrBefore } from '../../forecast/bars.js';
import { ForecastError } from '../../forecast/errors.js';
import { LEAD_S } from '../../forecast/windows.js';
import type { MinerContext } from '../context.js';
import type { LoadedModel } from './jobs.js';

const MINUTE_S = 60;
/** Fewer missing bars at the end are bars that are about to come. */
const LATE_BARS = 3;

export interface Known {
  readonly series: BarSeries;
  /** Close time of the last bar. */
  readonly until_s: number;
  /** The freshest close, of minutes where there are any. */
  readonly anchor: number;
}

/** Close time and price of the last bar closed by `limit_s`. */
function lastClose(bars: BarSeries, limit_s: number): { until_s: number; price: number } | null {
  const i = indexAtOrBefore(bars, limit_s - bars.step);
  return i < 0 ? null : { until_s: bars.open_s[i]! + bars.step, price: bars.close[i]! };
}

export class Knowledge {
  readonly #kept = new Map<string, BarSeries>();

  constructor(
    readonly context: Pick<MinerContext, 'log'>,
    readonly bars: BarReader,
  ) {}

  /** Throws SWARM_E_BARS_TOO_FEW where no bar has closed yet. */
  async at(asset: string, step_s: number, start_s: number): Promise<Known> {
    const [series, minute] = await Promise.all([
      this.#series(asset, step_s),
      step_s === MINUTE_S ? null : this.#series(asset, MINUTE_S),
    ]);
    const last = lastClose(series, start_s - LEAD_S);
    if (last === null)
      throw new ForecastError(
        'SWARM_E_BARS_TOO_FEW',
        `no bar of ${asset} has closed by ${new Date(start_s * 1000).toISOString()}`,
        'Import or fetch bars.',
      );
    const minutes = minute === null ? last : (lastClose(minute, start_s - LEAD_S) ?? last);
    const anchor = minutes.until_s >= last.until_s ? minutes.price : last.price;
    return { series, until_s: last.until_s, anchor };
  }

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

/**
 * The instant as of which a model reads its history. One that takes gaps sees a closed market as what it is, bars missing
 * up to the present, as when it was fitted; any other goes on from the last bar.
 */
export function asOf({ series, until_s }: Known, start_s: number, model: LoadedModel): number {
  const { step } = series;
  const present_s = Math.floor((start_s - LEAD_S) / step) * step;
  return model.history_gaps === true && present_s - until_s > LATE_BARS * step ? present_s : until_s;
}

export const historyOf = (known: Known, as_of_s: number, model: LoadedModel): Float64Array =>
  historyFor(known.series, as_of_s, model);
