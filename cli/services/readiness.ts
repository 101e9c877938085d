// What a keeper tells its supervisor over IPC, and how a starter waits for it.
// Promises: ready, or a SwarmError with the reason that the keeper gave or the log to read.
// Leaves to keeper.ts: saying it.
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError, type SwarmErrorCode } from '../../blackboard/errors.js';
import type { ExitedEvent } from './child.js';
import type { Home } from './home.js';
import type { Supervisor } from './supervisor.js';

/** The failures that only a person can end, and that a keeper therefore reports instead of dying in a loop. */
const finalCodes = [
  'SWARM_E_DB_NEWER',
  'SWARM_E_DB_AUTH',
  'SWARM_E_DISK_FULL',
  'SWARM_E_USAGE',
  'SWARM_E_SERVICE_START',
] as const satisfies readonly SwarmErrorCode[];

const keeperMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('failed'), code: z.enum(finalCodes), message: z.string(), hint: z.string() }),
]);

export type KeeperMessage = z.infer<typeof keeperMessage>;

/** The message for a failure, or null when it is not one of those that a restart cannot cure. */
export function failure(error: unknown): KeeperMessage | null {
  if (!(error instanceof SwarmError)) return null;
  const code = finalCodes.find((known) => known === error.code);
  return code === undefined ? null : { type: 'failed', code, message: error.message, hint: error.hint };
}

const EXITS_BEFORE_GIVING_UP = 3;

/** Call it in the same tick as spawn(): a message that came before would not be seen. */
export async function whenReady(
  supervisor: Supervisor,
  home: Home,
  name: string,
  timeoutMs: number,
): Promise<void> {
  const log = join(home.logs, `${name}.log`);
  await new Promise<void>((resolve, reject) => {
    let exits = 0;
    let reason: SwarmError | null = null;
    const settle = (error: SwarmError | null): void => {
      clearTimeout(timer);
      supervisor.off('message', onMessage);
      supervisor.off('exited', onExit);
      if (error === null) resolve();
      else reject(error);
    };
    const onMessage = (from: string, message: unknown): void => {
      if (from !== name) return;
      const told = keeperMessage.safeParse(message);
      if (!told.success) return;
      if (told.data.type === 'ready') settle(null);
      // Reported when it has ended: then its server is stopped too, and the caller may try something else.
      else reason = new SwarmError(told.data.code, told.data.message, told.data.hint);
    };
    const onExit = (event: ExitedEvent): void => {
      if (event.name !== name) return;
      exits += 1;
      if (event.restartInMs !== null && exits < EXITS_BEFORE_GIVING_UP) return;
      if (reason !== null) {
        settle(reason);
        return;
      }
      const how = event.signal ?? `status ${event.code}`;
      settle(notStarted(`${name} ended ${exits} time(s) before it was ready, last with ${how}`, log));
    };
    const timer = setTimeout(
      () => settle(reason ?? notStarted(`${name} was not ready after ${timeoutMs / 1000} s`, log)),
      timeoutMs,
    );
    supervisor.on('message', onMessage);
    supervisor.on('exited', onExit);
  });
}

function notStarted(message: string, log: string): SwarmError {
  return new SwarmError('SWARM_E_SERVICE_START', message, `The reason is at the end of ${log}.`);
}
