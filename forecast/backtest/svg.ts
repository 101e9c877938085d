// A backtest as one picture: one forecast as a fan, how real returns rank in their ensembles, and the score by interval.
// Promises: a self-contained SVG with a title and a description, legible on light and on dark paper; no colour alone
// carries a meaning; equal input gives equal bytes.
// Leaves to others: which window is shown.
import { FAN_LEVELS, type Fan } from './fan.js';
import { type Calibration, PIT_BINS } from './pit.js';
import type { BacktestReport, Named } from './report.js';

export interface Figures {
  readonly title: string;
  readonly fan: Fan;
  readonly step_s: number;
  readonly report: BacktestReport;
}

const WIDTH = 880;
const LEFT = 70;
const RIGHT = 20;
const FAN = { top: 84, height: 230 };
const PIT = { top: 402, height: 130 };
const ROWS = { top: 616, row: 20 };

const STYLE = `
text{font:13px system-ui,sans-serif;fill:#374151}.head{font-size:17px;font-weight:600}.sub{font-weight:600}
.axis{stroke:#8b929c;stroke-width:1}.grid{stroke:#8b929c;stroke-opacity:.35;stroke-width:1}
.outer{fill:#3b82c4;fill-opacity:.22}.inner{fill:#3b82c4;fill-opacity:.38}.median{fill:none;stroke:#2f74b5;stroke-width:1.5;stroke-dasharray:5 3}
.real{fill:none;stroke:#c2571a;stroke-width:1.8}.bar{fill:#3b82c4;fill-opacity:.75}.band{fill:#8b929c;fill-opacity:.3}
.model{fill:#3b82c4}.reference{fill:none;stroke:#c2571a;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#d1d5db}.median{stroke:#7db4e8}.real,.reference{stroke:#f0975a}}`;

const n1 = (x: number): string => String(Math.round(x * 10) / 10);
const escaped = (s: string): string =>
  s.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

function text(x: number, y: number, s: string, o: { anchor?: string; of?: string } = {}): string {
  const anchor = o.anchor === undefined ? '' : ` text-anchor="${o.anchor}"`;
  return `<text x="${n1(x)}" y="${n1(y)}"${anchor}${o.of === undefined ? '' : ` class="${o.of}"`}>${escaped(s)}</text>`;
}
const line = (x1: number, y1: number, x2: number, y2: number, of: string): string =>
  `<line x1="${n1(x1)}" y1="${n1(y1)}" x2="${n1(x2)}" y2="${n1(y2)}" class="${of}"/>`;
const rect = (x: number, y: number, w: number, h: number, of: string): string =>
  `<rect x="${n1(x)}" y="${n1(y)}" width="${n1(w)}" height="${n1(h)}" class="${of}"/>`;

