// What bar files hold: coverage, gaps, suspicious stretches, checksums; one report per file.
// Promises: a broken file is reported with file and line and does not hide the others; nothing is changed.
// Leaves to others: printing.
import { basename } from 'node:path';
import { type Bars, barsDigest, segments } from '../../forecast/bars.js';
import { sha256Hex } from '../../forecast/canonical.js';
import { barBytes, checksumMismatch, type Gap, gapsOf, parseBarFile, readSidecar } from './files.js';
import { barFiles } from './import.js';
import { instant } from './sources/source.js';

/** A live market does not keep one price for longer than this. */
const CONSTANT_S = 3 * 3600;
const LONG_GAP_S = 3600;
const LISTED = 5;

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface BarStretch {
  readonly from: string;
  readonly to: string;
  readonly bars: number;
}

export interface BarFacts {
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  /** Bars that are there, of those on the grid from the first to the last. */
  readonly coverage_percent: number;
  readonly gaps: { readonly count: number; readonly longest: Gap | null };
  /** Gaps of an hour or more: the longest few, and how many more there are. */
  readonly long_gaps: { readonly listed: readonly Gap[]; readonly more: number };
  /** Stretches of one price for more than three hours. */
  readonly constant: { readonly listed: readonly BarStretch[]; readonly more: number };
  readonly largest_move: { readonly log_return: number; readonly at: string } | null;
  readonly digest: string;
}

export interface FileReport {
  readonly file: string;
  readonly asset: string;
  readonly step_s: number;
  /** Against the sidecar; null where there is none. */
  readonly checksum: 'verified' | 'mismatch' | null;
  readonly source: { readonly name: string; readonly symbol: string; readonly asked_from: string } | null;
  readonly facts: BarFacts | null;
  readonly problems: readonly Problem[];
}

export function inspectDirectory(directory: string, assets?: readonly string[]): FileReport[] {
  return barFiles(directory, assets).map(({ path, asset, step_s }) => inspectFile(path, asset, step_s));
}

function inspectFile(path: string, asset: string, step_s: number): FileReport {
  const problems: Problem[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push(asProblem(error));
      return undefined;
    }
  };
  const bytes = attempt(() => barBytes(path));
  const sidecar = attempt(() => readSidecar(path));
  const mismatch = bytes !== undefined && sidecar !== undefined && sha256Hex(bytes) !== sidecar.sha256;
  if (mismatch) problems.push(asProblem(checksumMismatch(path)));
  const facts = bytes && attempt(() => factsOf(parseBarFile(path, bytes, asset, step_s)));
  return {
    file: basename(path),
    asset,
    step_s,
    checksum: sidecar === undefined || bytes === undefined ? null : mismatch ? 'mismatch' : 'verified',
    source: sidecar ? { name: sidecar.source, symbol: sidecar.symbol, asked_from: sidecar.from } : null,
    facts: facts ?? null,
    problems,
  };
}

/** Known errors are findings about the file; anything else is a bug and goes on up. */
function asProblem(error: unknown): Problem {
  const { code, message, hint } = error as Partial<Problem>;
  if (!(error instanceof Error) || code === undefined || !code.startsWith('SWARM_E_')) throw error;
  return { code, message: message ?? '', hint: hint ?? '' };
}

function factsOf(b: Bars): BarFacts | null {
  const n = b.open_s.length;
  if (n === 0) return null;
  const gaps = gapsOf(b);
  const longestFirst = [...gaps].sort((a, c) => c.bars - a.bars);
  const constant = constantStretches(b).sort((a, c) => c.bars - a.bars);
  const grid = (b.open_s[n - 1]! - b.open_s[0]!) / b.step + 1;
  return {
    rows: n,
    first: instant(b.open_s[0]!),
    last: instant(b.open_s[n - 1]!),
    coverage_percent: (100 * n) / grid,
    gaps: { count: gaps.length, longest: longestFirst[0] ?? null },
    long_gaps: firstFew(longestFirst.filter((g) => g.bars * b.step >= LONG_GAP_S)),
    constant: firstFew(constant),
    largest_move: largestMove(b),
    digest: barsDigest(b),
  };
}

function firstFew<T>(all: readonly T[]): { listed: T[]; more: number } {
  return { listed: all.slice(0, LISTED), more: Math.max(0, all.length - LISTED) };
}

/** Runs of equal closes without a hole in them. */
function constantStretches(b: Bars): BarStretch[] {
  const found: BarStretch[] = [];
  for (const { from, to } of segments(b))
    for (let start = from, i = from + 1; i <= to; i++) {
      if (i < to && b.close[i] === b.close[start]) continue;
      if ((i - start) * b.step > CONSTANT_S)
        found.push({
          from: instant(b.open_s[start]!),
          to: instant(b.open_s[i - 1]! + b.step),
          bars: i - start,
        });
      start = i;
    }
  return found;
}

/** Between neighbouring bars only: across a hole there is no return. */
function largestMove(b: Bars): BarFacts['largest_move'] {
  let at = -1;
  let largest = -1;
  for (let i = 1; i < b.open_s.length; i++) {
    if (b.open_s[i]! - b.open_s[i - 1]! !== b.step) continue;
    const size = Math.abs(Math.log(b.close[i]! / b.close[i - 1]!));
    if (size > largest) [largest, at] = [size, i];
  }
  if (at < 0) return null;
  return { log_return: Math.log(b.close[at]! / b.close[at - 1]!), at: instant(b.open_s[at]!) };
}
