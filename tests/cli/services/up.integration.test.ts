// The services as `swarm up` and `swarm down` use them, in processes of their own, and killed in every place.
import { createServer } from 'node:net';
import { connect } from 'nats';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Home } from '../../../cli/services/home.js';
import { isAlive } from '../../../cli/services/processes.js';
import { stopRunning } from '../../../cli/services/running.js';
import { freePorts } from '../../ports.js';
import { nothing, removeHome, runningOf, startUp, temporaryHome, type UpMessage } from './scene.js';

let home: Home;
let base: number;
beforeEach(async () => {
  home = temporaryHome();
  [base = 0] = await freePorts(4);
});
afterEach(async () => {
  await stopRunning(home, 20_000);
  await removeHome(home);
});

const soon = { timeout: 15_000, interval: 50 };

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Postgres is back as soon as a login works; nothing else tells this process. */
async function rows(url: string): Promise<unknown[]> {
  return query(url, 'SELECT n FROM kept').catch((error: Error) => [error.message]);
}

async function up(): Promise<ReturnType<typeof startUp> & { adminUrl: string; natsUrl: string | undefined }> {
  const swarm = startUp(home, base);
  const { adminUrl, natsUrl } = await Promise.race([
    swarm.next('up'),
    swarm.next('failed').then((failed: UpMessage) => {
      throw new Error(`${failed.code}: ${failed.message}`);
    }),
  ]);
  return { ...swarm, adminUrl: adminUrl!, natsUrl };
}

describe('up', () => {
  it('gives a Postgres that is durable, local and asks for a password', async () => {
    const { adminUrl } = await up();
    const [settings] = await query(
      adminUrl,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
              current_setting('listen_addresses') AS listen, current_setting('max_connections') AS connections,
              current_setting('shared_buffers') AS buffers, current_setting('unix_socket_directories') AS sockets,
              (SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules) AS auth`,
    );
    expect(settings).toEqual({
      fsync: 'on',
      sync: 'on',
      listen: '127.0.0.1',
      connections: '200',
      buffers: '256MB',
      sockets: '',
      auth: 'scram-sha-256',
    });
    const wrong = new URL(adminUrl);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it.runIf(inject('natsUrl'))('gives a nats-server with JetStream that asks for a password', async () => {
    const { natsUrl } = await up();
    const { host } = new URL(natsUrl!);
    const { user, password } = home.settings.nats;
    await expect(connect({ servers: host })).rejects.toThrowError(/authorization/i);
    const connection = await connect({ servers: host, user, pass: password });
    const manager = await connection.jetstreamManager();
    expect((await manager.getAccountInfo()).streams).toBe(0);
    await connection.close();
  });

  it('is refused while another one runs on the home', async () => {
    const first = await up();
    const second = startUp(home, base);
    expect(await second.next('failed')).toMatchObject({
      code: 'SWARM_E_ALREADY_RUNNING',
      message: expect.stringContaining(String(first.process.pid)),
    });
    await second.next('exit');
    expect(await query(first.adminUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is refused when its port is taken, and starts nothing', async () => {
    const other = createServer().listen(base, '127.0.0.1');
    const swarm = startUp(home, base);
    expect(await swarm.next('failed')).toMatchObject({
      code: 'SWARM_E_PORT_IN_USE',
      message: expect.stringContaining(String(base)),
    });
    await swarm.next('exit');
    other.close();
    expect(runningOf(home)).toEqual(nothing);
  });
});

describe('down', () => {
  it('stops everything, says so, and the next up finds the data', async () => {
    const first = await up();
    await query(first.adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
    expect(await stopRunning(home)).toBe('stopped');
    expect(await first.next('exit')).toMatchObject({ code: 0 });
    expect(runningOf(home)).toEqual(nothing);
    expect(await stopRunning(home)).toBe('not-running');
    const second = await up();
    expect(await rows(second.adminUrl)).toEqual([{ n: 7 }]);
  });

  it('stops a Postgres and a nats-server that lost both their keeper and their supervisor', async () => {
    const swarm = await up();
    const { keepers } = runningOf(home);
    // Held still first: a keeper that sees its supervisor go begins to stop its server.
    for (const pid of keepers) process.kill(pid, 'SIGSTOP');
    for (const pid of [swarm.process.pid!, ...keepers]) process.kill(pid, 'SIGKILL');
    await expect.poll(() => [swarm.process.pid!, ...keepers].some(isAlive), soon).toBe(false);
    expect(runningOf(home).postgres).toHaveLength(1);
    expect(await stopRunning(home)).toBe('stopped');
    expect(runningOf(home)).toEqual(nothing);
  });
});

describe('kill -9', () => {
  it('of the supervisor leaves no keeper, no Postgres and no nats-server', async () => {
    const swarm = await up();
    expect(runningOf(home).keepers.length).toBeGreaterThan(0);
    swarm.process.kill('SIGKILL');
    await expect.poll(() => runningOf(home), soon).toEqual(nothing);
    await up();
  });

  it('of Postgres brings it back with its data', async () => {
    const { adminUrl, next } = await up();
    await query(adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
    process.kill(runningOf(home).postgres[0]!, 'SIGKILL');
    expect(await next('restarted')).toMatchObject({ name: 'postgres', restarts: 1 });
    await expect.poll(() => rows(adminUrl), soon).toEqual([{ n: 7 }]);
  });

  it('of the keeper: its orphan is stopped, one Postgres comes back', async () => {
    const { adminUrl, next } = await up();
    await query(adminUrl, 'CREATE TABLE kept AS SELECT 7 AS n');
    const orphan = runningOf(home).postgres[0]!;
    process.kill((await next('started')).pid!, 'SIGKILL');
    await next('restarted');
    await expect.poll(() => isAlive(orphan), soon).toBe(false);
    await expect.poll(() => rows(adminUrl), soon).toEqual([{ n: 7 }]);
    expect(runningOf(home).postgres).toHaveLength(1);
  });

  it.runIf(inject('natsUrl'))('of the nats-server or of its keeper: one nats-server comes back', async () => {
    const { next } = await up();
    await next('started');
    const keeper = (await next('started')).pid!;
    const [first] = runningOf(home).nats;
    process.kill(first!, 'SIGKILL');
    expect(await next('restarted')).toMatchObject({ name: 'nats' });
    await expect.poll(() => runningOf(home).nats.filter((pid) => pid !== first), soon).toHaveLength(1);
    expect(isAlive(keeper)).toBe(false);
    const [second] = runningOf(home).nats;
    process.kill(runningOf(home).keepers.at(-1)!, 'SIGKILL');
    await next('restarted');
    await expect.poll(() => runningOf(home).nats.filter((pid) => pid !== second), soon).toHaveLength(1);
    expect(isAlive(second!)).toBe(false);
  });
});
