// The last lines of a run: what it was measured on, and in a simulated market how far from the best possible it ended.
import { sql } from 'kysely';
import type { Db } from '../../blackboard/db.js';
import type { Status } from '../status/read.js';

const range = (low: number | null, high: number | null): string =>
  low === null ? 'none' : low === high ? `${low}` : `${low} to ${high}`;

export async function summary(db: Db, status: Status): Promise<string> {
  const windows = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('board.experiment')
        .select((e) => e.fn.min('n_windows').as('n'))
        .as('public_low'),
      eb
        .selectFrom('board.experiment')
        .select((e) => e.fn.max('n_windows').as('n'))
        .as('public_high'),
      eb
        .selectFrom('board.verdict')
        .select((e) => e.fn.min('n_windows').as('n'))
        .as('hidden_low'),
      eb
        .selectFrom('board.verdict')
        .select((e) => e.fn.max('n_windows').as('n'))
        .as('hidden_high'),
      eb.selectFrom('board.gate_step').select(sql<number>`count(*)`.as('n')).as('shadow'),
    ])
    .executeTakeFirstOrThrow();
  const lines = [
    `measured on dataset ${status.market.dataset_digest} (${status.market.source}), seed ${status.market.seed}, profile ${status.market.profile}`,
    `windows: public per claim ${range(windows.public_low, windows.public_high)}, hidden per verdict ${range(windows.hidden_low, windows.hidden_high)}, shadow ${windows.shadow}, served and scored ${status.counts.prompts_scored}`,
  ];
  for (const slot of status.slots) {
    const { n, diff, diff_se } = slot.served;
    if (slot.champion.reign > 0 && diff !== null && diff_se !== null && diff_se > 0)
      lines.push(
        `${slot.slot}: champion ${diff > 2 * diff_se ? 'beats' : diff < -2 * diff_se ? 'is worse than' : 'is not told apart from'} the reference miner: ${(diff / diff_se).toFixed(1)} standard errors over ${n} served prompts`,
      );
    if (slot.optimum !== null)
      lines.push(
        `${slot.slot}: simulated market, best possible CRPS ${slot.optimum.best_crps.toFixed(1)}, ours ${slot.optimum.mean_crps.toFixed(1)}: ${((100 * (slot.optimum.mean_crps - slot.optimum.best_crps)) / slot.optimum.best_crps).toFixed(2)}% above the optimum`,
      );
  }
  return lines.join('\n');
}
