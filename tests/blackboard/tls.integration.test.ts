// Real servers with the certificates of `swarm certs`: verified connections work, and every other kind is refused. The address
// 0.0.0.0 reaches this machine and is not loopback, so it is treated like any machine far away.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { explain, openDb } from '../../blackboard/db.js';
import { connectNats } from '../../blackboard/events/connect.js';
import { migrate } from '../../blackboard/migrate.js';
import { issue } from '../../cli/certs/authority.js';
import { findNats, natsReady } from '../../cli/services/nats-server.js';
import { postgresBinaries, serverUser } from '../../cli/services/postgres-binaries.js';
import { ensureCluster } from '../../cli/services/postgres-cluster.js';
import { postgresReady } from '../../cli/services/postgres-server.js';
import { freePorts } from '../ports.js';

const FAR = '0.0.0.0';
const NOW = new Date();
const YEAR_MS = 365 * 86_400_000;
let root: string;
let ports: number[];
const children: ChildProcess[] = [];
/** Certificates by what is wrong with them. */
const certificates = {
  good: FAR,
  'another name': 'db.example',
  expired: FAR,
  'another authority': FAR,
} as const;
type Kind = keyof typeof certificates;

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'swarm-tls-')));
  ports = await freePorts(2);
  for (const [kind, host] of Object.entries(certificates)) {
    const out = join(root, kind.replaceAll(' ', '-'));
    const now = kind === 'expired' ? new Date(NOW.getTime() - 2 * YEAR_MS) : NOW;
    // All but one come from the authority that clients are told of.
    if (kind === 'another authority') await issue({ out, hosts: [host], days: 365, now });
    else {
      await issue({ out: join(root, 'ca'), hosts: [host], days: 365, now });
      rmSync(out, { recursive: true, force: true });
      for (const file of ['postgres', 'nats'].flatMap((name) => [`${name}.crt`, `${name}.key`]))
        copyInto(out, join(root, 'ca', file), file);
    }
  }
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    await exited;
  }
});
afterAll(() => {
  delete process.env['SWARM_TLS_CA'];
  rmSync(root, { recursive: true, force: true });
});

function copyInto(out: string, from: string, file: string): void {
  mkdirSync(out, { recursive: true });
  copyFileSync(from, join(out, file));
}

const authority = (): string => join(root, 'ca', 'ca.crt');
const fileOf = (kind: Kind, file: string): string => join(root, kind.replaceAll(' ', '-'), file);

describe('swarm certs', () => {
  it('keeps its authority, reissues servers, and writes keys for their owner alone', async () => {
    const out = join(root, 'again');
    expect(await issue({ out, hosts: ['a.example'], days: 365, now: NOW })).toBe(true);
    const before = ['ca.crt', 'ca.key', 'nats.crt'].map((file) => readFileSync(join(out, file), 'utf8'));
    expect(await issue({ out, hosts: ['b.example', '10.0.0.1'], days: 365, now: NOW })).toBe(false);
    const after = ['ca.crt', 'ca.key', 'nats.crt'].map((file) => readFileSync(join(out, file), 'utf8'));
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toBe(before[2]);
    for (const key of ['ca.key', 'postgres.key', 'nats.key'])
      expect(statSync(join(out, key)).mode & 0o777).toBe(0o600);
    rmSync(join(out, 'ca.key'));
    await expect(issue({ out, hosts: ['a.example'], days: 365, now: NOW })).rejects.toMatchObject({
      code: 'SWARM_E_TLS',
    });
    expect(readFileSync(join(out, 'ca.crt'), 'utf8')).toBe(before[0]);
  });

  it.each(['', 'a b', '-x', 'a..b', 'http://a'])('refuses "%s" as a host', async (host) => {
    const issued = issue({ out: join(root, 'never'), hosts: [host], days: 365, now: NOW });
    await expect(issued).rejects.toMatchObject({ code: 'SWARM_E_USAGE' });
  });
});

