// Minutes of prices, whoever told them: candles as an exchange sends them, or made here of single quotes.
// Promises: a quote from the future, or one that is old when it comes, is not taken: somebody's clock is off, or the
// source has stopped. Memory is bounded. Leaves to others: which source is right (agreement.ts).
import type { Candle } from '../sources/source.js';

/** One price as a source published it. */
export interface Quote {
  readonly asset: string;
  /** Unix seconds, by the source's clock. */
  readonly at_s: number;
  readonly price: number;
}

/** Anything that can tell the minutes of an asset that closed in [from_s, to_s). */
export interface MinuteSource {
  readonly name: string;
  knows(asset: string): boolean;
  minutes(asset: string, from_s: number, to_s: number): Promise<readonly Candle[]>;
}

const MINUTE_S = 60;
const KEPT_MINUTES = 180;
/** A quote may be this far ahead of this machine's clock, and this old. */
const AHEAD_S = 5;
const OLD_S = 60;

export class MinuteBook {
  readonly #minutes = new Map<string, Map<number, Candle>>();

  constructor(readonly now_s: () => number) {}

  /** False for a quote that is not taken. */
  add({ asset, at_s, price }: Quote): boolean {
    const age_s = this.now_s() - at_s;
    if (!(price > 0 && Number.isFinite(price) && age_s >= -AHEAD_S && age_s <= OLD_S)) return false;
    const open_s = Math.floor(at_s / MINUTE_S) * MINUTE_S;
    const minutes = this.#minutes.get(asset) ?? new Map<number, Candle>();
    this.#minutes.set(asset, minutes);
    const known = minutes.get(open_s) ?? { open_s, open: price, high: price, low: price, close: price };
    const high = Math.max(known.high, price);
    minutes.set(open_s, { ...known, high, low: Math.min(known.low, price), close: price });
    if (minutes.size > KEPT_MINUTES) minutes.delete(minutes.keys().next().value!);
    return true;
  }

  between(asset: string, from_s: number, to_s: number): Candle[] {
    const minutes = this.#minutes.get(asset)?.values() ?? [];
    return [...minutes]
      .filter((c) => c.open_s >= from_s && c.open_s < to_s)
      .sort((a, b) => a.open_s - b.open_s);
  }
}
