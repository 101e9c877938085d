// Downloads one series of bars into ASSET_5m.csv.gz with a sidecar, or extends the file that is there.
// Promises: only bars that have closed, none filled in; finished stretches survive an interruption; overlapping closes must
// agree or nothing changes; the file appears whole and never loses a bar.
// Leaves to others: the wire (sources), the files' form (files), the unfinished state (parts).
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SwarmError } from '../../../blackboard/errors.js';
import { barsDigest, parseBarsCsv } from '../../../forecast/bars.js';
import { sha256Hex } from '../../../forecast/canonical.js';
import {
  barBytes,
  barsText,
  candlesOfBars,
  checksumMismatch,
  gapsOf,
  parseBarFile,
  readSidecar,
  type Sidecar,
  sidecarPath,
  writeWhole,
} from '../files.js';
import { candlesOf } from '../sources/range.js';
import { type Candle, type CandleSource, instant, stepName } from '../sources/source.js';
import { Parts, type Stretch } from './parts.js';

/** A bar counts as closed this long after its end: clocks differ, and a source may still be writing it. */
const SETTLE_S = 10;

export interface Wanted {
  readonly directory: string;
  readonly asset: string;
  readonly symbol: string;
  readonly step_s: number;
  readonly from_s: number;
  readonly to_s: number;
}

export interface Watch {
  readonly signal: AbortSignal;
  now(): number;
  progress(p: { asset: string; done: number; of: number; fetched: number; at_s: number }): void;
  notice(text: string): void;
}

export interface Downloaded {
  readonly asset: string;
  readonly symbol: string;
  readonly file: string;
  readonly rows: number;
  readonly added: number;
  /** First and last bar open. */
  readonly first: string;
  readonly last: string;
  readonly gaps: number;
  readonly missing_bars: number;
  /** Bars between what was asked for and the first that the source has. */
  readonly missing_before: number;
  /** Bars that had closed by the end of what was asked for, after the last that the source has. */
  readonly missing_after: number;
  readonly sha256: string;
  readonly digest: string;
}

/** What is on disk before the download. */
interface Existing {
  readonly candles: readonly Candle[];
  readonly closes: ReadonlyMap<number, number>;
  readonly sidecar: Sidecar | undefined;
}

export async function downloadSeries(source: CandleSource, want: Wanted, watch: Watch): Promise<Downloaded> {
  const { directory, asset, symbol, step_s } = want;
  const file = join(directory, `${asset}_${stepName(step_s)}.csv.gz`);
  const parts = Parts.open({ directory, asset, step_s, symbol, source: source.name });
  settleDebt(file, parts);
  const existing = readExisting(file, source, want);
  const asked = clip(source, want, existing, watch);
  const fetched = await fetchAll(
    source,
    want,
    stretches(source, asked, step_s, existing),
    existing,
    parts,
    watch,
  );
  const candles = merged(existing.candles, fetched);
  const missing_before = Math.max(
    0,
    ((candles[0]?.open_s ?? asked.to_s) - floorTo(want.from_s, step_s)) / step_s,
  );
  if (candles.length === 0) throw noBars(source, want, asked);
  if (missing_before > 0)
    watch.notice(
      `${asset}: ${source.name} has nothing before ${instant(candles[0]!.open_s)}; ${missing_before} bars that were asked for are not there`,
    );
  const end_s = candles.at(-1)!.open_s + step_s;
  const missing_after = Math.max(0, (asked.to_s - end_s) / step_s);
  if (missing_after > 0)
    watch.notice(
      `${asset}: ${source.name} has nothing after ${instant(end_s)} yet; ${missing_after} bars are asked for again next time`,
    );
  const sidecar = publish(file, source, want, asked, existing, candles, parts, watch.now());
  return {
    asset,
    symbol,
    file: basename(file),
    rows: candles.length,
    added: candles.length - existing.candles.length,
    first: instant(candles[0]!.open_s),
    last: instant(candles.at(-1)!.open_s),
    gaps: sidecar.gaps.length,
    missing_bars: sidecar.gaps.reduce((sum, g) => sum + g.bars, 0),
    missing_before,
    missing_after,
    sha256: sidecar.sha256,
    digest: sidecar.digest,
  };
}