describe('Postgres off this machine', () => {
  const user = serverUser();
  const spec = (): Parameters<typeof postgresReady>[0] => ({
    dataDirectory: join(root, 'pg'),
    user: 'postgres',
    password: 'test',
    durable: false,
    port: ports[0]!,
  });
  const url = (query = ''): string => `postgres://postgres:test@${FAR}:${ports[0]}/postgres${query}`;

  async function start(kind: Kind | null): Promise<void> {
    if (user !== null) chownSync(root, user.uid, user.gid);
    const binaries = postgresBinaries(user);
    await ensureCluster(spec(), binaries, user);
    const args = [
      '-D',
      spec().dataDirectory,
      '-c',
      `port=${ports[0]}`,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
    ];
    if (kind !== null) {
      const key = join(root, 'pg', 'server.key');
      const crt = join(root, 'pg', 'server.crt');
      writeFileSync(key, readFileSync(fileOf(kind, 'postgres.key')), { mode: 0o600 });
      writeFileSync(crt, readFileSync(fileOf(kind, 'postgres.crt')));
      if (user !== null) for (const file of [key, crt]) chownSync(file, user.uid, user.gid);
      args.push('-c', 'ssl=on', '-c', `ssl_key_file=${key}`, '-c', `ssl_cert_file=${crt}`);
    }
    children.push(
      spawn(binaries.postgres, args, { cwd: '/', stdio: 'ignore', env: { LC_ALL: 'C' }, ...(user ?? {}) }),
    );
    await postgresReady(spec(), AbortSignal.timeout(60_000));
  }
  async function ask(query = ''): Promise<unknown> {
    const db = openDb({ url: url(query), name: 'tls test' });
    try {
      const { rows } = await sql<{
        ssl: boolean;
      }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db);
      return rows[0];
    } catch (error) {
      return explain(error);
    } finally {
      await db.destroy();
    }
  }

  it('is reached when its certificate is verified, by either way of naming the authority', async () => {
    await start('good');
    delete process.env['SWARM_TLS_CA'];
    expect(await ask(`?sslrootcert=${authority()}`)).toEqual({ ssl: true });
    expect(await ask()).toMatchObject({ code: 'SWARM_E_TLS' });
    process.env['SWARM_TLS_CA'] = authority();
    expect(await ask()).toEqual({ ssl: true });
    expect(await ask('?sslmode=verify-full')).toEqual({ ssl: true });
    await expect(migrate(url('?sslmode=require'), [])).rejects.toMatchObject({ code: 'SWARM_E_TLS' });
    expect(await migrate(url(), [])).toEqual([]);
  });

  it.each(['another name', 'expired', 'another authority', null] as const)(
    'is refused with a certificate of: %s',
    async (kind) => {
      process.env['SWARM_TLS_CA'] = authority();
      await start(kind);
      expect(await ask()).toMatchObject({ code: 'SWARM_E_TLS' });
      await expect(migrate(url(), [])).rejects.toMatchObject({ code: 'SWARM_E_TLS' });
    },
  );
});

describe.runIf(inject('natsUrl'))('NATS off this machine', () => {
  const address = (): string => `nats://${FAR}:${ports[1]}`;

  async function start(kind: Kind | null): Promise<void> {
    const config = join(root, 'nats.conf');
    const tls =
      kind === null
        ? ''
        : `tls { cert_file: "${fileOf(kind, 'nats.crt')}", key_file: "${fileOf(kind, 'nats.key')}" }`;
    writeFileSync(
      config,
      `listen: "127.0.0.1:${ports[1]}"\njetstream { store_dir: "${join(root, 'js')}" }\n${tls}\n`,
    );
    const binary = (await findNats([]))!;
    children.push(spawn(binary.path, ['-c', config], { stdio: 'ignore' }));
    await natsReady(ports[1]!, AbortSignal.timeout(20_000));
  }

  it('is reached when its certificate is verified', async () => {
    process.env['SWARM_TLS_CA'] = authority();
    await start('good');
    const nats = await connectNats({ url: address(), name: 'a' });
    expect(nats.info?.tls_required).toBe(true);
    await nats.close();
    delete process.env['SWARM_TLS_CA'];
    await expect(connectNats({ url: address(), name: 'a' })).rejects.toMatchObject({ code: 'SWARM_E_TLS' });
  });

  it.each(['another name', 'expired', 'another authority', null] as const)(
    'is refused with a certificate of: %s',
    async (kind) => {
      process.env['SWARM_TLS_CA'] = authority();
      await start(kind);
      await expect(connectNats({ url: address(), name: 'a' })).rejects.toMatchObject({ code: 'SWARM_E_TLS' });
    },
  );
});
