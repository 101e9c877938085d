// Stage 2: for each challenger, the windows since it was admitted, one after the other without overlap, on prompts that the
// champion itself answered and a validator scored. Both are judged on the same prompt with the same noise.

import { debugPoint } from '../../blackboard/debug-point.js';
import type { Lease } from '../../blackboard/lease.js';
import type { BarReader } from '../../blackboard/market.js';
import type { Offload } from '../../forecast/offload.js';
import { boundedSteps, type Measured } from '../../trust/gate-step.js';
import type { AgentContext } from '../runtime/context.js';
import { slotData, slotView } from '../runtime/slot.js';
import { slotPlan } from '../runtime/windows.js';
import type { TrainerJobs } from '../trainer/worker.js';

interface ScoredPrompt {
  readonly prompt_id: string;
  readonly start_at: Date;
  readonly crps: number;
  readonly data_until: Date;
  readonly anchor: number;
  readonly seed: string;
  readonly forecast_start: Date | null;
}

const BATCH = 24;

/** Every next window that starts when the one before has ended. */
export function nonOverlapping<T extends { readonly start_at: Date }>(
  prompts: readonly T[],
  after: Date | null,
  length_s: number,
): T[] {
  const kept: T[] = [];
  let free_ms = after === null ? Number.NEGATIVE_INFINITY : after.getTime() + length_s * 1000;
  for (const prompt of prompts) {
    if (prompt.start_at.getTime() < free_ms) continue;
    kept.push(prompt);
    free_ms = prompt.start_at.getTime() + length_s * 1000;
  }
  return kept;
}

/** Scores what is new for every shadow of the slot; true when anything was. */
export async function shadowSteps(
  context: AgentContext,
  trainer: Offload<TrainerJobs>,
  bars: BarReader,
  slot: string,
  lease: Lease,
): Promise<boolean> {
  const { db, constants } = context;
  const open = await db
    .selectFrom('trust.gate')
    .select(['challenger_id', 'artifact', 'market_at', 'scale', 'sd', 'last_start', 'reign'])
    .where('slot', '=', slot)
    .where('stage', 'in', ['shadow', 'passed'])
    .execute();
  let worked = false;
  for (const challenger of open) {
    const view = slotView(context.profile, slot);
    const { length_s, increment_s, num_simulations } = view.competition;
    const prompts = (await db
      .selectFrom('board.outcome as o')
      .innerJoin('board.prompt as p', 'p.id', 'o.prompt_id')
      .innerJoin('board.answer as a', 'a.prompt_id', 'p.id')
      .innerJoin('trust.champion as c', (j) =>
        j.onRef('c.slot', '=', 'p.slot').onRef('c.artifact', '=', 'a.artifact'),
      )
      .select([
        'p.id as prompt_id',
        'p.start_at',
        'o.crps',
        'a.data_until',
        'a.anchor',
        'a.seed',
        'a.forecast_start',
      ])
      .where('p.slot', '=', slot)
      .where('o.miner', '=', 'swarm')
      .where('o.crps', '>=', 0)
      .where('a.status', '=', 'answered')
      .where('a.rank', '=', 'champion')
      // An answer for which time was short says nothing of its model.
      .where('a.sampling', '=', 'full')
      .where('c.reign', '=', challenger.reign!)
      .where('p.length_s', '=', length_s)
      .where('p.increment_s', '=', increment_s)
      .where('p.num_simulations', '=', num_simulations)
      .where('p.start_at', '>', challenger.last_start ?? challenger.market_at!)
      .where('p.market_at', '>', challenger.market_at!)
      .orderBy('p.start_at')
      .limit(2000)
      .execute()) as unknown as ScoredPrompt[];
    const due = nonOverlapping(prompts, challenger.last_start, length_s).slice(0, BATCH);
    if (due.length === 0) continue;
    const plan = slotPlan(constants, view.competition, 0);
    const scores = await trainer.call('shadow', {
      ...slotData(context, view, await bars.series(view.asset, view.step), plan),
      artifact: await context.store.get(challenger.artifact!),
      prompts: due.map((p) => ({
        start_s: p.start_at.getTime() / 1000,
        forecast_start_s: (p.forecast_start ?? p.start_at).getTime() / 1000,
        data_until_s: p.data_until.getTime() / 1000,
        anchor: p.anchor,
        seed: p.seed,
      })),
    });
    lease.signal.throwIfAborted();
    const before = (await db
      .selectFrom('board.gate_step')
      .select(['champion_crps', 'challenger_crps'])
      .where('challenger_id', '=', challenger.challenger_id!)
      .orderBy('start_at')
      .execute()) as Measured[];
    const scored = due.map((p, i) => ({
      p,
      champion_crps: p.crps,
      challenger_crps: scores[i] ?? p.crps,
    }));
    const fixed = { scale: challenger.scale!, sd: challenger.sd!, clip_sd: constants('clip_sd') };
    const xs = boundedSteps([...before, ...scored], fixed).slice(before.length);
    const rows = scored.map(({ p, champion_crps, challenger_crps }, i) => ({
      ...context.stamp(),
      challenger_id: challenger.challenger_id!,
      prompt_id: p.prompt_id,
      start_at: p.start_at,
      champion_crps,
      challenger_crps,
      x: xs[i]!,
      seed: p.seed,
      work_id: lease.work_id,
      fence: lease.fence,
    }));
    await context.bell.settle(db, async (trx) => {
      await trx.insertInto('board.gate_step').values(rows).execute();
      await debugPoint('gate-step.before-commit');
    });
    await debugPoint('gate-step.after-commit');
    worked = true;
  }
  return worked;
}
