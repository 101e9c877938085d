// The rows of one experiment: what was told and decided, what came of it, and what failed.
import { sql } from 'kysely';
import { explain } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { marketNow } from '../../blackboard/market.js';
import { shortText } from '../../blackboard/text.js';
import { canonicalJson } from '../../forecast/canonical.js';
import { specDigest } from '../../forecast/families/index.js';
import { type DrawnBriefing, storedItems } from '../../trust/briefing.js';
import type { Proposal } from '../strategist/strategist.js';
import type { ExperimentResult } from '../trainer/experiment.js';
import { type AgentContext, CODE_VERSION } from './context.js';
import type { SlotView } from './slot.js';

/**
 * A window set's own standard error knows nothing of the next month: the gain of one model differs between two stretches by
 * more than sampling. Measured on honest claims: 12% beyond two plain standard errors, where 2% should be.
 */
const REGIME_FACTOR = 1.5;

/** Whose rows these are, and the seed of the decision they belong to. */
export interface Author {
  readonly context: AgentContext;
  readonly strategist: { readonly name: string };
  /** Added to every claimed gain: 0 for an honest agent. */
  readonly overclaim: number;
  readonly seed: string;
}

export async function recordDecision(
  by: Author,
  slot: string,
  briefing: DrawnBriefing,
  proposal: Proposal,
): Promise<string> {
  const { context } = by;
  const told = context.stamp();
  const made = context.stamp();
  await context.bell.settle(context.db, async (trx) => {
    await trx
      .insertInto('board.briefing')
      .values({ ...told, slot, seed: by.seed, items: JSON.stringify(storedItems(briefing)) })
      .execute();
    await trx
      .insertInto('board.decision')
      .values({
        ...made,
        briefing_id: told.id,
        slot,
        strategist: proposal.by ?? by.strategist.name,
        move: proposal.move,
        parent_digests: [...proposal.parents],
        spec: canonicalJson(proposal.spec),
        spec_digest: specDigest(proposal.spec),
        seed: by.seed,
        reason: shortText(proposal.reason),
        thought: proposal.thought ?? null,
        transcript: proposal.transcript ?? null,
      })
      .execute();
    await debugPoint('decision.before-commit');
  });
  return made.id;
}

export async function recordFailure(
  { context }: Author,
  decision_id: string,
  slot: string,
  stage: string,
  error: unknown,
  cost_ms: number,
): Promise<boolean> {
  const { code, message } = explain(error) as { code?: string; message: string };
  context.log.info({ slot, stage, code }, message);
  await context.db
    .insertInto('board.attempt')
    .values({
      ...context.stamp(),
      decision_id,
      slot,
      stage,
      code: code ?? 'SWARM_E_UNEXPECTED',
      reason: shortText(message),
      cost_ms,
    })
    .execute();
  return false;
}

/** How far in the past a claim may begin, as board.check_claim has it. */
const CLAIM_S = 72 * 3600;

export async function recordExperiment(
  by: Author,
  done: {
    view: SlotView;
    decision_id: string;
    proposal: Proposal;
    result: ExperimentResult;
    as_of_s: number;
    data_cutoff_s: number;
    work_id: string;
    fence: number;
    cost_ms: number;
  },
): Promise<void> {
  const { context } = by;
  const { result, proposal, view, work_id, fence } = done;
  const shared = {
    slot: view.slot,
    family: proposal.spec.family,
    spec: canonicalJson(proposal.spec),
    spec_digest: specDigest(proposal.spec),
    as_of: new Date(done.as_of_s * 1000),
    data_cutoff: new Date(done.data_cutoff_s * 1000),
    dataset_digest: context.clock.dataset_digest,
    windows_digest: result.windows_digest,
    n_windows: result.n_windows,
    seed: by.seed,
    code_version: CODE_VERSION,
    artifact: result.digest,
    mean_crps: result.mean_crps,
  };
  const run = context.stamp();
  const late = (await marketNow(context.db)).getTime() / 1000 - done.as_of_s > CLAIM_S;
  if (late)
    context.log.warn(
      { slot: view.slot, family: shared.family, ms: done.cost_ms },
      'took longer than a claim may be old: kept as an experiment, not claimed',
    );
  const promising =
    !late && !result.screened && (by.overclaim !== 0 || (await isPromising(context, view.slot, result)));
  const claim = {
    ...shared,
    ...context.stamp(),
    experiment_id: run.id,
    claimed_gain: result.gain + by.overclaim,
    claimed_se: result.se * REGIME_FACTOR,
  };
  await context.bell.settle(context.db, async (trx) => {
    await trx
      .insertInto('board.experiment')
      .values({
        ...shared,
        ...run,
        decision_id: done.decision_id,
        yardstick_crps: result.yardstick_crps,
        gain: result.gain,
        se: result.se,
        cost_ms: done.cost_ms,
        work_id,
        fence,
      })
      .execute();
    if (promising)
      await trx
        .insertInto('board.claim')
        .values({ ...claim, signature: context.sign('claim', claim), work_id, fence })
        .execute();
    await debugPoint('claim.before-commit');
  });
  context.log.info(
    {
      slot: view.slot,
      family: shared.family,
      gain: result.gain,
      se: result.se,
      claimed: promising,
      ms: done.cost_ms,
    },
    'experiment',
  );
}

/** Worth a checker's time: within one standard error of the bar. */
async function isPromising(context: AgentContext, slot: string, result: ExperimentResult): Promise<boolean> {
  return result.gain + result.se > (await claimBar(context, slot));
}

/** Verified specs that the bar is taken from. */
const CONTENDERS = 50;

/**
 * What an experiment on public windows has to come up to: the most that a verified spec gained on both, public windows and
 * hidden ones; 0 where none did. Verdicts speak of another month: after a kind one, a bar of verified gains alone would be out of
 * reach of every experiment, the verified specs' own among them. Nobody's word raises it above a verdict.
 */
export async function claimBar({ db }: Pick<AgentContext, 'db'>, slot: string): Promise<number> {
  const { rows } = await sql<{ bar: number | null }>`
    select max(least(k.verified_gain, (
      select max(e.gain) from board.experiment e where e.slot = ${slot} and e.spec_digest = k.spec_digest))) as bar
    from (select spec_digest, verified_gain from trust.told_spec where slot = ${slot}
          order by verified_gain desc limit ${CONTENDERS}) k`.execute(db);
  return Math.max(0, rows[0]?.bar ?? 0);
}
