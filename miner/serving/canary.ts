// The canary replay of a new model: windows of the gate that crowned it, scored again by the very code that will serve it.
// Promises: a model that does not come to the numbers of its reign, or whose reign has none, does not serve. Leaves to others:
// who is asked instead.
import { SwarmError } from '../../blackboard/errors.js';
import { readBars } from '../../blackboard/market.js';
import { gridPrices, historyFor } from '../../forecast/bars.js';
import type { MinerContext } from '../context.js';
import { findCompetition, parseSlot, scoringIntervals } from '../sn50/profile.js';
import type { LoadedModel } from './jobs.js';
import type { ModelPool } from './pool.js';

/** Windows that are replayed, newest first. */
const WINDOWS = 3;
/** Of a score: processors differ in the last digits of a return, and a rank that flips moves a path. */
const TOLERANCE = 1e-3;

export interface Crowned {
  readonly slot: string;
  readonly artifact: string;
  readonly challenger_id: string | null;
}

interface GateWindow {
  readonly start_s: number;
  readonly forecast_start_s: number;
  readonly data_until_s: number;
  readonly anchor: number;
  readonly seed: string;
  readonly crps: number;
}

export class Canary {
  constructor(
    readonly context: MinerContext,
    readonly pool: ModelPool,
  ) {}

  /**
   * Throws SWARM_E_CANARY where a window comes to another score than the gate's, or there is none to try. Returns how many
   * were replayed: none when all of them began before this database's bars do.
   */
  async replay({ slot, artifact, challenger_id }: Crowned, model: LoadedModel): Promise<number> {
    if (challenger_id === null) return 0;
    const { competition, asset } = parseSlot(slot);
    const rules = findCompetition(this.context.profile, competition);
    const { length_s, increment_s, num_simulations } = rules;
    let replayed = 0;
    let faded = 0;
    for (const window of await this.#windows(challenger_id)) {
      // From the database, since a gate may be older than the bars that answers are made from.
      const series = await readBars(
        this.context.db,
        asset,
        increment_s,
        window.data_until_s - (model.history_bars + 1) * increment_s,
        window.start_s + length_s + increment_s,
      );
      const history = read(() => historyFor(series, window.data_until_s, model));
      if (history === null) {
        faded += 1;
        continue;
      }
      const real = gridPrices(series, window.start_s, length_s, increment_s);
      if (Number.isNaN(real[real.length - 1]!)) continue;
      const crps = await this.pool.score({
        digest: artifact,
        history,
        start_s: window.forecast_start_s,
        step_s: increment_s,
        steps: length_s / increment_s,
        paths: num_simulations,
        seed: window.seed,
        intervals: scoringIntervals(rules),
        sampling: 'full',
        anchor: window.anchor,
        real,
      });
      if (!(Math.abs(crps - window.crps) <= TOLERANCE * window.crps))
        throw new SwarmError(
          'SWARM_E_CANARY',
          `${slot}: ${artifact.slice(0, 12)} scores ${crps.toPrecision(6)} on the window from ${new Date(window.start_s * 1000).toISOString()}, its gate says ${window.crps.toPrecision(6)}`,
          'It does not serve: this machine runs it differently, or its gate was not what it says. See docs/miner.md.',
        );
      replayed += 1;
    }
    if (replayed + faded === 0)
      throw new SwarmError(
        'SWARM_E_CANARY',
        `${slot}: the gate of ${artifact.slice(0, 12)} has no window that can be scored again`,
        'It does not serve: look at its publisher, and at gaps in the bars. See docs/miner.md.',
      );
    return replayed;
  }

  async #windows(challenger_id: string): Promise<GateWindow[]> {
    const rows = await this.context.db
      .selectFrom('board.gate_step as g')
      .innerJoin('board.answer as a', (j) =>
        j.onRef('a.prompt_id', '=', 'g.prompt_id').onRef('a.seed', '=', 'g.seed'),
      )
      .select(['g.start_at', 'g.seed', 'g.challenger_crps', 'a.data_until', 'a.forecast_start', 'a.anchor'])
      .where('g.challenger_id', '=', challenger_id)
      // A challenger that lacked bars was given its champion's score.
      .whereRef('g.challenger_crps', '<>', 'g.champion_crps')
      .where('a.rank', '=', 'champion')
      .where('a.sampling', '=', 'full')
      .orderBy('g.start_at', 'desc')
      .limit(WINDOWS)
      .execute();
    const seconds = (at: Date): number => at.getTime() / 1000;
    return rows.map((row) => ({
      start_s: seconds(row.start_at),
      forecast_start_s: seconds(row.forecast_start ?? row.start_at),
      data_until_s: seconds(row.data_until),
      anchor: row.anchor!,
      seed: row.seed,
      crps: row.challenger_crps,
    }));
  }
}

/** Null where the bars go back less far than the window: nothing can be said of it then. */
function read(history: () => Float64Array): Float64Array | null {
  try {
    return history();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'SWARM_E_BARS_GAP' || code === 'SWARM_E_BARS_TOO_FEW') return null;
    throw error;
  }
}
