// Bar files and their sidecars on disk: ASSET_5m.csv.gz beside ASSET_5m.json.
// Promises: a file appears whole or not at all (written beside, then renamed); reading names file and line of what is wrong.
// Leaves to others: the database, what bars mean, and whether a changed file is acceptable.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { type Bars, type ParsedBars, parseBarsCsv, segments } from '../../forecast/bars.js';
import { type Candle, instant, SOURCE_NAMES } from './sources/source.js';

const gap = z.object({ from: z.string(), to: z.string(), bars: z.int().positive() });
/** Missing bars: [from, to) in ISO time, and how many. */
export type Gap = z.infer<typeof gap>;

const sidecar = z.object({
  source: z.enum(SOURCE_NAMES),
  symbol: z.string(),
  step_s: z.int().positive(),
  /** From what was asked for to the end of the last bar: bars missing inside were missing at the source. */
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  rows: z.int().nonnegative(),
  gaps: z.array(gap),
  /** Of the bar file as it is on disk. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of asset, step, opens and closes, as the swarm names a dataset. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  downloaded_at: z.iso.datetime(),
});
export type Sidecar = z.infer<typeof sidecar>;
export { sidecar as sidecarSchema };

export const sidecarPath = (barFile: string): string => barFile.replace(/\.csv(\.gz)?$/, '.json');

/** Bytes of a bar file. Throws SWARM_E_DATA_MISSING. */
export function barBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Bars of the bytes of a file. Throws SWARM_E_DATA_MISSING for a broken archive, SWARM_E_BARS_FORMAT or SWARM_E_BARS_ORDER for a broken line. */
export function parseBarFile(path: string, bytes: Buffer, asset: string, step_s: number): ParsedBars {
  let text: string;
  try {
    text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  return parseBarsCsv(text, { file: basename(path), asset, step: step_s });
}

/** The sidecar of a bar file, if there is one. Throws SWARM_E_DATA_CHECKSUM when it is no sidecar. */
export function readSidecar(barFile: string): Sidecar | undefined {
  const path = sidecarPath(barFile);
  if (!existsSync(path)) return undefined;
  try {
    return sidecar.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_DATA_CHECKSUM',
      `${basename(path)} is not the sidecar of a bar file`,
      'Move it away to go without its checksum, or download the bars into another directory.',
      { cause: error },
    );
  }
}

export function checksumMismatch(barFile: string): SwarmError {
  return new SwarmError(
    'SWARM_E_DATA_CHECKSUM',
    `${basename(barFile)} is not the file that ${basename(sidecarPath(barFile))} describes: the sha256 differs`,
    'One of them was altered after the download. Move both away and download again.',
  );
}

/** Candles in the one text form of bars. */
export function barsText(candles: readonly Candle[]): string {
  const rows = candles.map((c) => `${c.open_s},${c.close},${c.open},${c.high},${c.low}\n`);
  return `timestamp_s,close,open,high,low\n${rows.join('')}`;
}

export function candlesOfBars(b: ParsedBars): Candle[] {
  return Array.from(b.open_s, (open_s, i) => ({
    open_s,
    open: b.open[i]!,
    high: b.high[i]!,
    low: b.low[i]!,
    close: b.close[i]!,
  }));
}

/** Every hole between the first and the last bar. */
export function gapsOf(b: Bars): Gap[] {
  const runs = segments(b);
  return runs.slice(1).map((run, i) => {
    const from_s = b.open_s[runs[i]!.to - 1]! + b.step;
    const to_s = b.open_s[run.from]!;
    return { from: instant(from_s), to: instant(to_s), bars: (to_s - from_s) / b.step };
  });
}

export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

function unreadable(path: string, error: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_DATA_MISSING',
    `${basename(path)} cannot be read: ${error instanceof Error ? error.message : error}`,
    'Fetch the file again, or take it out of the directory.',
    { cause: error },
  );
}
