// The live feed: every closed minute of every asset, asked of all its sources, cross-checked, and stored as bars.
// Promises: what is stored is one source's own candle and never changes; a source that is slow, wrong or silent keeps no
// other waiting and is an alert once in a while; after a restart it goes on from the last bar that is stored.
// Leaves to others: what a source is (sources/, hermes.ts, lazer.ts), and how old a price may be served (serving/freshness.ts).
import { pause } from '../../../blackboard/events/doorbell.js';
import type { MinerContext } from '../../context.js';
import type { Candle } from '../sources/source.js';
import { agreement, type Told } from './agreement.js';
import type { BarStore } from './bar-store.js';
import type { MinuteSource } from './minutes.js';

export interface LiveAsset {
  readonly asset: string;
  /** In order of preference: the one that the subnet scores by first. */
  readonly sources: readonly MinuteSource[];
}

export interface LiveFeedOptions {
  readonly assets: readonly LiveAsset[];
  readonly store: Pick<BarStore, 'last' | 'add'>;
  readonly now_s: () => number;
  /** Milliseconds that a source may take for one question. */
  readonly patience_ms?: number;
}

const MINUTE_S = 60;
/** A minute is asked for once it has been closed for this long: exchanges correct the last one for a moment. */
const SETTLED_S = 2;
const PATIENCE_MS = 8000;
/** For more than an hour of minutes: a day is several questions, which some sources want apart, and assets share them. */
const HISTORY_PATIENCE = 8;
const DAY_S = 86_400;
/** How far back a first start asks. */
const HISTORY_S = 3 * DAY_S;
/** The most that is caught up after bars that are stored, whether this feed or a file brought them. */
const CATCH_UP_S = 30 * DAY_S;
/** What a source is asked for at once: it must tell that much within its patience. */
const PIECE_S = DAY_S;
/** Comparing with a close that is older than this says nothing. */
const COMPARABLE_S = 600;
/** A jump that a single source has told for so many minutes is the market's. */
const INSISTING = 3;
const SILENT_S = 600;
const QUIET_S = 3600;

export class LiveFeed {
  readonly #asked = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #doubted = new Map<string, number>();
  readonly #said = new Map<string, number>();

  constructor(
    readonly context: Pick<MinerContext, 'alert' | 'log' | 'stopping'>,
    readonly options: LiveFeedOptions,
  ) {}

  /** Stores what has closed since the last look; true when anything was. */
  async step(): Promise<boolean> {
    const to_s = Math.floor((this.options.now_s() - SETTLED_S) / MINUTE_S) * MINUTE_S;
    const due = this.options.assets.filter(({ asset }) => (this.#asked.get(asset) ?? 0) < to_s);
    const stored = await Promise.all(due.map((one) => this.#advance(one, to_s)));
    return stored.some((n) => n > 0);
  }

  async #advance({ asset, sources }: LiveAsset, to_s: number): Promise<number> {
    let last = await this.options.store.last(asset);
    const oldest_s = to_s - (last === null ? HISTORY_S : CATCH_UP_S);
    let stored = 0;
    for (
      let at_s = Math.max(last === null ? 0 : last.open_s + MINUTE_S, oldest_s);
      at_s < to_s;
      at_s += PIECE_S
    ) {
      if (this.context.stopping.aborted) return stored;
      const believed = await this.#piece(asset, sources, at_s, Math.min(at_s + PIECE_S, to_s), last);
      await this.options.store.add(asset, believed);
      stored += believed.length;
      last = believed.at(-1) ?? last;
    }
    this.#asked.set(asset, to_s);
    const newest = last?.open_s ?? 0;
    if (to_s - newest > SILENT_S)
      await this.#say(
        asset,
        'SWARM_W_FEED_SILENT',
        `no price of ${asset} since ${newest === 0 ? 'ever' : new Date(newest * 1000).toISOString()}, from ${sources.map((s) => s.name).join(', ')}`,
      );
    return stored;
  }

  /** What can be believed of the minutes in [from_s, to_s). */
  async #piece(
    asset: string,
    sources: readonly MinuteSource[],
    from_s: number,
    to_s: number,
    last: Candle | null,
  ): Promise<Candle[]> {
    const told = await Promise.all(sources.map((source) => this.#ask(source, asset, from_s, to_s)));
    const believed: Candle[] = [];
    for (const minute of minutesOf(told)) {
      const candle = await this.#believed(asset, minute, believed.at(-1) ?? last);
      if (candle !== null) believed.push(candle);
    }
    return believed;
  }

  async #believed(asset: string, told: readonly Told[], before: Candle | null): Promise<Candle | null> {
    const at_s = told[0]!.candle.open_s;
    const last = before !== null && at_s - before.open_s <= COMPARABLE_S ? before.close : null;
    const { candle, outliers } = agreement(told, last);
    if (outliers.length > 0)
      await this.#say(
        `${asset} ${outliers.join()}`,
        'SWARM_W_PRICE_OUTLIER',
        `${asset} at ${new Date(at_s * 1000).toISOString()}: ${outliers.join(', ')} not believed; told were ${told.map((t) => `${t.source} ${t.candle.close}`).join(', ')}, before ${last ?? 'unknown'}`,
      );
    if (candle !== null) {
      this.#doubted.delete(asset);
      return candle;
    }
    const doubts = (this.#doubted.get(asset) ?? 0) + 1;
    this.#doubted.set(asset, doubts);
    // One source alone, again and again: the price has gone there.
    return told.length === 1 && doubts > INSISTING ? told[0]!.candle : null;
  }

  /** What a source says in time; nothing where it fails, or still has the question before. */
  async #ask(source: MinuteSource, asset: string, from_s: number, to_s: number): Promise<Told[]> {
    const key = `${source.name} ${asset}`;
    if (!source.knows(asset) || this.#busy.has(key)) return [];
    this.#busy.add(key);
    const asking = source
      .minutes(asset, from_s, to_s)
      .then((candles) => candles.filter((c) => c.open_s >= from_s && c.open_s < to_s))
      .catch(async (error: Error & { code?: string }) => {
        await this.#say(
          key,
          error.code ?? 'SWARM_E_SOURCE_UNREACHABLE',
          `${source.name} tells no price of ${asset}: ${error.message}`,
        );
        return [];
      })
      .finally(() => this.#busy.delete(key));
    const told = new AbortController();
    const patience_ms =
      (this.options.patience_ms ?? PATIENCE_MS) * (to_s - from_s > 3600 ? HISTORY_PATIENCE : 1);
    const late = pause(patience_ms, told.signal).then((): Candle[] => []);
    const candles = await Promise.race([asking, late]);
    told.abort();
    return candles.map((candle) => ({ source: source.name, candle }));
  }

  async #say(key: string, code: string, message: string): Promise<void> {
    const now_s = this.options.now_s();
    if (now_s - (this.#said.get(`${code} ${key}`) ?? Number.NEGATIVE_INFINITY) < QUIET_S) return;
    this.#said.set(`${code} ${key}`, now_s);
    await this.context
      .alert('warning', code, message)
      .catch((error) => this.context.log.error({ err: error }, 'the alert could not be written'));
  }
}

/** What was told of each minute, oldest first, sources in their order. */
function minutesOf(told: readonly (readonly Told[])[]): Told[][] {
  const minutes = new Map<number, Told[]>();
  for (const one of told.flat())
    minutes.set(one.candle.open_s, [...(minutes.get(one.candle.open_s) ?? []), one]);
  return [...minutes.values()].sort((a, b) => a[0]!.candle.open_s - b[0]!.candle.open_s);
}
