// The checker: re-runs other owners' claims on windows that they could not see, from the artifact's bytes alone.
// Which claims are its own to check is the view trust.my_turn; it measures, signs and records, and decides nothing.
import type { Insertable } from 'kysely';
import { isTransient } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { isStoreTrouble, SwarmError } from '../../blackboard/errors.js';
import { assertAuthentic } from '../../blackboard/identity/authentic.js';
import type { Lease } from '../../blackboard/lease.js';
import { BarReader } from '../../blackboard/market.js';
import type { DB } from '../../blackboard/schema.generated.js';
import { shortText } from '../../blackboard/text.js';
import { type Offload, offload } from '../../forecast/offload.js';
import { windowStarts } from '../../forecast/windows.js';
import { type AgentContext, CODE_VERSION } from '../runtime/context.js';
import type { Agent, AgentKind } from '../runtime/life.js';
import { slotData, slotView } from '../runtime/slot.js';
import { hiddenStarts, slotPlan } from '../runtime/windows.js';
import { takeWork } from '../runtime/work.js';
import type { Assessment } from '../trainer/assess.js';
import type { TrainerJobs } from '../trainer/worker.js';

export const checker = (): AgentKind => ({
  wakes: ['claim', 'verdict', 'promotion'],
  sweepMs: 2000,
  nice: 15,
  open: openChecker,
});

/** Failures of the artifact or the claim itself: the verdict is "refused". Anything else is the checker's own trouble. */
const CLAIMS_FAULT = new Set([
  'SWARM_E_MODEL_REFUSED',
  'SWARM_E_MODEL_FAILED',
  'SWARM_E_ARTIFACT_DIGEST',
  'SWARM_E_ARTIFACT_SIZE',
  'SWARM_E_SIGNATURE',
  'SWARM_E_SPEC_INVALID',
  'SWARM_E_CLAIM_UNTRUE',
]);
const SKIP_MS = 60_000;

interface Turn {
  readonly claim_id: string;
  readonly slot: string;
  readonly reign: number;
  readonly champion: string;
  readonly reign_at: Date;
  /** Whether the claim's own number is worked out again. */
  readonly retrace: boolean;
}

async function openChecker(context: AgentContext): Promise<Agent> {
  const trainer = offload<TrainerJobs>(new URL('../trainer/worker.js', import.meta.url));
  const bars = new BarReader(context.db, context.clock.data_from.getTime() / 1000);
  const skipped = new Map<string, number>();
  return {
    async step() {
      const turn = await nextTurn(context, skipped);
      if (turn === null) return false;
      const lease = await takeWork(context, `check:${turn.claim_id}:${turn.reign}:${context.who.name}`);
      if (lease === null) return false;
      const started = Date.now();
      try {
        await debugPoint('check.leased');
        await check(context, trainer, bars, turn, lease);
        await debugPoint('verdict.after-commit');
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (code === undefined || !code.startsWith('SWARM_E_') || isTransient(error)) throw error;
        skipped.set(turn.claim_id, Date.now() + SKIP_MS);
        await context.db
          .insertInto('board.attempt')
          .values({
            ...context.stamp(),
            claim_id: turn.claim_id,
            slot: turn.slot,
            stage: 'check',
            code,
            reason: shortText(message),
            cost_ms: Date.now() - started,
          })
          .execute();
      } finally {
        await lease.giveBack();
      }
      return true;
    },
    close: () => trainer.close(),
  };
}

async function nextTurn(context: AgentContext, skipped: Map<string, number>): Promise<Turn | null> {
  const turns = (await context.db
    .selectFrom('trust.my_turn')
    .select(['claim_id', 'slot', 'reign', 'champion', 'reign_at', 'retrace'])
    .orderBy('place')
    .limit(20)
    .execute()) as unknown as Turn[];
  return turns.find((t) => (skipped.get(t.claim_id) ?? 0) < Date.now()) ?? null;
}

