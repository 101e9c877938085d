// The ground of the blackboard's bench: a durable server of its own, as `swarm up` starts it, with every migration and agents.
// Promises: close() ends what was opened and removes the home with its database.
import pg from 'pg';
import { agentUrl, type Credentials } from '../../../blackboard/identity/credentials.js';
import { enrolIn } from '../../../blackboard/identity/enrol.js';
import type { AgentRole } from '../../../blackboard/identity/roles.js';
import { connectAdmin } from '../../../cli/admin.js';
import { changeSettings, type Home } from '../../../cli/services/home.js';
import { portsFrom } from '../../../cli/services/ports.js';
import { Supervisor } from '../../../cli/services/supervisor.js';
import { temporaryHome } from '../../../cli/temporary.js';
import { database } from '../../../cli/up/up.js';
import { freePorts } from '../../ports.js';

export interface Agent {
  readonly who: Credentials;
  readonly url: string;
}

export interface BenchGround {
  /** The administrator's URL. */
  readonly url: string;
  readonly admin: pg.Client;
  readonly home: Home;
  enrol(role: AgentRole, name: string, owner: string): Promise<Agent>;
  close(): Promise<void>;
}

export const SLOTS = ['24h', '1h'].flatMap((c) =>
  ['BTC', 'ETH', 'SOL', 'XAU', 'SPYX'].map((a) => `${c}/${a}`),
);
export const NOW = '2026-06-15T12:00:00Z';
export const hex = (text: string | number): string =>
  Buffer.from(String(text)).toString('hex').slice(-64).padStart(64, '0');

export async function openBenchGround(): Promise<BenchGround> {
  const temporary = temporaryHome();
  const [base = 0] = await freePorts(4);
  const home = changeSettings(temporary.home, { ports: { base } });
  const supervisor = new Supervisor(home);
  try {
    const url = await database(supervisor, home, portsFrom(base).postgres);
    const admin = await connectAdmin(url, 'bench');
    await admin.query('insert into board.beacon (secret) values ($1) on conflict do nothing', [
      'bench'.padEnd(32, '.'),
    ]);
    await admin.query(
      `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
       values ('replay', $1, 'bench', '2026-05', $2, $3, '2025-01-01', 0)`,
      [hex('d'), SLOTS, NOW],
    );
    return {
      url,
      admin,
      home,
      async enrol(role, name, owner) {
        const { credentials } = await enrolIn(admin, home, { name, owner, role });
        return { who: credentials, url: agentUrl(url, credentials) };
      },
      async close() {
        await admin.end();
        await supervisor.stop();
        temporary.remove();
      },
    };
  } catch (error) {
    await supervisor.stop();
    temporary.remove();
    throw error;
  }
}

export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
