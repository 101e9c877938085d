// The laboratory's results for people: plain tables, no colour needed.
import type { BacktestReport, Comparison, Gain } from '../../forecast/backtest/report.js';
import type { Spec } from '../../forecast/families/index.js';
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

/** What is under test: an artifact by its digest, or a spec by how it was refitted. */
export interface Subject {
  readonly family: string;
  readonly spec: Spec;
  readonly spec_digest: string;
  readonly artifact?: string;
  readonly data_cutoff?: string;
  readonly train_days?: number;
  readonly refit_days?: number;
}

interface Printed extends BacktestReport {
  readonly slot: string;
  readonly subject: Subject;
  readonly profile: string;
  readonly from: string;
  readonly to: string;
  readonly paths: number;
  readonly dataset_digest: string;
  readonly seed: string;
  readonly cost: { fits: number; hits: number; fit_ms: number; score_ms: number };
}

export function printBacktest(r: Printed): string {
  const { cost, subject } = r;
  const what =
    subject.artifact === undefined
      ? `spec ${short(subject.spec_digest)}, fitted every ${subject.refit_days} days on ${subject.train_days}`
      : `artifact ${short(subject.artifact)}, fitted on bars up to ${subject.data_cutoff}`;
  return [
    `${subject.family}, ${what}`,
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
