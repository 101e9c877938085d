// The pictures of docs/trust.md, from invented histories through the real views.
import type { Drawable } from '../../cli/trust/picture.js';
import { drawInSvg, svgOf } from '../../cli/trust/svg.js';
import type { Ground } from './ground.js';
import { daysAgo, forget, History, SLOT } from './history.js';
import { normal, seeded } from './seeded.js';

const CLAIMS = 20;
const LIE_AT = 10;

/** Each line: whether the n-th claim is honest. */
const OWNERS = {
  'always honest': { colour: '#2f7ed8', honest: () => true },
  'one over-claim, the tenth': { colour: '#e08a1e', honest: (n: number) => n !== LIE_AT },
  'every third an over-claim': { colour: '#c0504d', honest: (n: number) => n % 3 !== 0 },
} as const;

/** Trust after each of twenty claims: an owner for each line and number of claims. */
export async function trustPicture(ground: Ground): Promise<string> {
  const h = new History();
  const checker = h.agent('carol', 'checker');
  const nameOf = (line: number, n: number): string => `line-${line}-${n}`;
  for (const [line, { honest }] of Object.values(OWNERS).entries())
    for (let count = 0; count <= CLAIMS; count++) {
      const author = h.agent(nameOf(line, count), 'explorer');
      for (let n = 1; n <= count; n++)
        h.verdict(checker, h.claim(author, { claimed_gain: honest(n) ? 0.05 : 0.15, market_at: daysAgo(0) }));
    }
  await h.write(ground.admin);
  const rows = await ground.rows<{ owner: string; trust: number }>(
    `select owner, trust from trust.owner where kind = 'claims'`,
  );
  await forget(ground.admin);
  const trust = new Map(rows.map((r) => [r.owner, r.trust]));
  const lines = Object.entries(OWNERS).map(([label, { colour }], line) => ({
    label,
    colour,
    values: Array.from({ length: CLAIMS + 1 }, (_, n) => trust.get(nameOf(line, n))!),
  }));
  return svgOf('Trust after each claim', [chart(lines)], HEIGHT);
}

const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 704, 20, 220];
const GREY = '#808890';

function chart(lines: readonly { label: string; colour: string; values: readonly number[] }[]): string {
  const x = (n: number): string => (LEFT + (n / CLAIMS) * (RIGHT - LEFT)).toFixed(1);
  const y = (trust: number): string => (BOTTOM - trust * (BOTTOM - TOP)).toFixed(1);
  const text = (at: string, to: string, anchor: string, words: string, colour = GREY): string =>
    `<text x="${at}" y="${to}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;
  return [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((level) => [
      `<line x1="${LEFT}" x2="${RIGHT}" y1="${y(level)}" y2="${y(level)}" stroke="${GREY}" stroke-dasharray="1 5"/>`,
      text(String(LEFT - 8), y(level), 'end', String(level)),
    ]),
    ...lines.flatMap(({ label, colour, values }, i) => [
      `<path d="${values.map((v, n) => `${n === 0 ? 'M' : 'L'}${x(n)} ${y(v)}`).join('')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      text(String(LEFT + 10), String(TOP + 14 + 16 * i), 'start', label, colour),
    ]),
    ...[0, 5, 10, 15, 20].map((n) => text(x(n), String(BOTTOM + 18), 'middle', String(n))),
    text(String(RIGHT), String(BOTTOM + 34), 'end', 'verified claims'),
  ].join('');
}

/** A better, an equal and a worse challenger on windows with the same noise. */
export async function gatePicture(ground: Ground): Promise<string> {
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher);
  const u = seeded(11);
  const noise = Array.from({ length: 160 }, () => normal(u));
  // Of three standard deviations, as the gate bounds them.
  const course = (mean: number): number[] => noise.map((z) => Math.max(-1, Math.min(1, (z + mean) / 3)));
  for (const [i, mean] of [0.45, 0, -0.4].entries())
    h.challenger(publisher, course(mean), { k: i + 1, alpha: (0.05 * 6) / (Math.PI ** 2 * (i + 1) ** 2) });
  await h.write(ground.admin);
  const rows = await ground.rows<Omit<Drawable, 'floor'>>(
    `select g.kind, g.reign, g.k, g.artifact, g.stage, g.threshold, array_agg(p.e_value order by p.n) as e
     from trust.gate g join trust.gate_path p on p.challenger_id = g.challenger_id where g.slot = $1
     group by g.kind, g.reign, g.k, g.artifact, g.stage, g.threshold order by g.k`,
    [SLOT],
  );
  await forget(ground.admin);
  const floor = ground.constant('gate_floor_windows');
  return drawInSvg(
    SLOT,
    rows.map((r) => ({ ...r, artifact: 'abc'[r.k - 1]!.repeat(64), floor })),
  );
}
