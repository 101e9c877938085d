// Stopping a swarm from another process: `swarm down`.
// Promises: on return neither the supervisor nor a Postgres or nats-server of this home runs, whatever was killed
// before. Leaves to the supervisor: stopping its children in order, which is tried first.
import { basename } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { compiledEntry } from './entries.js';
import type { Home } from './home.js';
import { clearDeadHolder, lockHolder, lockPath } from './lock.js';
import { NATS_KEEPER } from './nats.js';
import { stopNatsOn } from './nats-server.js';
import { POSTGRES_KEEPER } from './postgres.js';
import { stopPostgresOn } from './postgres-server.js';
import { gone, processesWith, signal } from './processes.js';

/** @param graceMs from SIGTERM to SIGKILL for the supervisor; more than the graces of its children together. */
export async function stopRunning(home: Home, graceMs = 120_000): Promise<'stopped' | 'not-running'> {
  const holder = lockHolder(home);
  if (holder !== null) {
    signal(holder.pid, 'SIGTERM');
    if (!(await gone([holder.pid], graceMs))) {
      signal(holder.pid, 'SIGKILL');
      if (!(await gone([holder.pid], 10_000))) throw stuck(home, holder.pid);
    }
  }
  // Keepers name their home as an argument. Those that lost their supervisor are already stopping their servers.
  const keepers = [POSTGRES_KEEPER, NATS_KEEPER].flatMap((entry) =>
    processesWith(basename(process.execPath), compiledEntry(entry), home.root),
  );
  if (!(await gone(keepers, 60_000))) for (const pid of keepers) signal(pid, 'SIGKILL');
  const left = (await stopNatsOn(home.nats)) + (await stopPostgresOn(home.pgdata));
  clearDeadHolder(lockPath(home));
  return holder === null && keepers.length === 0 && left === 0 ? 'not-running' : 'stopped';
}

function stuck(home: Home, pid: number): SwarmError {
  return new SwarmError(
    'SWARM_E_ALREADY_RUNNING',
    `the swarm on ${home.root} (pid ${pid}) does not end, even when killed`,
    `It waits inside the kernel, usually for a disk: \`ps -o pid,stat,wchan,cmd -p ${pid}\` shows for what.`,
  );
}
