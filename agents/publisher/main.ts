// The publisher: founds each slot with the reference miner, lets screened models challenge, scores them in the shadow of
// the champion, and writes promotions and rollbacks when the gate says so. The gate is a view; this only feeds it.
// Beside that it raises the alert about writes that were refused, and makes the partitions of coming months.
import { sql } from 'kysely';
import { explain, isTransient } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import type { Lease } from '../../blackboard/lease.js';
import { BarReader } from '../../blackboard/market.js';
import { shortText } from '../../blackboard/text.js';
import { offload } from '../../forecast/offload.js';
import type { AgentContext } from '../runtime/context.js';
import type { Agent, AgentKind } from '../runtime/life.js';
import { takeWork } from '../runtime/work.js';
import type { TrainerJobs } from '../trainer/worker.js';
import { admit } from './admit.js';
import { found } from './found.js';
import { promote } from './promote.js';
import { shadowSteps } from './steps.js';

export const publisher = (): AgentKind => ({
  wakes: ['verdict', 'outcome', 'promotion', 'challenger'],
  sweepMs: 1000,
  nice: 5,
  open: openPublisher,
});

async function openPublisher(context: AgentContext): Promise<Agent> {
  const trainer = offload<TrainerJobs>(new URL('../trainer/worker.js', import.meta.url));
  const bars = new BarReader(context.db, context.clock.data_from.getTime() / 1000);
  const held = new Map<string, Lease>();
  const resting = new Map<string, number>();
  let lookAt = 0;
  let partitionsAt = 0;
  const tend = async (slot: string): Promise<boolean> => {
    const lease = await hold(context, held, slot);
    if (lease === null) return false;
    await debugPoint('gate.leased');
    const steps = [
      await found(context, slot, lease),
      await admit(context, slot, lease),
      await shadowSteps(context, trainer, bars, slot, lease),
      await promote(context, slot, lease),
    ];
    return steps.includes(true);
  };
  return {
    async step() {
      let worked = false;
      if (Date.now() >= lookAt) {
        lookAt = Date.now() + LOOK_MS;
        await sql`select board.report_refusals()`.execute(context.db);
        await sql`select trust.weigh(${WEIGH_MS})`.execute(context.db);
      }
      if (Date.now() >= partitionsAt) {
        partitionsAt = Date.now() + PARTITIONS_MS;
        await sql`select board.make_partitions()`.execute(context.db);
      }
      for (const slot of context.clock.slots) {
        if (context.stopping.aborted) break;
        if ((resting.get(slot) ?? 0) > Date.now()) continue;
        const started = Date.now();
        try {
          if (await tend(slot)) worked = true;
        } catch (error) {
          if (isTransient(error)) throw error;
          // One slot's trouble is not the others': it rests, and the reason is a row.
          resting.set(slot, Date.now() + REST_MS);
          await recordFailure(context, slot, explain(error), Date.now() - started);
        }
      }
      return worked;
    },
    async close() {
      try {
        for (const lease of held.values()) await lease.giveBack();
      } finally {
        await trainer.close();
      }
    },
  };
}

const REST_MS = 60_000;
/** How often refused writes are looked for: what was refused did no harm. */
const LOOK_MS = 5000;
/** How often the partitions of coming months are looked after; they are made two months ahead. */
const PARTITIONS_MS = 3_600_000;
/** How long patterns are weighed at a look. */
const WEIGH_MS = 100;

async function recordFailure(
  context: AgentContext,
  slot: string,
  error: unknown,
  cost_ms: number,
): Promise<void> {
  const { code = 'SWARM_E_UNEXPECTED', message } = error as { code?: string; message: string };
  await context.db
    .insertInto('board.attempt')
    .values({ ...context.stamp(), slot, stage: 'gate', code, reason: shortText(message), cost_ms })
    .execute();
  await context.alert('error', code, `${slot}: ${message}`);
}

/** One publisher per slot: the lease on its gate, kept while this process lives. */
async function hold(context: AgentContext, held: Map<string, Lease>, slot: string): Promise<Lease | null> {
  const kept = held.get(slot);
  if (kept !== undefined && !kept.signal.aborted) return kept;
  held.delete(slot);
  const lease = await takeWork(context, `gate:${slot}`);
  if (lease !== null) held.set(slot, lease);
  return lease;
}