/** A download that was killed between renaming the file and its sidecar still owes the sidecar. */
function settleDebt(file: string, parts: Parts): void {
  const { owed } = parts;
  if (owed === undefined || !existsSync(file) || sha256Hex(barBytes(file)) !== owed.sha256) return;
  writeWhole(sidecarPath(file), sidecarText(owed));
}

function readExisting(file: string, source: CandleSource, want: Wanted): Existing {
  if (!existsSync(file)) return { candles: [], closes: new Map(), sidecar: undefined };
  const bytes = barBytes(file);
  const sidecar = readSidecar(file);
  if (sidecar !== undefined && sidecar.sha256 !== sha256Hex(bytes)) throw checksumMismatch(file);
  if (sidecar !== undefined && (sidecar.source !== source.name || sidecar.symbol !== want.symbol))
    throw new SwarmError(
      'SWARM_E_DATA_CONFLICT',
      `${basename(file)} holds ${sidecar.symbol} from ${sidecar.source}, not ${want.symbol} from ${source.name}`,
      'Nothing was changed. Prices of two sources never share a file: name another --out.',
    );
  const candles = candlesOfBars(parseBarFile(file, bytes, want.asset, want.step_s));
  return { candles, closes: new Map(candles.map((c) => [c.open_s, c.close])), sidecar };
}

const floorTo = (t: number, step_s: number): number => Math.floor(t / step_s) * step_s;

/** What can be asked for: whole closed bars, joined to what is there, as far back as the source goes. */
function clip(source: CandleSource, want: Wanted, existing: Existing, watch: Watch): Stretch {
  const { step_s } = want;
  const now_s = watch.now() / 1000;
  const held = heldStretch(existing, step_s);
  const closed_s = floorTo(now_s - SETTLE_S, step_s);
  const oldest_s = floorTo(now_s, step_s) - (source.history_bars ?? Number.POSITIVE_INFINITY) * step_s;
  // A hole between the file and what is asked for would look like one at the source: ask from the file on.
  let from_s = Math.min(floorTo(want.from_s, step_s), held?.to_s ?? Number.POSITIVE_INFINITY);
  const to_s = Math.min(
    closed_s,
    Math.max(floorTo(want.to_s, step_s), held?.from_s ?? Number.NEGATIVE_INFINITY),
  );
  const reach_s = Math.max(from_s, oldest_s);
  if (reach_s > from_s && (held === undefined || from_s < held.from_s || reach_s > held.to_s))
    watch.notice(
      `${want.asset}: ${source.name} keeps only the last ${source.history_bars} bars of ${stepName(step_s)}; asked from ${instant(from_s)}, it can be asked from ${instant(reach_s)}`,
    );
  from_s = reach_s;
  if (from_s < to_s || held !== undefined) return { from_s, to_s: Math.max(from_s, to_s) };
  throw new SwarmError(
    'SWARM_E_USAGE',
    `no bar of ${stepName(step_s)} opens at or after ${instant(from_s)} and closes by ${instant(Math.min(want.to_s, now_s))}`,
    'Name an earlier --from or a later --to.',
  );
}

/** What the file on disk answers for: what its sidecar says was asked for, else from its first to its last bar. */
function heldStretch({ sidecar, candles }: Existing, step_s: number): Stretch | undefined {
  if (sidecar !== undefined)
    return { from_s: Date.parse(sidecar.from) / 1000, to_s: Date.parse(sidecar.to) / 1000 };
  if (candles.length === 0) return undefined;
  return { from_s: candles[0]!.open_s, to_s: candles.at(-1)!.open_s + step_s };
}

/**
 * One request each, on borders that do not depend on where the download begins, so that parts of an earlier run fit.
 * What a file with a sidecar already answers for is not asked again, but every stretch that touches its edge is.
 */
function stretches(source: CandleSource, asked: Stretch, step_s: number, existing: Existing): Stretch[] {
  // One bar less than a page: each request also asks for the bar before, which both answers must agree on.
  const span = (source.page_bars - 1) * step_s;
  const held = existing.sidecar === undefined ? undefined : heldStretch(existing, step_s);
  const all: Stretch[] = [];
  for (let from = floorTo(asked.from_s, span); from < asked.to_s; from += span)
    all.push({ from_s: Math.max(from, asked.from_s), to_s: Math.min(from + span, asked.to_s) });
  return all.filter((s) => held === undefined || s.from_s < held.from_s || s.to_s > held.to_s);
}

