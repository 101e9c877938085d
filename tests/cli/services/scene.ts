// What the tests of the local services share: a home in a temporary place that leaves nothing behind.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Home, openHome } from '../../../cli/services/home.js';
import { stopNatsOn } from '../../../cli/services/nats-server.js';
import { stopPostgresOn } from '../../../cli/services/postgres-server.js';
import { processesWith } from '../../../cli/services/processes.js';
import type { Supervisor } from '../../../cli/services/supervisor.js';

export function temporaryHome(): Home {
  return openHome(join(realpathSync(mkdtempSync(join(tmpdir(), 'swarm-home-'))), 'home'));
}

export async function removeHome(home: Home): Promise<void> {
  await stopNatsOn(home.nats);
  await stopPostgresOn(home.pgdata);
  rmSync(dirname(home.root), { recursive: true, force: true });
  if (!home.pgdata.startsWith(home.root)) rmSync(dirname(home.pgdata), { recursive: true, force: true });
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Everything of this home that runs: keepers, Postgres, nats-server. */
export function runningOf(home: Home): { keepers: number[]; postgres: number[]; nats: number[] } {
  return {
    keepers: processesWith('node', home.root).filter((pid) => pid !== process.pid),
    postgres: processesWith('postgres', home.pgdata),
    nats: processesWith('nats-server', join(home.nats, 'nats.conf')),
  };
}

export const nothing = { keepers: [], postgres: [], nats: [] };

/** The next event of this name that fits. Ask before causing it. */
export function nextEvent<Event>(
  supervisor: Supervisor,
  name: 'started' | 'restarted' | 'exited' | 'message',
  fits: (...args: never[]) => boolean = () => true,
): Promise<Event> {
  return new Promise((resolve) => {
    const listener = (...args: unknown[]): void => {
      if (!fits(...(args as never[]))) return;
      supervisor.off(name, listener as never);
      resolve((name === 'message' ? args[1] : args[0]) as Event);
    };
    supervisor.on(name, listener as never);
  });
}

/** A process that runs a home as `swarm up` would; `fixtures/up.mjs` needs dist/. */
export function startUp(
  home: Home,
  base: number,
): { process: ChildProcess; next: (type: string) => Promise<UpMessage> } {
  // Not an argument: the tests look for what carries the home's path there.
  const { PATH = '' } = process.env;
  const child = fork(fixture('up.mjs'), [], {
    env: { PATH, HOME: home.root, UP_HOME: home.root, UP_BASE: String(base) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const seen: UpMessage[] = [];
  const waiting: (() => void)[] = [];
  const wake = (): void => waiting.splice(0).forEach((resume) => void resume());
  child.on('message', (message) => {
    seen.push(message as UpMessage);
    wake();
  });
  child.once('exit', (code, signal) => {
    seen.push({ type: 'exit', code, signal });
    wake();
  });
  const next = async (type: string): Promise<UpMessage> => {
    for (;;) {
      const index = seen.findIndex((message) => message.type === type);
      if (index >= 0) return seen.splice(index, 1)[0]!;
      await new Promise<void>((resume) => waiting.push(resume));
    }
  };
  return { process: child, next };
}

export interface UpMessage {
  readonly type: string;
  readonly code?: number | string | null;
  readonly signal?: string | null;
  readonly message?: string;
  readonly adminUrl?: string;
  readonly natsUrl?: string;
  readonly name?: string;
  readonly pid?: number;
}