/** About `count` round numbers inside [low, high]. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  if (!(raw > 0 && Number.isFinite(raw))) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

export function figures(f: Figures): string {
  const height = ROWS.top + ROWS.row * f.report.intervals.length + 54;
  const at = new Date(f.fan.t0 * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escaped(`Backtest of ${f.title}`)}</title>`,
    `<desc id="desc">${escaped(describe(f, at))}</desc>`,
    `<style>${STYLE}</style>`,
    text(20, 28, `Backtest of ${f.title}`, { of: 'head' }),
    text(20, 48, summary(f.report)),
    ...fanPanel(f, at),
    ...pitPanel(f.report.calibration),
    ...intervalPanel(f.report.intervals),
    '</svg>',
    '',
  ].join('\n');
}

function summary({ total }: BacktestReport): string {
  const gain = (name: string, g: { gain: number; se: number } | null): string =>
    g === null ? '' : `, gain on ${name} ${(100 * g.gain).toFixed(2)} ± ${(100 * g.se).toFixed(2)}%`;
  return `${total.n} windows, mean CRPS ${total.model.toFixed(1)} bps${gain('yardstick', total.over_yardstick)}${gain('reference', total.over_reference)}`;
}

function describe(f: Figures, at: string): string {
  const cover = f.report.calibration.map(
    (c) =>
      `at ${c.at * 100}% of the horizon ${c.coverage.map((b) => `${(100 * b.share).toFixed(0)}% of real returns lie in the ${b.band * 100}% band`).join(', ')}`,
  );
  return `${summary(f.report)}. First: the forecast of the window with the median score, ${at} UTC, as bands, and the real path. Second: histograms of ranks: ${cover.join('; ')}. Third: mean CRPS by interval of model and reference miner relative to the yardstick.`;
}

function fanPanel({ fan, step_s }: Figures, at: string): string[] {
  const { top, height } = FAN;
  const points = fan.real.length;
  const values = [...fan.bands.flat(), ...fan.real.filter(Number.isFinite)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (j: number): number => LEFT + (j / (points - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (v: number): number => top + height - ((v - low) / (high - low || 1)) * height;
  const points_ = (row: readonly number[]): string[] =>
    row.flatMap((v, j) => (Number.isFinite(v) ? [`${n1(x(j))},${n1(y(v))}`] : []));
  const area = (a: number, b: number, of: string): string =>
    `<polygon points="${[...points_(fan.bands[a]), ...points_(fan.bands[b]).reverse()].join(' ')}" class="${of}"/>`;
  const curve = (row: readonly number[], of: string): string =>
    `<polyline points="${points_(row).join(' ')}" class="${of}"/>`;
  const outermost = FAN_LEVELS.length - 1;
  const hours = ((points - 1) * step_s) / 3600;
  const unit = hours > 2 ? { of: 'h', scale: 1 } : { of: 'min', scale: 60 };
  return [
    text(20, top - 14, `Median-score window, ${at} UTC: return, bps`, { of: 'sub' }),
    ...ticks(low, high, 5).flatMap((v) => [
      line(LEFT, y(v), WIDTH - RIGHT, y(v), 'grid'),
      text(LEFT - 8, y(v) + 4, String(v), { anchor: 'end' }),
    ]),
    area(0, outermost, 'outer'),
    area(1, outermost - 1, 'inner'),
    curve(fan.bands[2], 'median'),
    curve(fan.real, 'real'),
    line(LEFT, top + height, WIDTH - RIGHT, top + height, 'axis'),
    ...ticks(0, hours * unit.scale, 8).map((v) =>
      text(LEFT + (v / (hours * unit.scale)) * (WIDTH - LEFT - RIGHT), top + height + 17, String(v), {
        anchor: 'middle',
      }),
    ),
    text(20, top + height + 17, unit.of),
    rect(WIDTH - 372, top - 25, 14, 11, 'outer'),
    text(WIDTH - 354, top - 14, '5-95%'),
    rect(WIDTH - 302, top - 25, 14, 11, 'inner'),
    text(WIDTH - 284, top - 14, '25-75%'),
    line(WIDTH - 226, top - 19, WIDTH - 202, top - 19, 'median'),
    text(WIDTH - 197, top - 14, 'median'),
    line(WIDTH - 136, top - 19, WIDTH - 112, top - 19, 'real'),
    text(WIDTH - 107, top - 14, 'real path'),
  ];
}

function pitPanel(all: readonly Calibration[]): string[] {
  const { top, height } = PIT;
  const gap = 34;
  const width = (WIDTH - LEFT - RIGHT - gap * (all.length - 1)) / all.length;
  const most = Math.max(...all.flatMap((c) => c.counts), ...all.map((c) => expected(c.n).high)) * 1.05;
  const y = (v: number): number => top + height - (v / most) * height;
  return [
    text(
      20,
      top - 34,
      'Rank of the real return in its ensemble, by share of the horizon; grey: 95% of tenths if the forecast is right',
      {
        of: 'sub',
      },
    ),
    ...ticks(0, most, 4).map((v) => text(LEFT - 8, y(v) + 4, String(v), { anchor: 'end' })),
    ...all.flatMap((c, k) => {
      const x0 = LEFT + k * (width + gap);
      const { low, high } = expected(c.n);
      const inside = c.coverage.map((b) => `${(100 * b.share).toFixed(0)}`).join('/');
      return [
        text(x0, top - 12, `at ${c.at * 100}%: ${inside}% in 50/80/95`),
        ...c.counts.map((count, i) =>
          rect(
            x0 + (i * width) / PIT_BINS + 1,
            y(count),
            width / PIT_BINS - 2,
            top + height - y(count),
            'bar',
          ),
        ),
        rect(x0, y(high), width, y(low) - y(high), 'band'),
        line(x0, y(c.n / PIT_BINS), x0 + width, y(c.n / PIT_BINS), 'axis'),
        line(x0, top + height, x0 + width, top + height, 'axis'),
        text(x0, top + height + 17, '0'),
        text(x0 + width, top + height + 17, '1', { anchor: 'end' }),
      ];
    }),
  ];
}

/** Where a uniform law's count of one tenth lies 95 times in a hundred, by the normal approximation. */
function expected(n: number): { low: number; high: number } {
  const half = 1.96 * Math.sqrt(n * 0.1 * 0.9);
  return { low: Math.max(0, n / PIT_BINS - half), high: n / PIT_BINS + half };
}

function intervalPanel(intervals: readonly Named[]): string[] {
  const { top, row } = ROWS;
  const from = 150;
  const to = WIDTH - 110;
  const relative = intervals.map((i) => ({
    ...i,
    model: (100 * i.model) / i.yardstick,
    reference: (100 * i.reference) / i.yardstick,
    crps: i.model,
  }));
  const values = relative.flatMap((i) => [i.model, i.reference]).filter(Number.isFinite);
  const low = Math.min(97, ...values) - 1;
  const high = Math.max(103, ...values) + 1;
  const x = (v: number): number => from + ((v - low) / (high - low)) * (to - from);
  const bottom = top + row * intervals.length;
  return [
    text(20, top - 34, 'Mean CRPS by interval, yardstick = 100; left is better', { of: 'sub' }),
    `<circle cx="${WIDTH - 330}" cy="${top - 38}" r="5" class="model"/>`,
    text(WIDTH - 320, top - 34, 'model'),
    `<rect x="${WIDTH - 265}" y="${top - 43}" width="9" height="9" class="reference"/>`,
    text(WIDTH - 250, top - 34, 'reference miner'),
    text(WIDTH - RIGHT, top - 12, 'model, bps', { anchor: 'end' }),
    ...ticks(low, high, 6).flatMap((v) => [
      line(x(v), top - 6, x(v), bottom, v === 100 ? 'axis' : 'grid'),
      text(x(v), bottom + 17, String(v), { anchor: 'middle' }),
    ]),
    line(x(100), top - 6, x(100), bottom, 'axis'),
    ...relative.flatMap((i, k) => {
      const y = top + row * k + row / 2;
      return [
        text(from - 10, y + 4, i.name, { anchor: 'end' }),
        ...(Number.isFinite(i.reference)
          ? [
              `<rect x="${n1(x(i.reference) - 4.5)}" y="${n1(y - 4.5)}" width="9" height="9" class="reference"/>`,
            ]
          : []),
        ...(Number.isFinite(i.model)
          ? [`<circle cx="${n1(x(i.model))}" cy="${n1(y)}" r="5" class="model"/>`]
          : []),
        text(WIDTH - RIGHT, y + 4, i.crps.toFixed(2), { anchor: 'end' }),
      ];
    }),
  ];
}
