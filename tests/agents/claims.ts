// Claims for tests: a model that nobody had to search for, claimed by hand, honestly or not.
import { type AgentContext, CODE_VERSION } from '../../agents/runtime/context.js';
import { type SlotView, slotData, slotView } from '../../agents/runtime/slot.js';
import { type SlotPlan, slotPlan } from '../../agents/runtime/windows.js';
import type { Strategist } from '../../agents/strategist/strategist.js';
import { scoresOf, windowsOf, yardstickScores } from '../../agents/trainer/scoring.js';
import { takeLease } from '../../blackboard/lease.js';
import { BarReader } from '../../blackboard/market.js';
import { signRecord } from '../../blackboard/signed.js';
import { canonicalJson } from '../../forecast/canonical.js';
import type { ServedModel } from '../../forecast/evaluate.js';
import { fitAndCompile, type Spec, specDigest } from '../../forecast/families/index.js';
import { packArtifact } from '../../forecast/manifest.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { windowStarts } from '../../forecast/windows.js';

/** A spec of which nothing is fitted: scored in a moment. */
export const cheapSpec = (scale = 0.85, horizon_s = 3600): Spec => ({
  family: 'ewma_t',
  horizon_s,
  half_life_s: 1800,
  scale,
  nu: 1000,
});

/** Proposes these specs, one after the other, and then the last one again and again. */
export function proposing(...specs: Spec[]): Strategist {
  let next = 0;
  return {
    name: 'fixed',
    propose: () => ({
      spec: specs[Math.min(next++, specs.length - 1)]!,
      move: 'new',
      parents: [],
      reason: 'test',
    }),
  };
}

export interface ClaimChange {
  /** What it says of the public windows, where there are no bars to measure and nobody checks. */
  readonly stated?: { readonly gain: number; readonly se: number };
  /** What the claim says of the artifact's spec; default: the truth. */
  readonly spec_digest?: string;
  /** Signed by this key instead of the author's. */
  readonly privateKey?: string;
  /** Added to the gain that was measured. */
  readonly overclaim?: number;
  /** Added to the gain after signing. */
  readonly inflate?: number;
  /** Days by which the fit saw more than it may. */
  readonly cutoff_days?: number;
}

/** Stores a model and claims it, with the rows that a claim stands on. Returns its id and artifact. */
export async function claim(
  author: AgentContext,
  slot: string,
  as_of_s: number,
  spec: Spec,
  change: ClaimChange = {},
): Promise<{ id: string; artifact: string }> {
  const view = slotView(author.profile, slot);
  const plan = slotPlan(author.constants, view.competition, as_of_s);
  const data_cutoff_s = plan.data_cutoff_s + (change.cutoff_days ?? 0) * 86_400;
  const { dataset_digest } = author.clock;
  const { onnx, manifest } = fitAndCompile(
    spec,
    { asset: view.asset, step_s: view.step, segments: [], starts_s: [] },
    { data_cutoff_s, dataset_digest, code_version: CODE_VERSION },
  );
  const artifact = await author.store.put(packArtifact(onnx, manifest));
  const spec_digest = change.spec_digest ?? specDigest(spec);
  const told = { ...author.stamp(), slot, seed: 's', items: '[]' };
  const decision = {
    ...author.stamp(),
    briefing_id: told.id,
    slot,
    strategist: 'test',
    move: 'new',
    parent_digests: [],
    spec: canonicalJson(spec),
    spec_digest,
    seed: 's',
    reason: 'test',
  };
  const shared = {
    slot,
    artifact,
    family: spec.family,
    spec: canonicalJson(spec),
    spec_digest,
    as_of: new Date(as_of_s * 1000),
    data_cutoff: new Date(data_cutoff_s * 1000),
    dataset_digest,
    windows_digest: 'e'.repeat(64),
    n_windows: 30,
    seed: 's',
    code_version: CODE_VERSION,
    mean_crps: 100,
  };
  const run = author.stamp();
  const measured = change.stated ?? (await publicGain(author, view, plan, { onnx, manifest }));
  const signed = {
    ...shared,
    ...author.stamp(),
    experiment_id: run.id,
    claimed_gain: measured.gain + (change.overclaim ?? 0),
    claimed_se: measured.se,
  };
  const signer = change.privateKey === undefined ? author : forger(change.privateKey);
  const lease = (await takeLease(author.db, `test:${signed.id}`))!;
  const held = { work_id: lease.work_id, fence: lease.fence };
  await author.db.transaction().execute(async (trx) => {
    await trx.insertInto('board.briefing').values(told).execute();
    await trx.insertInto('board.decision').values(decision).execute();
    await trx
      .insertInto('board.experiment')
      .values({
        ...shared,
        ...run,
        ...held,
        decision_id: decision.id,
        yardstick_crps: 101,
        gain: measured.gain,
        se: measured.se,
        cost_ms: 1,
      })
      .execute();
    await trx
      .insertInto('board.claim')
      .values({
        ...signed,
        ...held,
        signature: signer.sign('claim', signed),
        claimed_gain: signed.claimed_gain + (change.inflate ?? 0),
      })
      .execute();
  });
  await lease.giveBack();
  return { id: signed.id, artifact };
}

/** What the model gains on the windows that its author sees. */
async function publicGain(
  author: AgentContext,
  view: SlotView,
  plan: SlotPlan,
  model: { readonly onnx: Uint8Array; readonly manifest: ServedModel },
): Promise<{ gain: number; se: number }> {
  const bars = new BarReader(author.db, author.clock.data_from.getTime() / 1000);
  const data = slotData(author, view, await bars.series(view.asset, view.step), plan);
  const starts = windowsOf(data, windowStarts(plan.public.from_s, plan.public.to_s, plan.windows), 1);
  const sim = await openInProcess(model.onnx);
  try {
    const scores = await scoresOf(data, sim, starts, model.manifest);
    return pairedGain(await yardstickScores(data, starts), scores, { lag: data.lag });
  } finally {
    await sim.close();
  }
}

function forger(privateKey: string): Pick<AgentContext, 'sign'> {
  return { sign: (kind, row) => signRecord(kind, row, privateKey) };
}
