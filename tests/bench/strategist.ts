// The strategists: evolution against random search, budgets under 64 agents, what a decision costs beside its calls, and how
// soon a bad model is left alone. SWARM_BENCH_BARS names a directory with BTC_5m.csv.gz; without it the contest is left out.
// SWARM_BENCH_SEEDS, counted from SWARM_BENCH_FIRST, and SWARM_BENCH_EXPERIMENTS make it shorter; SWARM_BENCH_ONLY=contest,budget,overhead,router picks parts.
import { type Figure, figure } from './figure.js';
import { contest, type Run } from './strategist/contest.js';
import { badModelShare, budgetOverrun, decisionOverhead } from './strategist/llm.js';

type Progress = (line: string) => void;

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** One-sided p of "evolution is better" by Wilcoxon's signed ranks (1945): exact, over every pattern of signs. */
export function signedRankP(differences: readonly number[]): number {
  const d = differences.filter((x) => x !== 0);
  const sorted = d.map(Math.abs).sort((a, b) => a - b);
  const rank = (x: number): number => {
    const first = sorted.indexOf(Math.abs(x));
    const last = sorted.lastIndexOf(Math.abs(x));
    return (first + last) / 2 + 1;
  };
  const ranks = d.map(rank);
  const seen = ranks.reduce((s, r, i) => (d[i]! > 0 ? s + r : s), 0);
  let atLeast = 0;
  for (let signs = 0; signs < 2 ** d.length; signs++) {
    const sum = ranks.reduce((s, r, i) => (signs & (1 << i) ? s + r : s), 0);
    if (sum >= seen - 1e-9) atLeast += 1;
  }
  return d.length === 0 ? 1 : atLeast / 2 ** d.length;
}

/** Experiments until a run came up to a gain; all of them where it never did. */
const until = ({ best }: Run, gain: number): number => {
  const at = best.findIndex((b) => b >= gain);
  return at < 0 ? best.length : at + 1;
};

async function search(progress: Progress): Promise<Figure[]> {
  const bars = process.env['SWARM_BENCH_BARS'];
  if (bars === undefined) {
    progress('SWARM_BENCH_BARS is not set: no contest on real bars');
    return [];
  }
  const seeds = setting('SWARM_BENCH_SEEDS', 10);
  const experiments = setting('SWARM_BENCH_EXPERIMENTS', 40);
  const first = setting('SWARM_BENCH_FIRST', 0);
  const { evolve, random } = await contest({ slot: '24h/BTC', bars, first, seeds, experiments }, progress);
  const ends = (runs: readonly Run[]): number[] => runs.map((r) => r.best.at(-1)!);
  const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
  const differences = ends(evolve).map((e, i) => e - ends(random)[i]!);
  const to = (runs: readonly Run[]): number =>
    runs.reduce((s, run, i) => s + until(run, random[i]!.best.at(-1)!), 0);
  const what = `seeds ${first} to ${first + seeds - 1} of ${experiments} experiments on 24h/BTC`;
  return [
    figure(
      'evolve_vs_random_p',
      '1',
      signedRankP(differences),
      0.05,
      `${what}: verified gain ${mean(ends(evolve)).toFixed(4)}, random ${mean(ends(random)).toFixed(4)}`,
    ),
    figure(
      'evolve_experiments_ratio',
      '1',
      to(evolve) / to(random),
      0.5,
      "experiments to random's best, by random's own",
    ),
    figure(
      'evolve_unseen_gain',
      '1',
      mean(evolve.map((r) => r.unseen)),
      mean(random.map((r) => r.unseen)),
      `of what was verified best, on windows that no decision heard of; p ${signedRankP(evolve.map((r, i) => r.unseen - random[i]!.unseen)).toFixed(3)}`,
    ),
  ];
}

const PARTS: Readonly<Record<string, (progress: Progress) => Promise<Figure[]>>> = {
  contest: search,
  budget: budgetOverrun,
  overhead: decisionOverhead,
  router: badModelShare,
};

export async function strategist(progress: Progress): Promise<Figure[]> {
  const chosen = (process.env['SWARM_BENCH_ONLY'] ?? Object.keys(PARTS).join(',')).split(',');
  const out: Figure[] = [];
  for (const [name, part] of Object.entries(PARTS))
    if (chosen.includes(name)) out.push(...(await part(progress)));
  return out;
}
