// A thousand reigns in which nobody is better than the champion: how often does the gate promote one of them all the same? Candidates
// are exactly as good as the champion, which is the worst case. The gate is the recomputation of tests/trust/recompute-gate.ts; a
// sample of the challengers is written to the real tables and must come out of trust.gate the same.
import type pg from 'pg';
import { alphaShare } from '../../../agents/publisher/admit.js';
import type { Constants } from '../../../trust/constants.js';
import { boundedSteps } from '../../../trust/gate-step.js';
import { daysAgo, forget, History } from '../../trust/history.js';
import { eValues, expectedMaximum, gateStage, unseenOf } from '../../trust/recompute-gate.js';
import { normal, seeded } from '../../trust/seeded.js';
import { HIDDEN, mean, sampleSd, WINDOW_SD } from './world.js';

type Noise = (u: () => number) => () => number;

/** Standardised differences of a challenger that is as good as the champion. */
export const NOISES: Readonly<Record<string, Noise>> = {
  normal: (u) => () => normal(u),
  // Student's t with 4 degrees of freedom.
  'heavy tails': (u) => () => {
    const chi = [0, 1, 2, 3].reduce((sum) => sum + normal(u) ** 2, 0);
    return normal(u) / Math.sqrt(chi / 4) / Math.SQRT2;
  },
  // Better most of the time and much worse now and then: what clipping flatters most.
  'rare losses': (u) => () => (Math.exp(0.5) - Math.exp(normal(u))) / Math.sqrt((Math.E - 1) * Math.E),
  autocorrelated: (u) => {
    let last = normal(u);
    return () => {
      last = 0.2 * last + Math.sqrt(1 - 0.04) * normal(u);
      return last;
    };
  },
};

/** Candidates that a reign tries. */
const CANDIDATES = 60;
const SAMPLE = 40;
const DAY = 24;

export interface ReignCount {
  readonly noise: string;
  readonly reigns: number;
  readonly falsePromotions: number;
  readonly challengers: number;
  /** Largest relative difference of an e-value from what the database makes of the same windows. */
  readonly apart: number;
}

interface Challenger {
  readonly k: number;
  readonly xs: number[];
  readonly stage: string;
}

export async function reignsOf(
  admin: pg.Client,
  noise: string,
  reigns: number,
  constant: Constants,
): Promise<ReignCount> {
  const sample: Challenger[] = [];
  let [falsePromotions, challengers] = [0, 0];
  for (let reign = 0; reign < reigns; reign++) {
    const tried = reignOf(NOISES[noise]!, seeded(reign * 7919 + 13), constant);
    challengers += tried.length;
    if (tried.some((c) => c.stage === 'passed')) falsePromotions++;
    // All that passed, and the first few others.
    for (const c of tried)
      if (sample.length < SAMPLE && (c.stage === 'passed' || reign < SAMPLE / 2)) sample.push(c);
  }
  return { noise, reigns, falsePromotions, challengers, apart: await apart(admin, sample, constant) };
}

function reignOf(noise: Noise, u: () => number, constant: Constants): Challenger[] {
  const out: Challenger[] = [];
  for (let trial = 1; trial <= CANDIDATES; trial++) {
    const next = noise(u);
    const hidden = Array.from({ length: HIDDEN }, () => WINDOW_SD * next());
    const sd = sampleSd(hidden);
    const t = mean(hidden) / (sd / Math.sqrt(HIDDEN));
    if (t <= Math.max(constant('screen_floor_t'), expectedMaximum(trial))) continue;
    const k = out.length + 1;
    out.push({ k, ...shadow(() => WINDOW_SD * next(), sd, alphaShare(constant('gate_alpha'), k), constant) });
    if (out.at(-1)!.stage === 'passed') break;
  }
  return out;
}

/** Window after window, as the publisher looks at it. */
function shadow(
  difference: () => number,
  sd: number,
  alpha: number,
  constant: Constants,
): { xs: number[]; stage: string } {
  const most = constant('gate_max_windows') + DAY;
  const windows = Array.from({ length: most }, () => ({
    champion_crps: 1,
    challenger_crps: 1 - difference(),
  }));
  const xs = boundedSteps(windows, { scale: 1, sd, clip_sd: constant('clip_sd') });
  // A day of the 1 h competition at a time.
  for (let n = DAY; ; n += DAY) {
    const stage = gateStage(
      xs.slice(0, n),
      { alpha, kind: 'challenge', promoted: false, superseded: false },
      constant,
    );
    if (stage !== 'shadow') return { xs: xs.slice(0, n), stage };
  }
}

async function apart(admin: pg.Client, sample: readonly Challenger[], constant: Constants): Promise<number> {
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher, { market_at: daysAgo(60) });
  const rows = sample.map((c, i) =>
    h.challenger(publisher, c.xs, { k: i + 1, alpha: alphaShare(constant('gate_alpha'), c.k) }),
  );
  await h.write(admin);
  const { rows: said } = await admin.query<{ challenger_id: string; e_value: number; stage: string }>(
    'select challenger_id, e_value, stage from trust.gate',
  );
  await forget(admin);
  const differences = rows.map((row, i) => {
    const gate = said.find((s) => s.challenger_id === row.id)!;
    if (gate.stage !== sample[i]!.stage) return Number.POSITIVE_INFINITY;
    return Math.abs(
      gate.e_value / eValues(sample[i]!.xs, { unseen: unseenOf('challenge', constant) }).at(-1)! - 1,
    );
  });
  return Math.max(0, ...differences);
}

/** 95% interval of a share (Wilson 1927). */
export function wilson(hits: number, of: number): [number, number] {
  const z = 1.959964;
  const p = hits / of;
  const middle = (p + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
