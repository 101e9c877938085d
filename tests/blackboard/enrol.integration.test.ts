// Enrolment and the door of the database: who gets in, with what file, and what is said to those who do not.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, isTransient, openDb, openPool } from '../../blackboard/db.js';
import { agentUrl, readCredentials } from '../../blackboard/identity/credentials.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import { migrate } from '../../blackboard/migrate.js';
import { freePorts } from '../ports.js';
import { type Board, one, openBoard } from './board.js';

let board: Board;
let agents: string;
let home: { agents: string; owners: string };
const alice = { name: 'e1', owner: 'alice', role: 'explorer' } as const;

beforeAll(async () => {
  board = await openBoard('enrol', null);
  agents = join(board.directory, 'files');
  home = { agents, owners: join(board.directory, 'owners') };
});
afterAll(() => board.close());

async function ask(url: string): Promise<unknown> {
  const db = openDb({ url, name: 'asker' });
  try {
    return await db.selectFrom('board.constant').select('name').limit(1).execute();
  } catch (error) {
    return explain(error);
  } finally {
    await db.destroy();
  }
}

describe('enrol', () => {
  it('writes a file that only its owner may read, in a directory that only its owner may enter', async () => {
    const { path } = await enrolIn(board.admin, home, alice);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(agents).mode & 0o777).toBe(0o700);
    expect(readdirSync(agents)).toEqual(['e1.json']);
  });

  it('is the same agent when it is called again, by one or by five at once', async () => {
    const { credentials } = await enrolIn(board.admin, home, alice);
    expect((await enrolIn(board.admin, home, alice)).credentials).toEqual(credentials);
    const clients = await Promise.all(
      [1, 2, 3, 4, 5].map(async () => {
        const client = new pg.Client({ connectionString: board.url });
        await client.connect();
        return client;
      }),
    );
    const bob = { name: 'racer', owner: 'bob', role: 'checker' } as const;
    const racers = await Promise.allSettled(clients.map((client) => enrolIn(client, home, bob)));
    for (const client of clients) await client.end();
    expect(racers.some(({ status }) => status === 'fulfilled')).toBe(true);
    const { credentials: mine } = await enrolIn(board.admin, home, bob);
    expect(await one(board.admin, `select id from board.agent where name = 'racer'`)).toBe(mine.id);
    expect(await ask(agentUrl(board.url, mine))).toHaveLength(1);
  });

  it('completes a file whose row was never written', async () => {
    const who = { ...alice, name: 'interrupted' };
    const { path, credentials } = await enrolIn(board.admin, home, who);
    await board.admin.query('set session_replication_role = replica');
    await board.admin.query('delete from board.enrolment where agent_id = $1', [credentials.id]);
    await board.admin.query('delete from board.agent where id = $1', [credentials.id]);
    await board.admin.query('reset session_replication_role');
    expect((await enrolIn(board.admin, home, who)).path).toBe(path);
    expect(await ask(agentUrl(board.url, credentials))).toHaveLength(1);
  });

  it('gives no name away twice, and leaves no file of the attempt', async () => {
    await expect(enrolIn(board.admin, home, { ...alice, owner: 'mallory' })).rejects.toMatchObject({
      code: 'SWARM_E_RECORD_REFUSED',
    });
    await expect(enrolIn(board.admin, home, { ...alice, role: 'checker' })).rejects.toMatchObject({
      code: 'SWARM_E_RECORD_REFUSED',
    });
    const elsewhere = join(board.directory, 'elsewhere');
    await expect(enrolIn(board.admin, { ...home, agents: elsewhere }, alice)).rejects.toMatchObject({
      code: 'SWARM_E_RECORD_REFUSED',
    });
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it.each(['../outside', 'Upper', '', 'a b', 'x'.repeat(64), '.hidden'])(
    'refuses the name "%s" before it writes',
    async (name) => {
      await expect(enrolIn(board.admin, home, { ...alice, name })).rejects.toMatchObject({
        code: 'SWARM_E_USAGE',
      });
      expect(existsSync(join(agents, `${name}.json`))).toBe(false);
    },
  );

  it('makes a login with no right of its own beyond its kind', async () => {
    const { credentials } = await enrolIn(board.admin, home, alice);
    const { rows } = await board.admin.query(
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        (select array_agg(g.rolname::text) from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid) as kinds
       from pg_roles r where rolname = $1`,
      [credentials.login],
    );
    expect(rows[0]).toEqual({
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
      kinds: ['swarm_explorer'],
    });
  });

  it.each([
    ['missing', null],
    ['cut short', '{"id":"'],
    ['of another shape', '{"password":"hunter2"}'],
  ])('is asked for again by a file that is %s', (_, text) => {
    const path = join(board.directory, 'spoilt.json');
    rmSync(path, { force: true });
    if (text !== null) writeFileSync(path, text, { mode: 0o600 });
    expect(() => readCredentials(path)).toThrowError(expect.objectContaining({ code: 'SWARM_E_DB_AUTH' }));
  });
});

describe('the door', () => {
  it('answers a wrong password and an unknown login with SWARM_E_DB_AUTH', async () => {
    const { credentials } = await enrolIn(board.admin, home, alice);
    for (const who of [
      { ...credentials, password: 'wrong' },
      { ...credentials, login: 'swarm_agent_nobody' },
    ]) {
      const error = await ask(agentUrl(board.url, who));
      expect(error).toMatchObject({ code: 'SWARM_E_DB_AUTH' });
      expect(isTransient(error)).toBe(false);
      expect(JSON.stringify(error) + String(error)).not.toContain(who.password);
    }
    const admin = new URL(board.url);
    admin.password = 'wrong';
    await expect(migrate(admin.href, [])).rejects.toMatchObject({ code: 'SWARM_E_DB_AUTH' });
  });

  it('answers a port where nobody listens with SWARM_E_DB_UNREACHABLE, which may pass', async () => {
    const url = new URL(board.url);
    url.port = String((await freePorts(1))[0]);
    const error = await ask(url.href);
    expect(error).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
    expect(isTransient(error)).toBe(true);
    await expect(migrate(url.href, [])).rejects.toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
  });

  it('answers a missing database with SWARM_E_DB_UNREACHABLE', async () => {
    const url = new URL(board.url);
    url.pathname = '/no_such_database';
    expect(await ask(url.href)).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
  });

  it('answers a server that never speaks with SWARM_E_DB_UNREACHABLE', async () => {
    const silent = await new Promise<Server>((resolve) => {
      const server = createServer((socket) => socket.on('error', () => undefined));
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
    const url = new URL(board.url);
    url.port = String((silent.address() as { port: number }).port);
    const [asked, migrated] = await Promise.all([
      ask(url.href),
      migrate(url.href, []).catch((e: unknown) => e),
    ]);
    silent.close();
    expect(asked).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
    expect(migrated).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
  });

  it('answers a server that has no connection left with SWARM_E_DB_UNREACHABLE', async () => {
    const { credentials } = await enrolIn(board.admin, home, { ...alice, name: 'crowded' });
    await board.admin.query(`alter role ${credentials.login} connection limit 0`);
    expect(await ask(agentUrl(board.url, credentials))).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
  });

  it('loses a connection between two statements of a transaction without ending the process', async () => {
    const agent = await board.enrol('explorer', 'cut-off');
    const pool = openPool({ url: agent.url, name: 'cut off' });
    const client = await pool.connect();
    const ended = new Promise((resolve) => client.once('end', resolve));
    await client.query('begin');
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await board.admin.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
    await ended;
    const error = await client.query('select 1').catch((e: unknown) => e);
    client.release(true);
    expect(isTransient(error)).toBe(true);
    expect(explain(error)).toMatchObject({ code: 'SWARM_E_DB_UNREACHABLE' });
    expect((await pool.query('select 1')).rowCount).toBe(1);
    await pool.end();
  });

  it('says of a record that breaks a rule, and not of the server, that it was refused', async () => {
    const agent = await board.enrol('explorer', 'clumsy');
    const error = await agent.db
      .insertInto('board.alert')
      .values({ id: agent.who.id, agent_id: agent.who.id, severity: 'loud', code: 'X', message: 'x' })
      .execute()
      .catch((e: unknown) => explain(e));
    expect(error).toMatchObject({ code: 'SWARM_E_RECORD_REFUSED' });
    expect(readFileSync(join(board.directory, 'agents', 'clumsy.json'), 'utf8')).toContain(
      agent.who.password,
    );
  });
});
