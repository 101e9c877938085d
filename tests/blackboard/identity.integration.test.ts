// Owners, their signatures, and what rotation and revocation leave of an agent's credentials.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, isShutOut } from '../../blackboard/db.js';
import { agentUrl, type Credentials, readCredentials } from '../../blackboard/identity/credentials.js';
import { enrol, enrolIn } from '../../blackboard/identity/enrol.js';
import { isEnrolment, isRevocation } from '../../blackboard/identity/enrolment.js';
import { listAgents } from '../../blackboard/identity/list.js';
import { openOwnerKey, readOwnerKey } from '../../blackboard/identity/owner.js';
import { replacePrivate } from '../../blackboard/identity/private-file.js';
import { endOverdue, endSessions } from '../../blackboard/identity/register.js';
import { revoke } from '../../blackboard/identity/revoke.js';
import { rotate } from '../../blackboard/identity/rotate.js';
import { uuid7 } from '../../blackboard/ids.js';
import { newKeyPair } from '../../blackboard/keys.js';
import { assertSigned } from '../../blackboard/signed.js';
import { type Board, homeOf, insert, one, openBoard } from './board.js';
import { claim, leased } from './records.js';

let board: Board;
let home: { agents: string; owners: string };

beforeAll(async () => {
  board = await openBoard('identity');
  home = homeOf(board.directory);
});
afterAll(() => board.close());

