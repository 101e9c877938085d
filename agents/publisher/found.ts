// The founding reign of a slot: the subnet's reference miner is the first champion, and every later one must beat it.
import { debugPoint } from '../../blackboard/debug-point.js';
import type { Lease } from '../../blackboard/lease.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { referenceArtifact } from '../../forecast/reference-artifact.js';
import type { AgentContext } from '../runtime/context.js';
import { slotView } from '../runtime/slot.js';

/** Writes reign 0 when the slot has none; true when it did. */
export async function found(context: AgentContext, slot: string, lease: Lease): Promise<boolean> {
  const known = await context.db
    .selectFrom('board.promotion')
    .select('id')
    .where('slot', '=', slot)
    .limit(1)
    .executeTakeFirst();
  if (known !== undefined) return false;
  const { asset, step } = slotView(context.profile, slot);
  const bytes = referenceArtifact(asset, step, context.clock.dataset_digest);
  const artifact = await context.store.put(bytes);
  await debugPoint('found.stored');
  const row = {
    ...context.stamp(),
    kind: 'found',
    slot,
    reign: 0,
    artifact,
    family: unpackArtifact(bytes).manifest.family,
  };
  await context.bell.settle(context.db, async (trx) => {
    await trx
      .insertInto('board.promotion')
      .values({
        ...row,
        signature: context.sign('promotion', row),
        work_id: lease.work_id,
        fence: lease.fence,
      })
      .execute();
    await debugPoint('found.before-commit');
  });
  await debugPoint('found.after-commit');
  return true;
}
