// Leases as an agent takes them: what it holds is told with its heartbeat, so that `swarm status` shows it.
import { type Lease, takeLease } from '../../blackboard/lease.js';
import type { AgentContext } from './context.js';

/** Takes the lease on a piece of work, or returns null while somebody else holds it. */
export async function takeWork(
  context: Pick<AgentContext, 'db' | 'holding'>,
  work_id: string,
): Promise<Lease | null> {
  const lease = await takeLease(context.db, work_id);
  if (lease === null) return null;
  const { holding } = context;
  holding.add(work_id);
  lease.signal.addEventListener('abort', () => holding.delete(work_id), { once: true });
  return {
    ...lease,
    giveBack() {
      holding.delete(work_id);
      return lease.giveBack();
    },
  };
}
