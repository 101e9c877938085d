// The laboratory's results for people: plain tables, no colour needed.
import type { BacktestReport, Comparison, Gain } from '../../forecast/backtest/report.js';
import { table } from '../status/render.js';

export const percent = (x: number, digits = 1): string => `${(100 * x).toFixed(digits)}%`;
export const gainText = (gain: Gain | null): string =>
  gain === null ? '-' : `${(100 * gain.gain).toFixed(2)} +- ${(100 * gain.se).toFixed(2)}%`;
export const short = (digest: string): string => digest.slice(0, 12);

const HEAD = ['n', 'CRPS', 'yardstick', 'reference', 'gain on yardstick', 'gain on reference'];
const cells = (c: Comparison): string[] => [
  String(c.n),
  c.model.toFixed(2),
  c.yardstick.toFixed(2),
  c.reference.toFixed(2),
  gainText(c.over_yardstick),
  gainText(c.over_reference),
];

interface Printed extends BacktestReport {
  readonly slot: string;
  readonly profile: string;
  readonly from: string;
  readonly to: string;
  readonly paths: number;
  readonly dataset_digest: string;
  readonly seed: string;
  readonly cost: { fits: number; hits: number; fit_ms: number; score_ms: number };
}

export function printBacktest(r: Printed): string {
  const { cost } = r;
  return [
    `${r.slot}, profile ${r.profile}, ${r.from.slice(0, 16)}Z to ${r.to.slice(0, 16)}Z, ${r.paths} paths`,
    `windows ${short(r.windows_digest)}, dataset ${short(r.dataset_digest)}, seed ${r.seed}, errors over ${r.lag} windows`,
    '',
    table(['', ...HEAD], [['all', ...cells(r.total)]]),
    '',
    table(
      ['interval', ...HEAD],
      r.intervals.map((i) => [i.name, ...cells(i)]),
    ),
    '',
    table(
      ['regime', 'slice', ...HEAD],
      r.regimes.flatMap(({ regime, slices }) => slices.map((s) => [regime, s.name, ...cells(s)])),
    ),
    '',
    table(
      [
        'rank of the real return',
        'windows per tenth of the ensemble',
        'chi2(9)',
        'in 50%',
        'in 80%',
        'in 95%',
      ],
      r.calibration.map((c) => [
        `at ${percent(c.at, 0)} of the horizon`,
        c.counts.join(' '),
        c.chi2.toFixed(1),
        ...c.coverage.map(({ share, se }) => `${percent(share)} +- ${percent(se)}`),
      ]),
    ),
    '',
    `${cost.fits} fits and ${cost.hits} from the cache in ${(cost.fit_ms / 1000).toFixed(1)} s, scores in ${(cost.score_ms / 1000).toFixed(1)} s`,
  ].join('\n');
}
