// The subnet's two interval sets, typed in as facts for tests; the project keeps its own as dated rules.
import { parseInterval } from '../../forecast/score/index.js';

const gaps = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60];
export const HIGH = [
  ...[1, 2, 5, 15, 30].map((m) => parseInterval(`${m}min`, m * 60)),
  parseInterval('60min_abs', 3600),
  ...gaps.map((m) => parseInterval(`0_${m}min_gaps`, m * 60)),
];
export const LOW = [
  parseInterval('5min', 300),
  parseInterval('30min', 1800),
  parseInterval('3hour', 10800),
  parseInterval('24hour_abs', 86400),
];
