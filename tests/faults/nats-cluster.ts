// Three nats-servers in a cluster on this machine, with deploy/nats/cluster.conf as it is shipped and certificates as `swarm certs` makes
// them; each may be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accounts, type NatsAgent } from '../../blackboard/events/access.js';
import { issue } from '../../cli/certs/authority.js';
import { findNats, natsReady } from '../../cli/services/nats-server.js';
import { freePorts } from '../ports.js';

const CONFIGURATION = fileURLToPath(new URL('../../deploy/nats/cluster.conf', import.meta.url));
const SERVERS = [1, 2, 3] as const;
const administrator = { user: 'swarm', password: 'admin' };

export interface NatsCluster {
  /** The three addresses, as an agent is told them. */
  readonly address: string;
  /** The file of the authority that their certificates are of. */
  readonly authority: string;
  /** An administrator's. */
  readonly adminAddress: string;
  start(name: string): Promise<void>;
  /** Ends a server as a crash would; its storage stays. */
  kill(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Names are nats-1 to nats-3. */
export async function natsCluster(agents: readonly NatsAgent[]): Promise<NatsCluster> {
  const binary = (await findNats([]))!;
  const root = mkdtempSync(join(tmpdir(), 'swarm-nats-cluster-'));
  const ports = await freePorts(2 * SERVERS.length);
  const secret = randomBytes(12).toString('hex');
  const routes = SERVERS.map((n) => `"nats-route://route:${secret}@127.0.0.1:${ports[n + 2]}"`);
  const running = new Map<string, ChildProcess>();
  const listening = new Map(SERVERS.map((n) => [`nats-${n}`, ports[n - 1]!]));
  const address = (login = ''): string =>
    [...listening.values()].map((port) => `tls://${login}127.0.0.1:${port}`).join(',');
  const cluster: NatsCluster = {
    address: address(),
    authority: join(root, 'ca.crt'),
    adminAddress: address(`${administrator.user}:${administrator.password}@`),
    async start(name) {
      const port = listening.get(name)!;
      const child = spawn(binary.path, ['-c', join(root, name, 'cluster.conf')], {
        stdio: 'ignore',
        cwd: join(root, name),
        env: {
          NATS_NAME: name,
          NATS_LISTEN: `127.0.0.1:${port}`,
          NATS_STORE: join(root, name),
          NATS_CLUSTER: `127.0.0.1:${port + SERVERS.length}`,
          NATS_ROUTES: `[${routes.join(', ')}]`,
          // Quoted: a secret of digits would be read as a number.
          NATS_SECRET: `"${secret}"`,
        },
      });
      running.set(name, child);
      await once(child, 'spawn');
      await natsReady(port, AbortSignal.timeout(20_000));
    },
    async kill(name) {
      const child = running.get(name)!;
      running.delete(name);
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async close() {
      await Promise.all([...running.keys()].map((name) => cluster.kill(name)));
      rmSync(root, { recursive: true, force: true });
    },
  };
  await issue({ out: root, hosts: ['127.0.0.1'], days: 1, now: new Date() });
  for (const name of listening.keys()) {
    mkdirSync(join(root, name));
    copyFileSync(CONFIGURATION, join(root, name, 'cluster.conf'));
    writeFileSync(join(root, name, 'users.conf'), accounts(administrator, agents), { mode: 0o600 });
    for (const file of ['ca.crt', 'nats.crt', 'nats.key'])
      copyFileSync(join(root, file), join(root, name, file));
    await cluster.start(name);
  }
  return cluster;
}
