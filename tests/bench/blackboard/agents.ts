// A thousand agents through one pool for a while: each is briefed, decides, takes the lease on a spec that others want too, and, if
// nobody was there before, writes experiment and claim. Sessions take on the agent's login, so policies and triggers judge as always.
import { setTimeout as delay } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Db, explain, openPool } from '../../../blackboard/db.js';
import { uuid7 } from '../../../blackboard/ids.js';
import type { DB } from '../../../blackboard/schema.generated.js';
import { brief, storedItems } from '../../../trust/briefing.js';
import { type Figure, figure, quantile } from '../figure.js';
import { AS_OF } from './claims.js';
import { type BenchGround, hex, SLOTS } from './ground.js';

const AGENTS = 1000;
const POOL = 32;
/** An agent's own work between two looks at the database; real ones fit for seconds to minutes. */
const CYCLE_MS = 20_000;
const SPECS = 4000;

interface Simulated {
  readonly id: string;
  readonly login: string;
}

interface Tally {
  errors: string[];
  briefings: number[];
  claims: number;
  refused: number;
}

export async function thousand(ground: BenchGround, progress: (line: string) => void): Promise<Figure[]> {
  const minutes = Number(process.env['SWARM_BENCH_MINUTES'] ?? 1);
  const agents = await simulated(ground);
  const pool = openPool({ url: ground.url, name: 'bench agents', connections: POOL });
  const tally: Tally = { errors: [], briefings: [], claims: 0, refused: 0 };
  const end = performance.now() + minutes * 60_000;
  progress(`${AGENTS} agents for ${minutes} min`);
  const one = async (agent: Simulated): Promise<void> => {
    await delay(Math.random() * CYCLE_MS);
    while (performance.now() < end) {
      const client = await pool.connect();
      try {
        await client.query(`set session authorization ${agent.login}`);
        const own = {
          connect: async () => ({ query: client.query.bind(client), release: () => undefined }),
          end: async () => undefined,
        };
        const db: Db = new Kysely<DB>({ dialect: new PostgresDialect({ pool: own as never }) });
        await cycle(db, agent, tally);
      } catch (error) {
        tally.errors.push(String((explain(error) as Error).message));
      } finally {
        await client.query('reset session authorization').then(
          () => client.release(),
          (error) => client.release(error),
        );
      }
      await delay(CYCLE_MS * (0.5 + Math.random()));
    }
  };
  await Promise.all(agents.map(one));
  await pool.end();
  for (const error of new Set(tally.errors)) progress(error);
  const { rows } = await ground.admin.query<{ twice: number }>(
    `select count(*)::int as twice from (select from board.claim where work_id like 'experiment:%' group by work_id having count(*) > 1) t`,
  );
  const note = `${AGENTS} agents, ${POOL} connections, ${tally.briefings.length} briefings, ${tally.claims} claims, ${tally.refused} specs that another had, ${rows[0]!.twice} duplicates`;
  return [
    figure(
      'agents_1000_errors',
      '1',
      tally.errors.length + rows[0]!.twice,
      1,
      `${note}; reference: one error`,
    ),
    figure(
      'agents_1000_briefing_p99',
      'ms',
      quantile(tally.briefings, 0.99),
      50,
      `${note}; reference: the aim`,
    ),
  ];
}

/** Logins as enrolment makes them, without a file and a signature for each. */
async function simulated({ admin }: BenchGround): Promise<Simulated[]> {
  const out: Simulated[] = [];
  for (let i = 0; i < AGENTS; i++) {
    const agent = { id: uuid7(), login: `bench_sim_${i}` };
    await admin.query(`create role ${agent.login} login in role swarm_explorer`);
    await admin.query(
      `insert into board.agent (id, owner, role, name, login, public_key) values ($1, $2, 'explorer', $3, $4, $5)`,
      [agent.id, `sim-${i % 100}`, `sim-${i}`, agent.login, `k${i}`],
    );
    out.push(agent);
  }
  return out;
}

async function cycle(db: Db, agent: Simulated, tally: Tally): Promise<void> {
  const n = Math.floor(Math.random() * SPECS);
  const slot = SLOTS[n % SLOTS.length]!;
  const common = { agent_id: agent.id, slot, seed: 's' };
  const began = performance.now();
  const briefing = await brief(db, slot, Math.random);
  tally.briefings.push(performance.now() - began);
  const told = uuid7();
  const decided = uuid7();
  const spec = JSON.stringify({ family: 'garch_t', nu: 3 + n / 1000 });
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('board.briefing')
      .values({ ...common, id: told, items: JSON.stringify(storedItems(briefing)) })
      .execute();
    await trx
      .insertInto('board.decision')
      .values({
        ...common,
        id: decided,
        briefing_id: told,
        strategist: 'bench',
        move: 'new',
        parent_digests: briefing.specs.slice(0, 1).map((s) => s.spec_digest),
        spec,
        spec_digest: hex(n),
        reason: 'bench',
      })
      .execute();
  });
  const work_id = `experiment:${slot}:${n}`;
  const { rows } = await sql<{
    fence: string | null;
  }>`select board.lease_take(${work_id}, 30) as fence`.execute(db);
  const fence = rows[0]!.fence;
  if (fence === null) {
    tally.refused++;
    return;
  }
  const known = await db
    .selectFrom('board.experiment')
    .select('id')
    .where('slot', '=', slot)
    .where('spec_digest', '=', hex(n))
    .where('as_of', '=', new Date(AS_OF))
    .executeTakeFirst();
  if (known !== undefined) tally.refused++;
  else await record(db, agent, { slot, spec, n, decision_id: decided, work_id, fence: Number(fence) }, tally);
  await sql`select board.lease_give_back(${work_id}, ${fence})`.execute(db);
}

async function record(
  db: Db,
  agent: Simulated,
  of: { slot: string; spec: string; n: number; decision_id: string; work_id: string; fence: number },
  tally: Tally,
): Promise<void> {
  const { decision_id, n, ...held } = of;
  const shared = {
    ...held,
    agent_id: agent.id,
    family: 'garch_t',
    spec_digest: hex(n),
    as_of: new Date(AS_OF),
    data_cutoff: new Date('2026-03-01'),
    dataset_digest: hex('d'),
    windows_digest: hex('w'),
    n_windows: 60,
    seed: 's',
    code_version: 'bench',
    artifact: hex(`a${n}`),
    mean_crps: 1.25,
  };
  const experiment = uuid7();
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('board.experiment')
      .values({
        ...shared,
        id: experiment,
        decision_id,
        yardstick_crps: 1.3,
        gain: 0.04,
        se: 0.01,
        cost_ms: 900,
      })
      .execute();
    await trx
      .insertInto('board.claim')
      .values({
        ...shared,
        id: uuid7(),
        experiment_id: experiment,
        claimed_gain: 0.04,
        claimed_se: 0.01,
        signature: `${Buffer.from(uuid7().repeat(2)).subarray(0, 64).toString('base64')}`,
      })
      .execute();
  });
  tally.claims++;
}
