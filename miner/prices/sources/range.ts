// All candles of a stretch of time, however many answers the source needs for it.
// Promises: every further question starts later than the one before; bars that two answers share agree or it is an error;
// only bars inside the asked stretch come back. A stretch without bars is asked about until the source has said so.
// Leaves to others: cutting a long history into stretches and keeping them.
import {
  badResponse,
  type Candle,
  type CandleSource,
  checkPage,
  instant,
  type Page,
  type PageRequest,
} from './source.js';

/** Bars in [from_s, to_s). `known` are bars of earlier answers: where they come back, they must agree. */
export async function candlesOf(
  source: CandleSource,
  request: PageRequest,
  known: ReadonlyMap<number, Candle>,
): Promise<Candle[]> {
  const { step_s, to_s } = request;
  const found = new Map<number, Candle>(known);
  let from_s = request.from_s;
  while (from_s < to_s) {
    const asked = { ...request, from_s, to_s: Math.min(to_s, from_s + source.page_bars * step_s) };
    const page = await source.page(asked);
    checkPage(page, step_s);
    merge(page, found, to_s);
    from_s = nextFrom(page, asked);
  }
  return [...found.values()]
    .filter((c) => c.open_s >= request.from_s && c.open_s < to_s)
    .sort((a, b) => a.open_s - b.open_s);
}

/** After bars: behind the last one. After none: behind what was asked, since the source has said that there are none. */
function nextFrom(page: Page, asked: PageRequest): number {
  const last = page.candles.at(-1);
  if (last === undefined) return asked.to_s;
  if (last.open_s < asked.from_s)
    throw badResponse(
      page.url,
      `the page does not advance: asked from ${instant(asked.from_s)}, it ends at ${instant(last.open_s)}`,
    );
  return last.open_s + asked.step_s;
}

function merge(page: Page, found: Map<number, Candle>, to_s: number): void {
  for (const candle of page.candles) {
    if (candle.open_s >= to_s) continue;
    const before = found.get(candle.open_s);
    if (before !== undefined && before.close !== candle.close)
      throw badResponse(
        page.url,
        `contradicts an earlier page: ${instant(candle.open_s)} closed at ${before.close}, now at ${candle.close}`,
      );
    found.set(candle.open_s, candle);
  }
}
