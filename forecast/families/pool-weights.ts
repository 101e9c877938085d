// Weights of a pool from its training bars.
// Promises: deterministic; an origin sees what an answer sees: bars that closed a minute before its start.
// Leaves to others: the score that weights minimise (fit/pool.ts).
import { ForecastError } from '../errors.js';
import { addScore, emptyScores, poolWeights } from '../fit/pool.js';
import { type TrainingData, trainingGrid } from '../fit/training.js';
import { scoredOffset_s } from '../profile/index.js';
import { rng } from '../rng.js';
import type { Fitted, MemberFamily } from './family.js';
import type { MemberSpec, PoolSpec, Spec } from './spec.js';

/** Weights are judged at this many origins in the last third of the training bars, by as many paths of each member. */
const ORIGINS = 60;
const MIN_ORIGINS = 20;
const PATHS = 48;
const JUDGED_SHARE = 1 / 3;

/**
 * Weights by CRPS of block sums in the last third of the bars. The members saw these bars when they were fitted: they
 * have few parameters and many returns. Throws SWARM_E_BARS_TOO_FEW where under 20 origins have a history and the end of
 * their horizon.
 */
export function fitWeights(
  train: TrainingData,
  spec: PoolSpec,
  fits: readonly Fitted[],
  family: (m: MemberSpec) => MemberFamily<Spec>,
): number[] {
  const { step_s } = train;
  const steps = Math.max(1, Math.round(spec.horizon_s / step_s));
  const most = (of: 'historyBars' | 'wholeBars'): number =>
    Math.max(...spec.members.map((m) => family(m)[of](m, step_s)));
  const { logs, start_s: first_s } = trainingGrid(train);
  // The newest visible bar opens two steps before the start. The first scored return ends with bar end + ahead.
  const ahead = 1 + scoredOffset_s(step_s) / step_s;
  const need = { bars: most('historyBars'), whole: most('wholeBars'), ahead: ahead + steps };
  const origins = originsOf(logs, need);
  if (origins.length < MIN_ORIGINS)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${train.asset}: ${origins.length} moments can judge the weights of a pool, ${MIN_ORIGINS} needed`,
      'train on a longer period, or give weights as numbers',
    );
  const scores = emptyScores(spec.members.length);
  const simulators = spec.members.map((m, k) => family(m).part.simulator(fits[k], { spec: m, step_s }));
  for (const end of origins) {
    const noise = [0, 1, 2, 3].map((k) => {
      const column = new Float32Array(steps * PATHS);
      rng(`forecast/pool/${end}/${k}`).fillNormal(column);
      return column;
    });
    const start_s = first_s + (end + 1) * step_s;
    const simulated = spec.members.map((m, k) => {
      const history = logs.subarray(end - family(m).historyBars(m, step_s), end);
      return simulators[k]({ history, start_s, steps, paths: PATHS, noise });
    });
    for (let length = 1; length <= steps; length = length < steps ? Math.min(steps, length * 6) : steps + 1) {
      // The first and the last steps; one of many blocks speaks for all of its length, as the subnet sums them.
      for (const lead of new Set([0, steps - length])) {
        const draws = simulated.map((returns) => blockSums(returns, lead, length));
        const before = end + ahead - 1 + lead;
        const y = logs[before + length] - logs[before];
        if (!Number.isNaN(y)) addScore(scores, draws, y, steps / length);
      }
    }
  }
  return poolWeights(train, scores);
}

/**
 * Ends of histories (exclusive bar indices), evenly over the last third of the bars: with as many whole bars before
 * them as members want, and the horizon's last price after them.
 */
function originsOf(
  logs: Float64Array,
  need: { readonly bars: number; readonly whole: number; readonly ahead: number },
): number[] {
  const all: number[] = [];
  const first = Math.max(need.bars, Math.ceil(logs.length * (1 - JUDGED_SHARE)));
  // Consecutive bars up to and with the newest that the answer sees.
  let run = 0;
  for (let end = 1; end + need.ahead <= logs.length; end++) {
    run = Number.isNaN(logs[end - 1]) ? 0 : run + 1;
    const closes = !Number.isNaN(logs[end + need.ahead - 1]);
    if (end >= first && run >= Math.max(2, need.whole) && closes) all.push(end);
  }
  const stride = Math.max(1, Math.floor(all.length / ORIGINS));
  return all.filter((_, i) => i % stride === 0);
}

/** Sum of `length` steps from `lead` on, by path. */
function blockSums(returns: Float64Array, lead: number, length: number): Float64Array {
  const sums = new Float64Array(PATHS);
  for (let h = lead; h < lead + length; h++)
    for (let i = 0; i < PATHS; i++) sums[i] += returns[h * PATHS + i];
  return sums;
}
