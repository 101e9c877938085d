// The life of a keeper: a small process between the supervisor and a server that is not node.
// Promises: the server ends when the supervisor is gone (kill -9 included), on SIGTERM, and with the keeper; if the
// server ends by itself the keeper exits 1, so that the supervisor starts both again. A second signal is forceful.
// Leaves to the *-keeper.ts entries: what the server is.
import type { ChildProcess } from 'node:child_process';
import { EXIT_FINAL } from './child.js';
import { exitWithParent } from './parent.js';
import { failure, type KeeperMessage } from './readiness.js';

export interface KeptServer {
  readonly name: string;
  /** Clears away what an earlier keeper left behind and starts the server; its output goes to this process's. */
  launch(): Promise<ChildProcess>;
  /** Resolves when clients can connect. Rejects when they never will; not called again. */
  ready(signal: AbortSignal): Promise<void>;
  readonly gentle: NodeJS.Signals;
  readonly forceful: NodeJS.Signals;
  /** From the gentle to the forceful signal. */
  readonly patienceMs: number;
}

/** Runs until told to stop; ends this process. */
export async function keep(server: KeptServer): Promise<void> {
  let child: ChildProcess | null = null;
  let stopping = false;
  const gaveUp = new AbortController();

  const stop = (why: string): void => {
    if (stopping) {
      child?.kill(server.forceful);
      return;
    }
    stopping = true;
    console.error(`${server.name}: stopping (${why})`);
    gaveUp.abort();
    child?.kill(server.gentle);
    setTimeout(() => child?.kill(server.forceful), server.patienceMs).unref();
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop(name));
  exitWithParent(() => stop('the supervisor is gone'));

  try {
    child = await server.launch();
    child.once('exit', (code, signal) => {
      console.error(`${server.name}: ended (${signal ?? `status ${code}`})`);
      process.exit(stopping ? 0 : 1);
    });
    // Told to stop while the leftovers were being cleared or the cluster was being made.
    if (stopping) child.kill(server.gentle);
    else await server.ready(gaveUp.signal);
    if (!stopping) await tell({ type: 'ready' });
  } catch (error) {
    if (stopping) return exitAfter(child, 0);
    console.error(error);
    const message = failure(error);
    if (message !== null) await tell(message);
    stop('it cannot start');
    return exitAfter(child, message === null ? 1 : EXIT_FINAL);
  }
}

/** Without a server there is nothing to wait for; with one, its 'exit' handler would report success. */
function exitAfter(child: ChildProcess | null, status: number): void {
  if (child === null || child.exitCode !== null || child.signalCode !== null) process.exit(status);
  child.removeAllListeners('exit');
  child.once('exit', () => process.exit(status));
}

/** The parent may be gone by now, which exitWithParent reports. */
function tell(message: KeeperMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
