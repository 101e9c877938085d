// A nats-server of one test file's own, which it may stop, start again and rob of its store.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNats, launchNats, type NatsSpec, natsReady } from '../../../cli/services/nats-server.js';
import { freePorts } from '../../ports.js';

export interface OwnNats {
  readonly url: string;
  readonly directory: string;
  start(): Promise<void>;
  /** Ends the server as a crash would. */
  kill(): Promise<void>;
  /** Removes what the stopped server has stored: stream, consumers and events. */
  forget(): void;
  close(): Promise<void>;
}

/** Null where there is no nats-server. */
export async function ownNats(login: NatsSpec['login'] = null): Promise<OwnNats | null> {
  const binary = await findNats([]);
  if (binary === null) return null;
  const root = mkdtempSync(join(tmpdir(), 'swarm-nats-'));
  const directory = join(root, 'nats');
  const [port] = (await freePorts(1)) as [number];
  let child: ChildProcess | null = null;
  const server: OwnNats = {
    url: `nats://127.0.0.1:${port}`,
    directory,
    async start() {
      child = await launchNats({ directory, port, login }, binary, 'ignore' as unknown as number);
      await natsReady(port, AbortSignal.timeout(20_000));
    },
    async kill() {
      if (child === null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      child = null;
    },
    forget: () => rmSync(join(directory, 'jetstream'), { recursive: true, force: true }),
    async close() {
      await server.kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}
