// What memory is worth on real bars: equal experiments by eight explorers with briefings, with everybody's experiments alone, with their
// own alone, and at random. SWARM_BENCH_BARS names a directory with BTC_5m.csv.gz. SWARM_BENCH_SEEDS, SWARM_BENCH_ROUNDS and
// SWARM_BENCH_ARMS make it quicker or surer.
import { SwarmError } from '../../blackboard/errors.js';
import { seeded } from '../trust/seeded.js';
import { type Bench, type Figure, figure } from './figure.js';
import { type Arena, openArena } from './memory/arena.js';
import { MemoryBoard } from './memory/board.js';
import { ARMS, type Arm, type FleetRun, runFleet } from './memory/fleets.js';
import { signedRankP } from './strategist.js';

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const EXPLORERS = 8;
const THREADS = 2;

type Runs = Readonly<Record<Arm, FleetRun[]>>;

export const memory: Bench = async (progress) => {
  const bars = process.env['SWARM_BENCH_BARS'];
  if (bars === undefined)
    throw new SwarmError(
      'SWARM_E_USAGE',
      'SWARM_BENCH_BARS is not set: what memory is worth is measured on real bars',
      'Name a directory with BTC_5m.csv.gz, such as `swarm data download` makes.',
    );
  const arms = (process.env['SWARM_BENCH_ARMS']?.split(',') ?? ARMS) as Arm[];
  const [seeds, rounds] = [setting('SWARM_BENCH_SEEDS', 10), setting('SWARM_BENCH_ROUNDS', 3)];
  const arena = openArena({
    slot: '24h/BTC',
    bars,
    windows: 10,
    paths: 24,
    history_share: 0.25,
    // Ten of them fit into a year and a half of bars.
    days_apart: 18,
    threads: THREADS,
  });
  const board = await MemoryBoard.open();
  const runs: Runs = { briefed: [], archive: [], alone: [], random: [] };
  try {
    for (let seed = 0; seed < seeds; seed++)
      await Promise.all(
        arms.map(async (arm) => {
          const run = await runFleet(arm, arena, board, { seed, explorers: EXPLORERS, rounds });
          runs[arm].push(run);
          progress(
            `${arm} ${seed}: verified ${run.best.at(-1)!.toFixed(4)}, later ${run.later.toFixed(4)}, ${run.wasted} of ${run.best.length} came to nothing; best ${run.best.map((b) => b.toFixed(4)).join(' ')}`,
          );
        }),
      );
    return figures(runs, arms, arena, seeds, rounds * EXPLORERS);
  } finally {
    await board.close();
    await arena.close();
  }
};

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

/** Best verified gain after each experiment, over seeds. */
const curve = (runs: readonly FleetRun[]): number[] =>
  runs[0]!.best.map((_, i) => mean(runs.map((r) => r.best[i]!)));

/**
 * Experiments that `ours` needs for what both reach, over those that `theirs` needs. The goal is the lower of the two ends, so that
 * neither is said to have been quicker to what the other never came to.
 */
function ratio(ours: readonly FleetRun[], theirs: readonly FleetRun[]): number {
  const [a, b] = [curve(ours), curve(theirs)];
  const goal = Math.min(a.at(-1)!, b.at(-1)!);
  const until = (of: readonly number[]): number => 1 + of.findIndex((gain) => gain >= goal - 1e-12);
  return until(a) / until(b);
}

/** 95% of the ratio over seeds drawn again. */
function interval(ours: readonly FleetRun[], theirs: readonly FleetRun[]): [number, number] {
  const u = seeded(7);
  const drawn = Array.from({ length: 2000 }, () => {
    const picks = ours.map(() => Math.floor(u() * ours.length));
    return ratio(
      picks.map((i) => ours[i]!),
      picks.map((i) => theirs[i]!),
    );
  }).sort((a, b) => a - b);
  return [drawn[50]!, drawn[1949]!];
}

function figures(
  runs: Runs,
  arms: readonly Arm[],
  arena: Arena,
  seeds: number,
  experiments: number,
): Figure[] {
  const others = arms.filter((arm) => arm !== 'briefed');
  const end = (arm: Arm): number[] => runs[arm].map((r) => r.best.at(-1)!);
  return others.flatMap((arm) => {
    const [low, high] = interval(runs.briefed, runs[arm]);
    const p = signedRankP(end('briefed').map((g, i) => g - end(arm)[i]!));
    const what = `${seeds} seeds of ${experiments} experiments by ${EXPLORERS}; verified gain ${mean(end('briefed')).toFixed(4)} beside ${mean(end(arm)).toFixed(4)}, one-sided p ${p.toPrecision(2)}; later ${mean(runs.briefed.map((r) => r.later)).toFixed(4)} beside ${mean(runs[arm].map((r) => r.later)).toFixed(4)}; ${arena.made} trials made`;
    const name = arm === 'alone' ? 'experiments_ratio' : `experiments_ratio ${arm}`;
    return [
      figure(
        name,
        '1',
        ratio(runs.briefed, runs[arm]),
        arm === 'alone' ? 0.5 : 1,
        `95% ${low.toFixed(2)}-${high.toFixed(2)}; ${what}`,
      ),
      figure(
        `verified_crps ${arm}`,
        '1',
        1 - mean(end('briefed')),
        1 - mean(end(arm)),
        "briefed fleet's best verified CRPS beside theirs, the yardstick's being 1",
      ),
    ];
  });
}
