// The event server of a home, as the rest of the program sees it: find or install it, start it, get its URL.
// Promises: never fails for want of NATS, which is a doorbell only: then the answer is `none` with the reason.
// A nats-server that a package manager starts on port 4222 is not ours: it is neither used nor stopped.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './entries.js';
import type { Home } from './home.js';
import { findNats, type NatsBinary, stopNatsOn } from './nats-server.js';
import { assertPortFree } from './ports.js';
import { whenReady } from './readiness.js';
import type { Supervisor } from './supervisor.js';

export const NATS_KEEPER = 'cli/services/nats-keeper.js';
const START_MS = 60_000;
const INSTALL_MS = 300_000;

export type FoundNats =
  | ({ readonly mode: 'found' } & NatsBinary)
  | { readonly mode: 'none'; readonly reason: string };

type RunningNats =
  | {
      readonly mode: 'jetstream';
      /** Without a login: agents have keys of their own. */
      readonly url: string;
      readonly version: string;
    }
  | { readonly mode: 'none'; readonly reason: string };

/** Looks in `<home>/bin`, on PATH and where packages go; with `install`, runs deploy/nats/install.sh if need be. */
export async function ensureNats(
  home: Pick<Home, 'root'>,
  options: { readonly install: boolean },
): Promise<FoundNats> {
  const bin = join(home.root, 'bin');
  const found = await findNats([bin]);
  if (found !== null) return { mode: 'found', ...found };
  const script = join(packageRoot(), 'deploy', 'nats', 'install.sh');
  if (!options.install)
    return { mode: 'none', reason: `there is no nats-server 2.9 or newer; ${script} installs one` };
  if (!existsSync(script))
    return { mode: 'none', reason: `there is no nats-server and no ${script} to install one` };
  try {
    await promisify(execFile)('sh', [script, bin], { timeout: INSTALL_MS });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    return {
      mode: 'none',
      reason: `nats-server could not be installed: ${said.split('\n').slice(-2).join(' ')}`,
    };
  }
  const installed = await findNats([bin]);
  return installed === null
    ? { mode: 'none', reason: 'nats-server was installed and is 2.8 or older, which is not enough' }
    : { mode: 'found', ...installed };
}

/**
 * Starts the home's nats-server and waits until JetStream is up. `none` when there is no program to start;
 * a program that is there and fails is an error (SWARM_E_PORT_IN_USE, SWARM_E_SERVICE_START).
 * @example const nats = await startNats(supervisor, home, portsFrom(base).nats, { install: true });
 */
export async function startNats(
  supervisor: Supervisor,
  home: Home,
  port: number,
  options: { readonly install: boolean } = { install: false },
): Promise<RunningNats> {
  const found = await ensureNats(home, options);
  if (found.mode === 'none') return found;
  await stopNatsOn(home.nats);
  await assertPortFree(port, 'NATS');
  supervisor.spawn({
    name: 'nats',
    entry: NATS_KEEPER,
    args: [home.root, String(port), found.path, found.version],
    role: 'service',
    graceMs: 30_000,
  });
  await whenReady(supervisor, home, 'nats', START_MS);
  return { mode: 'jetstream', url: `nats://127.0.0.1:${port}`, version: found.version };
}
