// The same picture as SVG, for documents: a panel for each challenger, readable on light and dark grounds.
// Promises: equal input, equal bytes; nothing is fetched by whoever shows it.
import { caption, type Drawable, decades } from './picture.js';

const WIDTH = 720;
const PANEL = 220;
const LEFT = 64;
const RIGHT = 16;
const TOP = 34;
const BOTTOM = 34;
const LEVELS = 7;
const GREY = '#808890';
const LINE = '#2f7ed8';
const NEED = '#c0504d';

const at = (x: number): string => x.toFixed(1);
const escaped = (text: string): string => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
const text = (x: number, y: number, anchor: 'start' | 'end', words: string): string =>
  `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${GREY}">${escaped(words)}</text>`;
const level = (y: number, colour: string, dash: string): string =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y)}" y2="${at(y)}" stroke="${colour}" stroke-dasharray="${dash}"/>`;

/** A document of panels, each `height` high. */
export const svgOf = (title: string, panels: readonly string[], height = PANEL): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${panels.length * height}" viewBox="0 0 ${WIDTH} ${panels.length * height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    ...panels.map((panel, i) => `<g transform="translate(0 ${i * height})">${panel}</g>`),
    '</svg>\n',
  ].join('\n');

export const drawInSvg = (slot: string, courses: readonly Drawable[]): string =>
  svgOf(`Evidence of the challengers of ${slot}`, courses.map(panel));

function panel(course: Drawable): string {
  const { low, high } = decades(course);
  const last = Math.max(course.floor, course.e.length);
  const x = (window: number): number => LEFT + (window / last) * (WIDTH - LEFT - RIGHT);
  const y = (e: number): number =>
    TOP + ((high - Math.log10(e)) / Math.max(1, high - low)) * (PANEL - TOP - BOTTOM);
  const step = Math.max(1, Math.ceil((high - low) / LEVELS));
  const grid = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => 10 ** (low + i * step));
  const path = [1, ...course.e].map((e, n) => `${n === 0 ? 'M' : 'L'}${at(x(n))} ${at(y(e))}`).join('');
  return [
    text(LEFT, TOP - 14, 'start', caption(course)),
    ...grid.flatMap((e) => [
      level(y(e), GREY, '1 5'),
      text(LEFT - 8, y(e) + 4, 'end', String(Number(e.toPrecision(1)))),
    ]),
    level(y(course.threshold), NEED, '6 3'),
    text(WIDTH - RIGHT, y(course.threshold) - 5, 'end', `needs ${course.threshold.toPrecision(3)}`),
    `<line x1="${at(x(course.floor))}" x2="${at(x(course.floor))}" y1="${TOP}" y2="${PANEL - BOTTOM}" stroke="${NEED}" stroke-dasharray="2 4"/>`,
    `<path d="${path}" fill="none" stroke="${LINE}" stroke-width="1.6"/>`,
    text(LEFT, PANEL - 14, 'start', '0'),
    text(WIDTH - RIGHT, PANEL - 14, 'end', `${last} windows`),
  ].join('');
}
