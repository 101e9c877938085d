// Reigns for tests: the founding one as a publisher writes it, and later ones without the road to them.
import type pg from 'pg';
import { found } from '../../agents/publisher/found.js';
import type { AgentContext } from '../../agents/runtime/context.js';
import { uuid7 } from '../../blackboard/ids.js';
import { takeLease } from '../../blackboard/lease.js';
import { fitAndCompile, type Spec } from '../../forecast/families/index.js';
import { packArtifact } from '../../forecast/manifest.js';

async function leased(
  context: AgentContext,
  slot: string,
  work: (held: { work_id: string; fence: number }) => Promise<void>,
) {
  const lease = await takeLease(context.db, `gate:${slot}`);
  if (lease === null) throw new Error(`the gate of ${slot} is taken`);
  try {
    await work({ work_id: lease.work_id, fence: lease.fence });
  } finally {
    await lease.giveBack();
  }
}

/** Reign 0 of every open slot. */
export async function foundSlots(publisher: AgentContext): Promise<void> {
  for (const slot of publisher.clock.slots) {
    const lease = await takeLease(publisher.db, `gate:${slot}`);
    await found(publisher, slot, lease!);
    await lease!.giveBack();
  }
}

/** A model without anything fitted: an EWMA with the given level. */
export async function storeModel(
  context: AgentContext,
  asset: string,
  options: { horizon_s?: number; step_s?: number; scale?: number; half_life_s?: number } = {},
): Promise<string> {
  const { horizon_s = 86_400, step_s = 300, scale = 1, half_life_s = 3600 } = options;
  const spec: Spec = { family: 'ewma_t', horizon_s, half_life_s, scale, nu: 1000 };
  const { onnx, manifest } = fitAndCompile(
    spec,
    { asset, step_s, segments: [], starts_s: [] },
    { data_cutoff_s: 0, dataset_digest: 'd'.repeat(64), code_version: 'test' },
  );
  return context.store.put(packArtifact(onnx, manifest));
}

/** A window of a gate, on a prompt that the champion answered. */
export interface GateWindow {
  readonly prompt_id: string;
  readonly start_at: Date;
  readonly seed: string;
  readonly champion_crps: number;
  readonly challenger_crps: number;
}

/** A window from before there were bars, which nobody can score again: a reign of old. */
export async function agedWindow(admin: pg.Client, { who }: AgentContext, slot: string): Promise<GateWindow> {
  const [competition, asset] = slot.split('/');
  const prompt_id = uuid7();
  const start_at = new Date('2001-01-01T00:00:00Z');
  await admin.query(
    `insert into board.prompt (id, agent_id, validator, slot, competition, asset, start_at, length_s, increment_s, num_simulations)
     values ($1, $2, $1::uuid::text, $3, $4, $5, $6, 86400, 300, 1000)`,
    [prompt_id, who.id, slot, competition, asset, start_at],
  );
  await admin.query(
    `insert into board.answer (id, agent_id, prompt_id, status, rank, artifact, seed, data_until, anchor, paths_digest, latency_ms)
     values ($1, $2, $3, 'answered', 'champion', $4, 'aged', $5, 1, $4, 1)`,
    [uuid7(), who.id, prompt_id, 'a'.repeat(64), start_at],
  );
  return { prompt_id, start_at, seed: 'aged', champion_crps: 1, challenger_crps: 0.9 };
}

/** Puts an artifact on the throne of a slot, as the next reign, with the windows of its gate. */
export async function crown(
  publisher: AgentContext,
  slot: string,
  artifact: string,
  windows: readonly GateWindow[],
): Promise<void> {
  const { db } = publisher;
  const last = await db
    .selectFrom('board.promotion')
    .select(['reign', 'artifact'])
    .where('slot', '=', slot)
    .orderBy('reign', 'desc')
    .executeTakeFirstOrThrow();
  await leased(publisher, slot, async (held) => {
    const challenger = {
      ...publisher.stamp(),
      ...held,
      kind: 'challenge',
      slot,
      reign: last.reign,
      k: 1,
      artifact,
      trials: 1,
      screen_t: 2,
      screen_threshold: 1,
      scale: 1,
      sd: 1,
      alpha: 0.05,
    };
    await db.insertInto('board.challenger').values(challenger).execute();
    for (const window of windows)
      await db
        .insertInto('board.gate_step')
        .values({ ...publisher.stamp(), ...held, ...window, challenger_id: challenger.id, x: 0 })
        .execute();
    const row = {
      ...publisher.stamp(),
      kind: 'promote',
      slot,
      reign: last.reign + 1,
      artifact,
      family: 'ewma_t',
      previous: last.artifact,
      challenger_id: challenger.id,
      e_value: 40,
      threshold: 20,
      windows: 60,
    };
    await db
      .insertInto('board.promotion')
      .values({ ...row, ...held, signature: publisher.sign('promotion', row) })
      .execute();
  });
}

/** The same with placed paths, 20,000 simulated for every answer. */
export async function storePlaced(context: AgentContext, asset: string): Promise<string> {
  const spec: Spec = { family: 'ewma_t', horizon_s: 86_400, half_life_s: 3600, scale: 1, nu: 1000 };
  const { onnx, manifest } = fitAndCompile(
    spec,
    { asset, step_s: 300, segments: [], starts_s: [] },
    { data_cutoff_s: 0, dataset_digest: 'd'.repeat(64), code_version: 'test' },
  );
  return context.store.put(
    packArtifact(onnx, { ...manifest, sampling: { source_paths: 20_000, sweeps: 2, laws: [] } }),
  );
}