const login = async (who: Credentials): Promise<unknown> => {
  const client = new pg.Client({ connectionString: agentUrl(board.url, who) });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query('select 1 as in')).rows[0];
  } catch (error) {
    return explain(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};
const fileOf = (name: string): string => join(home.agents, `${name}.json`);

describe('enrolment', () => {
  it("is signed by its owner's key over everything that says who the agent is", async () => {
    const { who } = await board.enrol('explorer', 'e1', 'alice');
    const { rows } = await board.admin.query(
      `select e.*, a.name, a.role, a.login, o.public_key as owner_key from board.enrolment e
       join board.agent a on a.id = e.agent_id join board.owner o on o.name = e.owner where e.agent_id = $1`,
      [who.id],
    );
    const row = rows[0];
    expect(row).toMatchObject({
      serial: 1,
      owner: 'alice',
      public_key: who.publicKey,
      nats_key: who.natsKey,
    });
    expect(isEnrolment(row.owner_key, row, row.signature)).toBe(true);
    for (const field of [
      'agent_id',
      'name',
      'owner',
      'role',
      'login',
      'serial',
      'public_key',
      'nats_key',
      'issued_at',
    ])
      expect(isEnrolment(row.owner_key, { ...row, [field]: 'other' }, row.signature), field).toBe(false);
  });

  it("pins the owner's key: another key enrols nobody for that owner and leaves no file", async () => {
    await board.enrol('explorer', 'e2', 'bob');
    const impostor = { owner: 'bob', ...newKeyPair() };
    const path = fileOf('bobs-third');
    await expect(
      enrol(board.admin, path, { name: 'bobs-third', owner: 'bob', role: 'checker' }, impostor),
    ).rejects.toMatchObject({ code: 'SWARM_E_OWNER_KEY' });
    expect(existsSync(path)).toBe(false);
    expect(await one(board.admin, `select count(*)::int from board.agent where name = 'bobs-third'`)).toBe(0);
  });

  it('keeps owner keys in files of their own that only their owner may read', async () => {
    openOwnerKey(home.owners, 'carla');
    expect(statSync(join(home.owners, 'carla.json')).mode & 0o777).toBe(0o600);
    expect(() => readOwnerKey(join(home.owners, 'carla.json'), 'dora')).toThrowError(
      expect.objectContaining({ code: 'SWARM_E_OWNER_KEY' }),
    );
  });

  it('completes the file and the signature of an agent from before owners signed', async () => {
    const { who } = await board.enrol('miner', 'veteran');
    await board.admin.query('set session_replication_role = replica');
    await board.admin.query('delete from board.enrolment where agent_id = $1', [who.id]);
    await board.admin.query('reset session_replication_role');
    const { natsKey, natsSeed, ...old } = who;
    replacePrivate(fileOf('veteran'), old);
    expect(await listAgents(board.admin)).toContainEqual(
      expect.objectContaining({ name: 'veteran', state: 'unsigned' }),
    );
    const { credentials } = await enrolIn(board.admin, home, {
      name: 'veteran',
      owner: who.owner,
      role: 'miner',
    });
    expect(credentials).toMatchObject(old);
    expect(credentials.natsSeed).toMatch(/^SU/);
    expect(credentials.natsSeed).not.toBe(natsSeed);
    const valid = await one<Date>(board.admin, 'select valid_from from board.agent_key where agent_id = $1', [
      who.id,
    ]);
    expect(valid).toEqual(await one(board.admin, 'select at from board.agent where id = $1', [who.id]));
  });
});

describe('rotation', () => {
  it('ends the old password, the old sessions and the old key, and keeps what was signed before', async () => {
    const agent = await board.enrol('explorer', 'turning', 'alice');
    const before = await claim(agent, 1);
    const ended = new Promise((resolve) => agent.client.once('end', resolve));
    const next = await rotate(board.admin, fileOf('turning'), openOwnerKey(home.owners, 'alice'));
    await ended;
    expect(readCredentials(fileOf('turning'))).toEqual(next);
    for (const field of ['password', 'privateKey', 'publicKey', 'natsSeed', 'natsKey'] as const)
      expect(next[field], field).not.toBe(agent.who[field]);
    expect(await login(agent.who)).toMatchObject({ code: 'SWARM_E_DB_AUTH' });
    expect(await login(next)).toEqual({ in: 1 });
    const { rows } = await board.admin.query(
      `select c.*, k.public_key, k.serial from board.claim c join board.agent_key k on k.agent_id = c.agent_id
         and c.at >= k.valid_from and (k.valid_to is null or c.at < k.valid_to) where c.id = $1`,
      [before.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].serial).toBe(1);
    assertSigned('claim', rows[0], rows[0].public_key);
  });

  it('is completed by the next call when it was cut short, with the same secrets', async () => {
    const { who } = await board.enrol('checker', 'halfway', 'alice');
    const draft = `${fileOf('halfway')}.next`;
    // Cut after the file, before the database heard of it.
    const secrets = { ...who, ...newKeyPair(), password: 'drawn before the crash' };
    const { natsKey, natsSeed } = (await board.enrol('checker', 'donor')).who;
    await revoke(board.admin, 'donor', '', null);
    await board.admin.query('set session_replication_role = replica');
    await board.admin.query('delete from board.enrolment where nats_key = $1', [natsKey]);
    await board.admin.query('reset session_replication_role');
    replacePrivate(draft, { ...secrets, natsKey, natsSeed });
    const next = await rotate(board.admin, fileOf('halfway'), openOwnerKey(home.owners, 'alice'));
    expect(next.password).toBe('drawn before the crash');
    expect(existsSync(draft)).toBe(false);
    expect(await login(next)).toEqual({ in: 1 });
  });

  it('by two at once makes one new key', async () => {
    const { who } = await board.enrol('checker', 'pulled', 'alice');
    const second = new pg.Client({ connectionString: board.url });
    await second.connect();
    const key = openOwnerKey(home.owners, 'alice');
    const runs = await Promise.allSettled([board.admin, second].map((c) => rotate(c, fileOf('pulled'), key)));
    await second.end();
    expect(runs.some((run) => run.status === 'fulfilled')).toBe(true);
    const serials = await one(board.admin, 'select max(serial) from board.enrolment where agent_id = $1', [
      who.id,
    ]);
    expect(serials).toBe(2);
    expect(await login(readCredentials(fileOf('pulled')))).toEqual({ in: 1 });
    expect(readdirSync(home.agents).filter((file) => file.startsWith('pulled'))).toEqual(['pulled.json']);
  });

  it('is not undone by an old copy of the file', async () => {
    const { who } = await board.enrol('explorer', 'copied', 'alice');
    const copy = join(board.directory, 'copy.json');
    replacePrivate(copy, who);
    const key = openOwnerKey(home.owners, 'alice');
    const next = await rotate(board.admin, fileOf('copied'), key);
    await expect(
      enrol(board.admin, copy, { name: 'copied', owner: 'alice', role: 'explorer' }, key),
    ).rejects.toMatchObject({ code: 'SWARM_E_RECORD_REFUSED' });
    expect(await login(next)).toEqual({ in: 1 });
  });

  it("needs its owner's key", async () => {
    await board.enrol('explorer', 'owned', 'alice');
    await expect(
      rotate(board.admin, fileOf('owned'), { owner: 'alice', ...newKeyPair() }),
    ).rejects.toMatchObject({ code: 'SWARM_E_OWNER_KEY' });
    await expect(
      rotate(board.admin, fileOf('owned'), openOwnerKey(home.owners, 'mallory')),
    ).rejects.toMatchObject({ code: 'SWARM_E_OWNER_KEY' });
  });
});

describe('revocation', () => {
  it('ends sessions and logins, says so, and leaves the history and the others alone', async () => {
    const agent = await board.enrol('explorer', 'leaver', 'alice');
    const other = await board.enrol('explorer', 'stayer', 'alice');
    const before = await claim(agent, 2);
    await leased(agent, 'work of the leaver', 2);
    const key = openOwnerKey(home.owners, 'alice');
    const ended = new Promise((resolve) => agent.client.once('end', resolve));
    await revoke(board.admin, 'leaver', 'sold its key', key);
    await ended;
    const refused = await login(agent.who);
    expect(refused).toMatchObject({ code: 'SWARM_E_AGENT_REVOKED' });
    expect(isShutOut(refused)).toBe(true);
    expect(await one(board.admin, 'select count(*)::int from board.claim where id = $1', [before.id])).toBe(
      1,
    );
    const { rows } = await board.admin.query('select * from board.revocation where agent_id = $1', [
      agent.who.id,
    ]);
    expect(rows[0]).toMatchObject({ reason: 'sold its key' });
    expect(isRevocation(key.publicKey, { ...rows[0], owner: 'alice' }, rows[0].signature)).toBe(true);
    expect(isRevocation(key.publicKey, { ...rows[0], owner: 'alice', reason: '' }, rows[0].signature)).toBe(
      false,
    );
    await expect
      .poll(() => one(other.client, `select board.lease_take('work of the leaver', 5)`), { timeout: 20_000 })
      .not.toBeNull();
  });

  it('refuses records of a session that survived it, as behind a pooler', async () => {
    const agent = await board.enrol('explorer', 'survivor');
    const row = { id: uuid7(), agent_id: agent.who.id, severity: 'info', code: 'X', message: 'x' };
    await board.admin.query(
      'insert into board.revocation (id, agent_id, issued_at) values (gen_random_uuid(), $1, now())',
      [agent.who.id],
    );
    const error = await insert(agent.client, 'board.alert', row).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'SW007' });
    expect(explain(error)).toMatchObject({ code: 'SWARM_E_AGENT_REVOKED' });
  });

  it('is for good: neither enrolment nor rotation brings the agent back', async () => {
    const { who } = await board.enrol('explorer', 'gone', 'alice');
    await revoke(board.admin, who.id, '', null);
    await revoke(board.admin, 'gone', 'again', null);
    await expect(
      enrolIn(board.admin, home, { name: 'gone', owner: 'alice', role: 'explorer' }),
    ).rejects.toMatchObject({ code: 'SWARM_E_AGENT_REVOKED' });
    await expect(
      rotate(board.admin, fileOf('gone'), openOwnerKey(home.owners, 'alice')),
    ).rejects.toMatchObject({ code: 'SWARM_E_AGENT_REVOKED' });
    expect(await login(who)).toMatchObject({ code: 'SWARM_E_AGENT_REVOKED' });
    expect(readFileSync(fileOf('gone'), 'utf8')).toContain(who.id);
    expect(await listAgents(board.admin)).toContainEqual(
      expect.objectContaining({ name: 'gone', state: 'revoked', serial: 1 }),
    );
  });
});

describe('the limits of a login', () => {
  it('bound statements, locks, idle transactions and connections', async () => {
    const { client } = await board.enrol('checker', 'bounded');
    const { rows } = await client.query(
      `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
         current_setting('idle_in_transaction_session_timeout') as idle, rolconnlimit as connections
       from pg_roles where rolname = session_user`,
    );
    expect(rows).toEqual([{ statement: '1min', lock: '10s', idle: '30s', connections: 12 }]);
  });

  it('that a session lifts for itself are held up by the administrator, who ends what is overdue', async () => {
    const { client, who } = await board.enrol('checker', 'lingerer');
    await client.query(`set idle_in_transaction_session_timeout = 0; begin; select 1`);
    expect(await endOverdue(board.admin)).toBe(0);
    const ended = new Promise((resolve) => client.once('end', resolve));
    await board.admin.query(`select board.end_overdue('0 s')`);
    await ended;
    await endSessions(board.admin, who.login);
  });
});
