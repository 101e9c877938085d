// The publisher: founds each slot with the reference miner, lets screened models challenge, scores them in the shadow of
// the champion, and writes promotions and rollbacks when the gate says so. The gate is a view; this only feeds it.

import { type Lease, takeLease } from '../../blackboard/lease.js';
import { BarReader } from '../../blackboard/market.js';
import { offload } from '../../forecast/offload.js';
import type { AgentContext } from '../runtime/context.js';
import type { Agent, AgentKind } from '../runtime/life.js';
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
  return {
    async step() {
      let worked = false;
      for (const slot of context.clock.slots) {
        if (context.stopping.aborted) break;
        const lease = await hold(context, held, slot);
        if (lease === null) continue;
        if (await found(context, slot, lease)) worked = true;
        if (await admit(context, slot, lease)) worked = true;
        if (await shadowSteps(context, trainer, bars, slot, lease)) worked = true;
        if (await promote(context, slot, lease)) worked = true;
      }
      return worked;
    },
    async close() {
      for (const lease of held.values()) await lease.giveBack();
      await trainer.close();
    },
  };
}

/** One publisher per slot: the lease on its gate, kept while this process lives. */
async function hold(context: AgentContext, held: Map<string, Lease>, slot: string): Promise<Lease | null> {
  const kept = held.get(slot);
  if (kept !== undefined && !kept.signal.aborted) return kept;
  held.delete(slot);
  const lease = await takeLease(context.db, `gate:${slot}`);
  if (lease !== null) held.set(slot, lease);
  return lease;
}
