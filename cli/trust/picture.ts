// A challenger's evidence, window by window on a log scale, beside what it needs: as text.
// Promises: lines of at most 80 columns; with `plain` nothing but ASCII.
import type { Course } from './gate.js';

/** What a picture needs of a challenger. */
export type Drawable = Pick<
  Course,
  'kind' | 'reign' | 'k' | 'artifact' | 'stage' | 'threshold' | 'floor' | 'e'
>;

const COLUMNS = 64;
const ROWS = 12;

/** Powers of ten that a picture spans: everything that E has been, 1, and the threshold. */
export function decades({ e, threshold }: Pick<Drawable, 'e' | 'threshold'>): { low: number; high: number } {
  const logs = [...e, threshold, 1].map((x) => Math.log10(x));
  return { low: Math.floor(Math.min(...logs) + 1e-9), high: Math.ceil(Math.max(...logs) - 1e-9) };
}

export const caption = ({ kind, reign, k, artifact, stage, e, threshold }: Drawable): string =>
  `${kind === 'rollback' ? 'rollback' : `challenger ${k}`} of reign ${reign}, ${artifact.slice(0, 10)}: E ${e.at(-1)!.toPrecision(3)} of ${threshold.toPrecision(3)} after ${e.length} windows, ${stage.replace('_', ' ')}`;

export function drawInText(course: Drawable, plain: boolean): string {
  const ink = plain
    ? { point: '*', threshold: '-', one: '.', axis: '|', corner: '+', base: '-' }
    : { point: '●', threshold: '━', one: '┈', axis: '│', corner: '└', base: '─' };
  const { low, high } = decades(course);
  const rowOf = (x: number): number =>
    Math.round(((high - Math.log10(x)) / Math.max(1, high - low)) * (ROWS - 1));
  const cells = Array.from({ length: ROWS }, () => Array.from({ length: COLUMNS }, () => ' '));
  cells[rowOf(1)]!.fill(ink.one);
  cells[rowOf(course.threshold)]!.fill(ink.threshold);
  const last = Math.max(course.floor, course.e.length);
  for (const [i, e] of course.e.entries())
    cells[rowOf(e)]![Math.min(COLUMNS - 1, Math.floor((i / last) * COLUMNS))] = ink.point;
  const label = (row: number): string => {
    if (row === rowOf(course.threshold)) return course.threshold.toPrecision(3);
    if (row === rowOf(1)) return '1';
    return row === 0 ? `1e${high}` : row === ROWS - 1 ? `1e${low}` : '';
  };
  return [
    caption(course),
    ...cells.map((row, i) => `${label(i).padStart(8)} ${ink.axis}${row.join('').trimEnd()}`),
    `${' '.repeat(9)}${ink.corner}${ink.base.repeat(COLUMNS)}`,
    `${' '.repeat(10)}0${`${last} windows; no promotion before ${course.floor}`.padStart(COLUMNS - 1)}`,
  ].join('\n');
}
