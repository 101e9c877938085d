import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeSettings, type Home } from '../../../cli/services/home.js';
import { startPostgres } from '../../../cli/services/postgres.js';
import { processesWith } from '../../../cli/services/processes.js';
import { Supervisor } from '../../../cli/services/supervisor.js';
import { freePorts } from '../../ports.js';
import { freshDatabase } from '../../postgres.js';
import { removeHome, temporaryHome } from './scene.js';

let home: Home;
let supervisor: Supervisor;
let port: number;
beforeEach(async () => {
  home = temporaryHome();
  supervisor = new Supervisor(home);
  [port = 0] = await freePorts(1);
});
afterEach(async () => {
  await supervisor.stop();
  await removeHome(home);
});

describe('startPostgres', () => {
  it('refuses a directory of another major version and leaves it as it is', async () => {
    mkdirSync(home.pgdata, { recursive: true });
    writeFileSync(join(home.pgdata, 'PG_VERSION'), '17\n');
    await expect(startPostgres(supervisor, home, port)).rejects.toMatchObject({
      code: 'SWARM_E_DB_NEWER',
      message: expect.stringContaining('Postgres 17'),
    });
    expect(readdirSync(home.pgdata)).toEqual(['PG_VERSION']);
    expect(supervisor.children()).toMatchObject([{ name: 'postgres', pid: null, restarts: 0 }]);
  });

  it('refuses a directory that holds something else', async () => {
    mkdirSync(home.pgdata, { recursive: true });
    writeFileSync(join(home.pgdata, 'letter.txt'), '');
    await expect(startPostgres(supervisor, home, port)).rejects.toMatchObject({
      code: 'SWARM_E_SERVICE_START',
    });
    expect(readdirSync(home.pgdata)).toEqual(['letter.txt']);
  });

  it('says that the settings are not those of the data, and stops the server again', async () => {
    await startPostgres(supervisor, home, port);
    await supervisor.stop();
    home = changeSettings(home, { postgres: { ...home.settings.postgres, password: 'f'.repeat(48) } });
    supervisor = new Supervisor(home);
    await expect(startPostgres(supervisor, home, port)).rejects.toMatchObject({ code: 'SWARM_E_DB_AUTH' });
    await expect.poll(() => processesWith('postgres', home.pgdata), { timeout: 15_000 }).toEqual([]);
  });

  it('leaves no password file and shows no password in arguments', async () => {
    await startPostgres(supervisor, home, port);
    const { password } = home.settings.postgres;
    expect(readdirSync(dirname(home.pgdata)).filter((name) => name.includes('.new-'))).toEqual([]);
    for (const pid of [...processesWith('postgres', home.pgdata), ...processesWith('node', home.root)]) {
      if (existsSync(`/proc/${pid}`)) {
        expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(password);
        expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(password);
      }
    }
  });

  it('starts although the pid in postmaster.pid is another program by now', async () => {
    await startPostgres(supervisor, home, port);
    await supervisor.stop();
    const pidFile = join(home.pgdata, 'postmaster.pid');
    writeFileSync(pidFile, `${process.ppid}\n${home.pgdata}\n1\n${port}\n\n127.0.0.1\n0 0\nready\n`);
    chmodSync(pidFile, 0o644);
    supervisor = new Supervisor(home);
    const { adminUrl } = await startPostgres(supervisor, home, port);
    expect(adminUrl).toContain(`@127.0.0.1:${port}/postgres`);
  });
});

describe('freshDatabase', () => {
  it('is empty, is its own, and is gone after drop()', async () => {
    const one = await freshDatabase('a name');
    const two = await freshDatabase('a name');
    expect(one.url).not.toBe(two.url);
    const client = new pg.Client({ connectionString: one.url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query(
      "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    );
    expect(rows).toEqual([]);
    await one.drop();
    await two.drop();
    await expect(new pg.Client({ connectionString: one.url }).connect()).rejects.toMatchObject({
      code: '3D000',
    });
    await client.end();
  });
});