async function check(
  context: AgentContext,
  trainer: Offload<TrainerJobs>,
  bars: BarReader,
  turn: Turn,
  lease: Lease,
): Promise<void> {
  const claim = await context.db
    .selectFrom('board.claim')
    .selectAll()
    .where('id', '=', turn.claim_id)
    .executeTakeFirstOrThrow();
  const view = slotView(context.profile, claim.slot);
  const plan = slotPlan(context.constants, view.competition, claim.as_of.getTime() / 1000);
  const hidden = hiddenStarts(plan, turn.reign_at.getTime() / 1000);
  const shared = {
    ...context.stamp(),
    claim_id: claim.id,
    reign: turn.reign,
    champion: turn.champion,
    hidden_from: new Date(hidden.from_s * 1000),
    hidden_to: new Date(hidden.to_s * 1000),
    dataset_digest: context.clock.dataset_digest,
    seed: claim.slot,
    code_version: CODE_VERSION,
  };
  // Outside of what the claim answers for: the champion's bytes are somebody else's.
  const champion = await context.store.get(turn.champion, lease.signal).catch((error) => {
    if (isStoreTrouble(error)) throw error;
    throw new Error(`the champion cannot be read: ${error.message}`, { cause: error });
  });
  let finding: Assessment;
  try {
    await assertAuthentic(context.db, 'claim', claim);
    if (claim.data_cutoff.getTime() / 1000 > plan.data_cutoff_s)
      throw new SwarmError(
        'SWARM_E_SIGNATURE',
        `claim ${claim.id} was fitted on data up to ${claim.data_cutoff.toISOString()}, inside its own windows`,
        'The claim breaks the window plan.',
      );
    const data = slotData(context, view, await bars.series(view.asset, view.step), plan);
    finding = await trainer.call('assess', {
      ...data,
      artifact: await context.store.get(claim.artifact, lease.signal),
      champion,
      champion_digest: turn.champion,
      starts: hidden.starts,
      min_windows: context.constants('min_windows'),
      ...(turn.retrace && {
        retrace: {
          starts: windowStarts(plan.public.from_s, plan.public.to_s, plan.windows),
          gain: claim.claimed_gain,
          tolerance: context.constants('verdict_tolerance'),
        },
      }),
      expect: {
        asset: view.asset,
        spec_digest: claim.spec_digest,
        data_cutoff_s: claim.data_cutoff.getTime() / 1000,
      },
    });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined || !CLAIMS_FAULT.has(code)) throw error;
    const verdict = { ...shared, finding: 'refused', reason: shortText(`${code}: ${message}`) };
    await record(context, verdict, lease);
    await context.alert('warning', code, `claim ${claim.id} refused: ${message}`);
    return;
  }
  await record(
    context,
    {
      ...shared,
      finding: 'scored',
      reason: '',
      windows_digest: finding.windows_digest,
      n_windows: finding.starts.length,
      mean_crps: finding.mean_crps,
      yardstick_crps: finding.yardstick_crps,
      champion_crps: finding.champion_crps,
      verified_gain: finding.gain,
      verified_se: finding.se,
      window_starts: finding.starts,
      differences: finding.differences,
      champion_t: finding.champion_t,
      difference_sd: finding.difference_sd,
    },
    lease,
  );
  context.log.info(
    {
      slot: claim.slot,
      claim: claim.id,
      claimed: claim.claimed_gain,
      verified: finding.gain,
      t: finding.champion_t,
    },
    'verdict',
  );
}

type Verdict = Omit<Insertable<DB['board.verdict']>, 'signature' | 'work_id' | 'fence'>;

async function record(context: AgentContext, verdict: Verdict, lease: Lease): Promise<void> {
  await debugPoint('check.measured');
  lease.signal.throwIfAborted();
  const row = {
    ...verdict,
    signature: context.sign('verdict', verdict),
    work_id: lease.work_id,
    fence: lease.fence,
  };
  await context.bell.settle(context.db, async (trx) => {
    await trx.insertInto('board.verdict').values(row).execute();
    await debugPoint('verdict.before-commit');
  });
}