async function fetchAll(
  source: CandleSource,
  want: Wanted,
  wanted: readonly Stretch[],
  existing: Existing,
  parts: Parts,
  watch: Watch,
): Promise<Candle[]> {
  const all: Candle[] = [];
  let fetched = 0;
  for (const [i, stretch] of wanted.entries()) {
    watch.signal.throwIfAborted();
    let candles = parts.find(stretch);
    if (candles === undefined) {
      candles = await fetchOne(source, want, stretch, existing, all.at(-1));
      parts.keep(stretch, candles);
      fetched += 1;
    } else assertAgrees(candles, existing, want);
    all.push(...candles);
    watch.progress({ asset: want.asset, done: i + 1, of: wanted.length, fetched, at_s: stretch.to_s });
  }
  return all;
}

async function fetchOne(
  source: CandleSource,
  { asset, symbol, step_s, directory }: Wanted,
  stretch: Stretch,
  existing: Existing,
  before: Candle | undefined,
): Promise<Candle[]> {
  const border_s = stretch.from_s - step_s;
  const known = new Map(before?.open_s === border_s ? [[border_s, before]] : []);
  const overlaps = known.size > 0 || existing.closes.has(border_s);
  const request = { symbol, step_s, from_s: overlaps ? border_s : stretch.from_s, to_s: stretch.to_s };
  const candles = await candlesOf(source, request, known);
  assertAgrees(candles, existing, { asset, directory, step_s });
  return candles.filter((c) => c.open_s >= stretch.from_s);
}

function assertAgrees(
  candles: readonly Candle[],
  { closes }: Existing,
  { asset, directory, step_s }: Pick<Wanted, 'asset' | 'directory' | 'step_s'>,
): void {
  const clash = candles.find((c) => closes.has(c.open_s) && closes.get(c.open_s) !== c.close);
  if (clash === undefined) return;
  throw new SwarmError(
    'SWARM_E_DATA_CONFLICT',
    `the source contradicts ${asset}_${stepName(step_s)}.csv.gz: the bar of ${instant(clash.open_s)} closed at ${closes.get(clash.open_s)} there, at ${clash.close} here`,
    `Nothing was changed in ${directory}. Bars are never overwritten: name another --out to keep both.`,
  );
}

/** On equal closes the bar on disk stays, whatever its high and low. */
function merged(held: readonly Candle[], fetched: readonly Candle[]): Candle[] {
  const all = new Map([...fetched, ...held].map((c) => [c.open_s, c]));
  return [...all.values()].sort((a, b) => a.open_s - b.open_s);
}

function publish(
  file: string,
  source: CandleSource,
  want: Wanted,
  asked: Stretch,
  existing: Existing,
  candles: readonly Candle[],
  parts: Parts,
  now_ms: number,
): Sidecar {
  const held = heldStretch(existing, want.step_s) ?? asked;
  const unchanged = candles.length === existing.candles.length;
  const text = barsText(candles);
  const bars = parseBarsCsv(text, { file: basename(file), asset: want.asset, step: want.step_s });
  const bytes = unchanged ? barBytes(file) : gzipSync(text);
  const sidecar: Sidecar = {
    source: source.name,
    symbol: want.symbol,
    step_s: want.step_s,
    from: instant(Math.min(held.from_s, asked.from_s)),
    // Not what was asked for: a source that lags behind its clock has said nothing yet about the bars after its last.
    to: instant(candles.at(-1)!.open_s + want.step_s),
    rows: candles.length,
    gaps: gapsOf(bars),
    sha256: sha256Hex(bytes),
    digest: barsDigest(bars),
    downloaded_at: instant(Math.floor(now_ms / 1000)),
  };
  parts.publishing(sidecar);
  if (!unchanged) writeWhole(file, bytes);
  writeWhole(sidecarPath(file), sidecarText(sidecar));
  parts.clear();
  return sidecar;
}

const sidecarText = (sidecar: Sidecar): string => `${JSON.stringify(sidecar, null, 2)}\n`;

function noBars(source: CandleSource, want: Wanted, asked: Stretch): SwarmError {
  return new SwarmError(
    'SWARM_E_DATA_MISSING',
    `${source.name} has no ${stepName(want.step_s)} bars of ${want.symbol} from ${instant(asked.from_s)} to ${instant(asked.to_s)}`,
    'Nothing was written. Check the symbol, or ask for a later stretch.',
  );
}
