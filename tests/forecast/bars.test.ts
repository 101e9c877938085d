// Bars: what is refused and where, which returns exist, and which price is the truth at a time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peersOf } from '../../forecast/asset-class.js';
import {
  type Bars,
  barsDigest,
  contiguousHistory,
  gridPrices,
  indexAtOrBefore,
  parseBarsCsv,
  segments,
} from '../../forecast/bars.js';
import { usableWindows, windowSetDigest, windowStarts } from '../../forecast/windows.js';
import { readRecorded, recordedFile } from './recorded-bars.js';

const HEADER = 'timestamp_s,close,open,high,low';
const src = { file: 'BTC_1m.csv', asset: 'BTC', step: 60 };
const parse = (...lines: string[]) => parseBarsCsv([HEADER, ...lines, ''].join('\n'), src);

function bars(opens: readonly number[], step = 60, asset = 'BTC'): Bars {
  return {
    asset,
    step,
    open_s: Float64Array.from(opens),
    close: Float64Array.from(opens, (t) => 100 + t / step),
  };
}
const run = (from: number, n: number, step = 60) => Array.from({ length: n }, (_, i) => from + i * step);

describe('parseBarsCsv', () => {
  it('reads every column of every row', () => {
    const b = parse('60,2,1.5,3,1', '180,2.5,2,2.5,2');
    expect([[...b.open_s], [...b.close], [...b.open], [...b.high], [...b.low]]).toEqual([
      [60, 180],
      [2, 2.5],
      [1.5, 2],
      [3, 2.5],
      [1, 2],
    ]);
  });
  it.each([
    ['a missing column', '60,2,1,3', 'SWARM_E_BARS_FORMAT', /BTC_1m\.csv:3: 4 columns/],
    ['text', '120,2,x,3,1', 'SWARM_E_BARS_FORMAT', /:3: "x"/],
    ['an empty cell', '120,2,,3,1', 'SWARM_E_BARS_FORMAT', /:3: ""/],
    ['NaN', '120,NaN,2,3,1', 'SWARM_E_BARS_FORMAT', /:3: "NaN"/],
    ['hexadecimal', '120,0x2,2,3,1', 'SWARM_E_BARS_FORMAT', /:3:/],
    ['a negative price', '120,-2,2,3,1', 'SWARM_E_BARS_FORMAT', /:3: -2 is not a positive price/],
    ['a zero price', '120,0,2,3,1', 'SWARM_E_BARS_FORMAT', /:3:.*positive finite/],
    ['an infinite price', '120,1e999,2,3,1', 'SWARM_E_BARS_FORMAT', /:3:.*positive finite/],
    ['high below low', '120,2,2,1,3', 'SWARM_E_BARS_FORMAT', /:3: high 1 is below low 3/],
    ['a close outside the range', '120,4,2,3,1', 'SWARM_E_BARS_FORMAT', /:3: close 4/],
    ['a time off the grid', '121,2,2,3,1', 'SWARM_E_BARS_FORMAT', /:3: 121 is not a multiple/],
    ['a repeated time', '60,2,2,3,1', 'SWARM_E_BARS_ORDER', /:3: 60/],
    ['a time that goes back', '0,2,2,3,1', 'SWARM_E_BARS_ORDER', /:3: 0/],
  ])('refuses %s and says where', (_name, line, code, message) => {
    expect(() => parse('60,2,2,3,1', line)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
  it('refuses another header', () => {
    expect(() => parseBarsCsv('time,close\n', src)).toThrow(/BTC_1m\.csv:1: header/);
  });
  it('accepts a close that rounding put 1e-10 outside its range', () => {
    expect(parse('60,3.0000000003,2,3,1').close[0]).toBe(3.0000000003);
  });
});

describe('digests', () => {
  it('change with any close and with the asset', () => {
    const a = bars(run(0, 5));
    const other = { ...a, close: a.close.map((v, i) => (i === 4 ? v + 1e-9 : v)) };
    expect(barsDigest(other)).not.toBe(barsDigest(a));
    expect(barsDigest({ ...a, asset: 'ETH' })).not.toBe(barsDigest(a));
  });
});

describe('gaps', () => {
  const b = bars([...run(0, 5), ...run(600, 3)]);
  it('end a segment', () => {
    expect(segments(b)).toEqual([
      { from: 0, to: 5 },
      { from: 5, to: 8 },
    ]);
    expect(segments(bars([]))).toEqual([]);
  });
  it('are never bridged by a history', () => {
    expect([...contiguousHistory(b, 300, 5)]).toEqual([...b.close.subarray(0, 5)].map(Math.log));
    expect(() => contiguousHistory(b, 780, 4)).toThrow(expect.objectContaining({ code: 'SWARM_E_BARS_GAP' }));
    expect(() => contiguousHistory(b, 300, 6)).toThrow(
      expect.objectContaining({ code: 'SWARM_E_BARS_TOO_FEW' }),
    );
  });
  it('make a history stale two steps after the last close', () => {
    expect(contiguousHistory(b, 300 + 120, 2)).toHaveLength(2);
    expect(() => contiguousHistory(b, 300 + 121, 2)).toThrow(
      expect.objectContaining({ code: 'SWARM_E_BARS_GAP' }),
    );
  });
  it('never show a bar before it has closed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 120, max: 300 }), (asOf) => {
        const last = contiguousHistory(b, asOf, 2)[1];
        expect(last).toBe(Math.log(b.close[indexAtOrBefore(b, asOf - 60)]));
      }),
    );
  });
});

