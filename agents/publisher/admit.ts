// Stage 1 -> stage 2: the best screened candidate becomes a challenger and takes its share of the reign's alpha.
import { debugPoint } from '../../blackboard/debug-point.js';
import { SwarmError } from '../../blackboard/errors.js';
import { assertAuthentic } from '../../blackboard/identity/authentic.js';
import type { Lease } from '../../blackboard/lease.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { inspectModel } from '../../forecast/onnx/inspect.js';
import type { AgentContext } from '../runtime/context.js';

/** alpha of the k-th challenger of a reign: the shares sum to `total` over all k. */
export const alphaShare = (total: number, k: number): number => (total * 6) / (Math.PI ** 2 * k ** 2);

/** Admits at most one challenger; true when it did. */
export async function admit(context: AgentContext, slot: string, lease: Lease): Promise<boolean> {
  const { db, constants } = context;
  const active = await db
    .selectFrom('trust.gate')
    .select(['artifact'])
    .where('slot', '=', slot)
    .where('kind', '=', 'challenge')
    .where('stage', 'in', ['shadow', 'passed'])
    .execute();
  if (active.length >= constants('concurrent_challengers')) return false;
  const candidates = await db
    .selectFrom('trust.screen as s')
    .selectAll('s')
    .where('s.slot', '=', slot)
    .where('s.passed', '=', true)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('board.challenger as c')
            .select('c.id')
            .whereRef('c.slot', '=', 's.slot')
            .whereRef('c.reign', '=', 's.reign')
            .whereRef('c.artifact', '=', 's.artifact'),
        ),
      ),
    )
    .orderBy('s.screen_t', 'desc')
    .orderBy('s.artifact')
    .limit(CANDIDATES)
    .execute();
  const best = await firstAuthentic(context, candidates);
  if (best === undefined) return false;
  // Form: the bytes are what their name says, and the graph is one that may be loaded at all.
  inspectModel(unpackArtifact(await context.store.get(best.artifact!)).onnx);
  const before = await db
    .selectFrom('board.challenger')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('slot', '=', slot)
    .where('reign', '=', best.reign!)
    .where('kind', '=', 'challenge')
    .executeTakeFirstOrThrow();
  const k = before.n + 1;
  await context.bell.settle(db, async (trx) => {
    await trx
      .insertInto('board.challenger')
      .values({
        ...context.stamp(),
        kind: 'challenge',
        slot,
        reign: best.reign!,
        k,
        claim_id: best.claim_id!,
        artifact: best.artifact!,
        trials: best.trials!,
        screen_t: best.screen_t!,
        screen_threshold: best.screen_threshold!,
        scale: best.scale!,
        sd: best.sd!,
        alpha: alphaShare(constants('gate_alpha'), k),
        work_id: lease.work_id,
        fence: lease.fence,
      })
      .execute();
    await debugPoint('challenger.before-commit');
  });
  await debugPoint('challenger.after-commit');
  context.log.info(
    { slot, k, artifact: best.artifact, t: best.screen_t, threshold: best.screen_threshold },
    'challenger',
  );
  return true;
}

/** More than ever pass at once; one whose verdicts are not what they say must not hide the others. */
const CANDIDATES = 10;
const reported = new Set<string>();

/** The best candidate whose claim and verdicts their authors signed. A forged one is told of once. */
async function firstAuthentic<T extends { claim_id: string | null; reign: number | null }>(
  context: AgentContext,
  candidates: readonly T[],
): Promise<T | undefined> {
  const { db } = context;
  for (const candidate of candidates) {
    const claim = await db
      .selectFrom('board.claim')
      .selectAll()
      .where('id', '=', candidate.claim_id!)
      .executeTakeFirstOrThrow();
    const verdicts = await db
      .selectFrom('board.verdict')
      .selectAll()
      .where('claim_id', '=', candidate.claim_id!)
      .where('reign', '=', candidate.reign!)
      .execute();
    try {
      await assertAuthentic(db, 'claim', claim);
      for (const verdict of verdicts) await assertAuthentic(db, 'verdict', verdict);
      return candidate;
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
      if (!reported.has(claim.id)) await context.alert('warning', error.code, error.message);
      reported.add(claim.id);
    }
  }
  return undefined;
}
