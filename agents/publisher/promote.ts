// The gate's word becomes a row: a challenger whose e-value passed is promoted, and the old champion stays in its shadow
// for the reverse test; a rollback challenger that passed brings the old champion back.
import { debugPoint } from '../../blackboard/debug-point.js';
import type { Lease } from '../../blackboard/lease.js';
import type { AgentContext } from '../runtime/context.js';

/** Writes the promotion or rollback that is due; true when it did. */
export async function promote(context: AgentContext, slot: string, lease: Lease): Promise<boolean> {
  const { db } = context;
  const passed = await db
    .selectFrom('trust.gate')
    .selectAll()
    .where('slot', '=', slot)
    .where('stage', '=', 'passed')
    .orderBy('e_value', 'desc')
    .orderBy('k')
    .limit(1)
    .executeTakeFirst();
  if (passed === undefined) return false;
  const reigning = await db
    .selectFrom('trust.champion')
    .selectAll()
    .where('slot', '=', slot)
    .executeTakeFirstOrThrow();
  const kind = passed.kind === 'rollback' ? 'rollback' : 'promote';
  const reign = reigning.reign! + 1;
  const family =
    kind === 'rollback'
      ? (
          await db
            .selectFrom('board.promotion')
            .select('family')
            .where('slot', '=', slot)
            .where('artifact', '=', passed.artifact!)
            .orderBy('reign')
            .limit(1)
            .executeTakeFirstOrThrow()
        ).family
      : (
          await db
            .selectFrom('board.claim')
            .select('family')
            .where('id', '=', passed.claim_id!)
            .executeTakeFirstOrThrow()
        ).family;
  const row = {
    ...context.stamp(),
    kind,
    slot,
    reign,
    artifact: passed.artifact!,
    family,
    previous: reigning.artifact!,
    challenger_id: passed.challenger_id!,
    e_value: passed.e_value!,
    threshold: passed.threshold!,
    windows: passed.windows!,
  };
  const held = { work_id: lease.work_id, fence: lease.fence };
  await context.bell.settle(db, async (trx) => {
    await trx
      .insertInto('board.promotion')
      .values({ ...row, signature: context.sign('promotion', row), ...held })
      .execute();
    await debugPoint('promotion.half-written');
    if (kind === 'promote')
      await trx
        .insertInto('board.challenger')
        .values({
          ...context.stamp(),
          kind: 'rollback',
          slot,
          reign,
          k: 1,
          artifact: reigning.artifact!,
          trials: 1,
          screen_t: 0,
          screen_threshold: 0,
          scale: passed.scale!,
          sd: passed.sd!,
          alpha: context.constants('rollback_alpha'),
          ...held,
        })
        .execute();
  });
  await debugPoint('promotion.after-commit');
  await context.alert(
    'info',
    kind === 'promote' ? 'SWARM_I_PROMOTED' : 'SWARM_I_ROLLED_BACK',
    `${slot} reign ${reign}: ${family} ${passed.artifact!.slice(0, 12)} after ${passed.windows} windows, E ${passed.e_value!.toPrecision(4)} against ${passed.threshold!.toPrecision(4)}`,
  );
  return true;
}