describe('gridPrices', () => {
  it('reads a minute series at the bar that opens then, a coarser one at the bar that closes then', () => {
    expect([...gridPrices(bars(run(0, 10)), 120, 180, 60)]).toEqual([102, 103, 104, 105]);
    expect([...gridPrices(bars(run(0, 10, 300), 300), 600, 600, 300)]).toEqual([101, 102, 103]);
  });

  it('reads a start off the 5-minute grid as the last bar closed by then, one whole bar a step', () => {
    expect([...gridPrices(bars(run(0, 10, 300), 300), 720, 600, 300)]).toEqual([101, 102, 103]);
    expect([...gridPrices(bars(run(0, 10, 300), 300), 899, 600, 300)]).toEqual([101, 102, 103]);
    expect([...gridPrices(bars(run(0, 10, 300), 300), 900, 600, 300)]).toEqual([102, 103, 104]);
  });
  it('leaves missing bars NaN', () => {
    expect([...gridPrices(bars([0, 60, 180]), 0, 240, 60)]).toEqual([100, 101, Number.NaN, 103, Number.NaN]);
  });
});

describe('windows', () => {
  it('lie on the stride, inside the span, and thin evenly', () => {
    const plan = { stride_s: 300, horizon_s: 3600, max: 1000 };
    const all = windowStarts(100, 7300, plan);
    expect([all[0], all.at(-1), all.length]).toEqual([300, 3600, 12]);
    const few = windowStarts(0, 86400 * 30, { ...plan, max: 7 });
    expect(few).toHaveLength(7);
    expect(few.every((t) => t % 300 === 0 && t >= 0 && t + 3600 <= 86400 * 30)).toBe(true);
    const gaps = few.slice(1).map((t, i) => t - few[i]);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(300);
    expect(windowStarts(0, 3599, plan)).toEqual([]);
    expect(windowSetDigest([1, 2])).not.toBe(windowSetDigest([2, 1]));
  });
  it('are usable only with their whole past and future', () => {
    const b = bars([...run(0, 100), ...run(7200, 100)]);
    const usable = usableWindows(b, run(0, 300), { history: 10, horizon_s: 600, increment_s: 60 });
    expect(usable).toEqual([...run(660, 79), ...run(7860, 79)]);
  });
  it('of a market that closes may reach over the night, with both ends in a session', () => {
    // Two sessions of 100 minutes; an hour's pause leaves no price in the middle.
    const b = { ...bars([...run(0, 100), ...run(9600, 100)]), asset: 'XAU' };
    const over = { history: 90, horizon_s: 6000, increment_s: 60 };
    // 90 bars have closed a minute before 5460; prices end at 6000 and begin again at 9600.
    expect(usableWindows(b, run(0, 300), over)).toEqual(run(5460, 9));
    expect(usableWindows({ ...b, asset: 'BTC' }, run(0, 300), over)).toEqual([]);
    // The first bars of the second session see a fresh bar only after two minutes.
    const inside = { history: 90, horizon_s: 1800, increment_s: 60 };
    expect(usableWindows(b, run(9000, 40), inside)[0]).toBe(9780);
  });
});

const recorded = recordedFile('BTC', 1);
it.skipIf(recorded === undefined)(
  'parses a recorded year of minutes without refusing a row [needs recorded bars]',
  () => {
    const b = readRecorded(recorded!, 'BTC', 1);
    expect(b.open_s.length).toBe(357_839);
  },
);

describe('peers', () => {
  it('are the other assets of a class, by name', () => {
    expect(peersOf('BTC', ['XAU', 'SOL', 'BTC', 'ETH', 'TSLAX'])).toEqual(['ETH', 'SOL']);
    expect(peersOf('TSLAX', ['BTC', 'SPYX', 'WTIOIL'])).toEqual(['SPYX']);
    expect(peersOf('XAU', ['BTC'])).toEqual([]);
  });
});
