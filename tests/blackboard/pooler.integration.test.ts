// Through PgBouncer in transaction mode, where the session of one statement is not the session of the next: agents are who they are,
// their leases and limits hold, events come by the sweep, and a reader reads.
// Runs where PgBouncer is installed or can be; elsewhere it says that it did not.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Db, openDb, transact } from '../../blackboard/db.js';
import { runRelay } from '../../blackboard/events/relay.js';
import { revoke } from '../../blackboard/identity/revoke.js';
import { uuid7 } from '../../blackboard/ids.js';
import { type Board, type Enrolled, one, openBoard, until } from './board.js';
import { ownNats } from './events/nats.js';
import { findPooler, openPooler, type Pooler } from './pooler.js';
import { claim, decided, SLOT } from './records.js';
import { refusal } from './refusal.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const program = findPooler();

describe.skipIf(program === null)(`through ${program ?? 'PgBouncer, which is not here'}`, () => {
  let board: Board;
  let pooler: Pooler;
  let explorer: Enrolled;
  let optimizer: Enrolled;
  const pools: Db[] = [];

  beforeAll(async () => {
    board = await openBoard('pooler');
    pooler = await openPooler(program!, inject('pgUrl'), 2);
    explorer = await board.enrol('explorer', 'e1', 'alice');
    optimizer = await board.enrol('optimizer', 'o1', 'bob');
  });
  afterAll(async () => {
    for (const db of pools) await db.destroy();
    await pooler.close();
    await board.close();
  });
  const pooled = (agent: Enrolled, connections: number): Db => {
    const db = openDb({ url: pooler.through(agent.url), name: agent.who.name, connections });
    pools.push(db);
    return db;
  };

  it('forty connections of two agents write in their own names on two sessions each', async () => {
    const agents = [explorer, optimizer].map((agent) => ({ agent, db: pooled(agent, 20) }));
    const decision_id = await decided(explorer);
    await Promise.all(
      agents.flatMap(({ agent, db }) =>
        Array.from({ length: 40 }, (_, n) =>
          transact(db, async (trx) => {
            const work = `work:${agent.who.name}:${n}`;
            const { rows } = await sql<{
              token: number;
            }>`select board.lease_take(${work}, 30) as token`.execute(trx);
            expect(rows[0]!.token).toBeGreaterThan(0);
            const row = {
              agent_id: agent.who.id,
              decision_id,
              slot: SLOT,
              stage: 'fit',
              code: 'C',
              reason: work,
              cost_ms: 1,
            } as const;
            await trx
              .insertInto('board.attempt')
              .values({ id: uuid7(), ...row })
              .execute();
          }),
        ),
      ),
    );
    const { rows } = await board.admin.query(
      `select a.name, count(*)::int as n, count(*) filter (where l.holder = t.agent_id)::int as held from board.attempt t
       join board.agent a on a.id = t.agent_id left join board.lease l on l.work_id = t.reason group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { name: 'e1', n: 40, held: 40 },
      { name: 'o1', n: 40, held: 40 },
    ]);
    const sessions = await one<number>(
      board.admin,
      `select count(*)::int from pg_stat_activity where usename = $1 and datname = current_database() and pid <> $2`,
      [explorer.who.login, await one(explorer.client, 'select pg_backend_pid()')],
    );
    expect(sessions).toBeLessThanOrEqual(4);
  });

  it('refuses what the server refuses, and keeps the limits of a login', async () => {
    const db = pooled(explorer, 3);
    const forged = db
      .insertInto('board.alert')
      .values({ id: uuid7(), agent_id: optimizer.who.id, severity: 'info', code: 'C', message: 'm' })
      .execute();
    expect((await refusal(forged)).code).toBe('42501');
    const { rows } = await sql<{ statement_timeout: string }>`show statement_timeout`.execute(db);
    expect(rows[0]!.statement_timeout).toBe('1min');
    // What is said in a transaction ends with it, whose session it was.
    await db.transaction().execute((trx) => sql`set local statement_timeout = '7s'`.execute(trx));
    const after = await Promise.all(
      Array.from({ length: 6 }, () => sql<{ statement_timeout: string }>`show statement_timeout`.execute(db)),
    );
    expect(new Set(after.map((r) => r.rows[0]!.statement_timeout))).toEqual(new Set(['1min']));
  });

  it('shuts a revoked agent out', async () => {
    const gone = await board.enrol('explorer', 'e9', 'alice');
    const db = pooled(gone, 1);
    await sql`select 1`.execute(db);
    await revoke(board.admin, 'e9', 'a test', null);
    await expect(sql`select 1`.execute(db)).rejects.toThrow();
    await expect(sql`select 1`.execute(pooled(gone, 1))).rejects.toThrow();
  });

  it.skipIf(inject('natsUrl') === null)(
    'brings events by the sweep, since LISTEN hears nothing there',
    async () => {
      const server = (await ownNats())!;
      const relay = await board.enrol('relay', 'r1');
      const stop = new AbortController();
      const problems: unknown[] = [];
      const running = runRelay({
        db: pooled(relay, 2),
        databaseUrl: pooler.through(relay.url),
        nats: { url: server.url, name: 'r1' },
        signal: stop.signal,
        onProblem: (problem) => problems.push(problem),
        onPass: () => undefined,
      });
      await claim(explorer, 1);
      await until(
        async () =>
          (await one(board.admin, 'select count(*)::int from board.outbox where published_at is null')) === 0,
      );
      stop.abort();
      await running;
      await server.close();
      expect(problems).toEqual([]);
    },
  );

  it('lets `swarm status` read', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'status', '--json'], {
      env: { PATH: process.env['PATH'], SWARM_DATABASE_URL: pooler.through(board.url) },
    }).catch((error: { stdout: string }) => error);
    expect(JSON.parse(stdout).counts).toMatchObject({ claims: 1, attempts_failed: 80 });
  });
});
