// The one text form of bars: CSV with header `timestamp_s,close,open,high,low`, bar opens in unix seconds.
// Promises: every accepted row is on the grid, in order, positive and inside its own range; errors name file and line.
// Leaves to others: decompression, reading files, and what to do with gaps.
import type { Bars } from './bars.js';
import { ForecastError, type ForecastErrorCode } from './errors.js';

export interface ParsedBars extends Bars {
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
}

interface Source {
  readonly file: string;
  readonly asset: string;
  readonly step: number;
}

const HEADER = 'timestamp_s,close,open,high,low';
// One test per line costs a tenth of the parse and keeps Number() from reading '', ' 1' or '0x10' as numbers.
const ROW = /^\d+(?:,\d+(?:\.\d+)?(?:[eE][+-]?\d+)?){4}$/;
/** Sources print high, low and close with different roundings. */
const RANGE_TOLERANCE = 1e-9;

/**
 * Parses a whole CSV text. Throws SWARM_E_BARS_FORMAT for a bad header, row or price and SWARM_E_BARS_ORDER for a
 * timestamp that does not increase; the message starts with `file:line`.
 */
export function parseBarsCsv(text: string, src: Source): ParsedBars {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== HEADER) fail('SWARM_E_BARS_FORMAT', src, 1, `header is not ${HEADER}`);
  const n = lines.length - 1;
  const open_s = new Float64Array(n);
  const [close, open, high, low] = [0, 1, 2, 3].map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    const line = lines[i + 1];
    if (!ROW.test(line)) fail('SWARM_E_BARS_FORMAT', src, i + 2, whyNotARow(line));
    const a = line.indexOf(',');
    const b = line.indexOf(',', a + 1);
    const c = line.indexOf(',', b + 1);
    const d = line.indexOf(',', c + 1);
    const t = +line.slice(0, a);
    open_s[i] = t;
    close[i] = +line.slice(a + 1, b);
    open[i] = +line.slice(b + 1, c);
    high[i] = +line.slice(c + 1, d);
    low[i] = +line.slice(d + 1);
    if (t % src.step !== 0)
      fail('SWARM_E_BARS_FORMAT', src, i + 2, `${t} is not a multiple of ${src.step} s`);
    if (i > 0 && t <= open_s[i - 1]) {
      fail('SWARM_E_BARS_ORDER', src, i + 2, `${t} does not come after ${open_s[i - 1]}`);
    }
    checkPrices(src, i + 2, close[i], open[i], high[i], low[i]);
  }
  return { asset: src.asset, step: src.step, open_s, close, open, high, low };
}

function checkPrices(
  src: Source,
  line: number,
  close: number,
  open: number,
  high: number,
  low: number,
): void {
  const positive = close > 0 && open > 0 && high > 0 && low > 0;
  if (!positive || close + open + high + low === Number.POSITIVE_INFINITY) {
    fail('SWARM_E_BARS_FORMAT', src, line, 'a price is not a positive finite number');
  }
  if (high < low) fail('SWARM_E_BARS_FORMAT', src, line, `high ${high} is below low ${low}`);
  const slack = RANGE_TOLERANCE * close;
  if (close > high + slack || close < low - slack) {
    fail('SWARM_E_BARS_FORMAT', src, line, `close ${close} is outside [${low}, ${high}]`);
  }
}

function whyNotARow(line: string): string {
  const cells = line.split(',');
  if (cells.length !== 5) return `${cells.length} columns, expected 5`;
  const bad = cells.find((cell, i) => !(i === 0 ? /^\d+$/ : /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/).test(cell));
  if (bad?.startsWith('-')) return `${bad} is not a positive price`;
  return `${JSON.stringify(bad)} is not a plain number`;
}

function fail(code: ForecastErrorCode, src: Source, line: number, what: string): never {
  throw new ForecastError(
    code,
    `${src.file}:${line}: ${what}`,
    'correct the file at its source; rows are never skipped',
  );
}
