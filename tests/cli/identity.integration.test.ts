// `swarm agent` and `swarm audit` as commands: what they print, their exit codes, and a database from before there were owners.
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { newKeyPair } from '../../blackboard/keys.js';
import { migrate } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { type FreshDatabase, freshDatabase } from '../postgres.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let database: FreshDatabase;
let home: string;

beforeAll(async () => {
  database = await freshDatabase('identity commands');
  home = mkdtempSync(join(tmpdir(), 'swarm-identity-'));
});
afterAll(async () => {
  await database.drop();
  rmSync(home, { recursive: true });
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function swarm(...args: string[]): Promise<Said> {
  const env = { PATH: process.env['PATH'], SWARM_HOME: home, SWARM_DATABASE_URL: database.url };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}
const listed = async (): Promise<Record<string, unknown>[]> =>
  JSON.parse((await swarm('agent', 'list', '--json')).out);

describe('a database from before owners signed', () => {
  it('is migrated with its agents, who are unsigned until they are enrolled again with their file', async () => {
    const earlier = allMigrations.map((set) => {
      const directory = join(home, 'earlier', set.name);
      mkdirSync(directory, { recursive: true });
      for (const file of readdirSync(set.directory).filter((name) => name < '0005'))
        copyFileSync(new URL(file, set.directory), join(directory, file));
      return { name: set.name, directory: pathToFileURL(`${directory}/`) };
    });
    await migrate(database.url, earlier);
    const id = uuid7();
    const login = `swarm_agent_${id.replaceAll('-', '')}`;
    const keys = newKeyPair();
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    await admin.query(`create role ${login} login password 'old'; grant swarm_checker to ${login}`);
    await admin.query(
      `insert into board.agent (id, owner, role, name, login, public_key, market_at) values ($1, 'olga', 'checker', 'veteran', $2, $3, now())`,
      [id, login, keys.publicKey],
    );
    await admin.end();
    const file = join(home, 'veteran.json');
    const old = { id, name: 'veteran', owner: 'olga', role: 'checker', login, password: 'old', ...keys };
    writeFileSync(file, JSON.stringify(old), { mode: 0o600 });
    expect(await listed()).toMatchObject([{ name: 'veteran', state: 'unsigned', serial: null }]);
    expect(await swarm('audit')).toMatchObject({
      code: 1,
      out: expect.stringContaining(`agent ${id}: no owner has signed`),
    });
    const enrolled = await swarm(
      'agent',
      'enroll',
      '--owner',
      'olga',
      '--role',
      'checker',
      '--name',
      'veteran',
      '--out',
      file,
    );
    expect(enrolled).toMatchObject({ code: 0, err: '' });
    expect(await listed()).toMatchObject([{ name: 'veteran', state: 'enrolled', serial: 1 }]);
    expect(await swarm('audit')).toMatchObject({
      code: 0,
      out: expect.stringContaining('everything matches'),
    });
  });
});

describe('the commands', () => {
  it('enrol, rotate and revoke an agent, and say what became of it', async () => {
    const enrolled = await swarm('agent', 'enroll', '--owner', 'alice', '--role', 'explorer', '--json');
    const said = JSON.parse(enrolled.out);
    expect(said).toMatchObject({ name: 'alice-explorer-1', owner: 'alice', role: 'explorer' });
    expect(statSync(said.file).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'owners', 'alice.json')).mode & 0o777).toBe(0o600);
    expect(
      JSON.parse((await swarm('agent', 'enroll', '--owner', 'alice', '--role', 'explorer', '--json')).out)
        .name,
    ).toBe('alice-explorer-2');
    expect((await swarm('agent', 'rotate', 'alice-explorer-1')).out).toContain('has new keys');
    expect((await swarm('agent', 'revoke', 'alice-explorer-1', '--reason', 'a test')).out).toContain(
      'is revoked',
    );
    expect(await listed()).toContainEqual(
      expect.objectContaining({ name: 'alice-explorer-1', state: 'revoked', serial: 2, reason: 'a test' }),
    );
    expect((await swarm('agent', 'list')).out).toMatch(/^agent +role +owner +state +keys/);
    const users = (await swarm('agent', 'nats-users')).out;
    expect(users).toContain('# alice-explorer-2');
    expect(users).not.toContain('alice-explorer-1');
    expect(
      (await swarm('audit', '--json')).out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ findings: 0, checked: expect.objectContaining({ enrolment: 4, revocation: 1 }) }]);
  });

  it('refuse with stable codes', async () => {
    expect(await swarm('agent', 'rotate', 'nobody')).toMatchObject({
      code: 2,
      err: expect.stringContaining('SWARM_E_USAGE'),
    });
    expect(await swarm('agent', 'enroll', '--owner', 'A B', '--role', 'checker')).toMatchObject({ code: 2 });
    expect(await swarm('agent', 'enroll', '--owner', 'a', '--role', 'king')).toMatchObject({ code: 2 });
    expect(await swarm('agent', 'rotate', 'alice-explorer-1')).toMatchObject({
      code: 78,
      err: expect.stringContaining('SWARM_E_AGENT_REVOKED'),
    });
    rmSync(join(home, 'owners', 'alice.json'));
    expect(await swarm('agent', 'rotate', 'alice-explorer-2')).toMatchObject({
      code: 1,
      err: expect.stringContaining('SWARM_E_OWNER_KEY'),
    });
    expect(await swarm('agent', 'enroll', '--owner', 'alice', '--role', 'miner')).toMatchObject({
      code: 1,
      err: expect.stringContaining('SWARM_E_OWNER_KEY'),
    });
    expect(existsSync(join(home, 'owners', 'alice.json'))).toBe(false);
  });
});
