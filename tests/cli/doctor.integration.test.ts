// What the doctor sees: a healthy blackboard, and each thing that can be wrong with one.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { examineDatabase } from '../../cli/doctor/database.js';
import type { Finding } from '../../cli/doctor/finding.js';
import { examineDisks, examineFiles, examineNode } from '../../cli/doctor/machine.js';
import { type Board, type Enrolled, openBoard } from '../blackboard/board.js';
import { claim, digest, founded } from '../blackboard/records.js';
import { freshDatabase } from '../postgres.js';

let board: Board;
let explorer: Enrolled;

beforeAll(async () => {
  board = await openBoard('doctor');
  explorer = await board.enrol('explorer', 'e1');
  await founded(await board.enrol('publisher', 'p1'), digest(5));
});
afterAll(() => board.close());

const bad = (found: readonly Finding[]): string[] =>
  found.filter((f) => f.level !== 'ok').map((f) => `${f.level} ${f.check}: ${f.message}`);

describe('a blackboard', () => {
  const undo: string[] = [];
  afterEach(async () => {
    for (const statement of undo.splice(0)) await board.admin.query(statement);
  });
  const login = () => pg.escapeIdentifier(explorer.who.login);

  it('that is well has nothing to say', async () => {
    const found = await examineDatabase(board.admin);
    expect(bad(found)).toEqual([]);
    expect(new Set(found.map((f) => f.check))).toEqual(
      new Set(['postgres', 'schema', 'clock', 'rights', 'agents', 'outbox', 'connections']),
    );
  });

  it.each([
    [
      'an agent that may make roles',
      'alter role LOGIN createrole',
      'alter role LOGIN nocreaterole',
      /too wide: .*createrole/,
    ],
    [
      'an agent of two kinds',
      'grant swarm_checker to LOGIN',
      'revoke swarm_checker from LOGIN',
      /too wide: e1: swarm_checker/,
    ],
    [
      'a kind that may change records',
      'grant update on board.claim to swarm_explorer',
      'revoke update on board.claim from swarm_explorer',
      /too wide: swarm_explorer: update on board.claim/,
    ],
    [
      'a table open to everybody',
      'grant select on board.verdict to public',
      'revoke select on board.verdict from public',
      /too wide: everybody: board.verdict/,
    ],
    ['a login that was closed', 'alter role LOGIN nologin', 'alter role LOGIN login', /e1 is closed/],
  ])('names %s', async (_, change, back, said) => {
    undo.push(back.replace('LOGIN', login()));
    await board.admin.query(change.replace('LOGIN', login()));
    const found = bad(await examineDatabase(board.admin));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(said);
  });

  it('counts the rights of a kind once, whatever logins of it are closed', async () => {
    undo.push(`alter role ${login()} login`, 'revoke update on board.claim from swarm_explorer');
    await board.admin.query(`alter role ${login()} nologin; grant update on board.claim to swarm_explorer`);
    expect(bad(await examineDatabase(board.admin))).toEqual([
      expect.stringContaining('too wide: swarm_explorer: update on board.claim'),
      expect.stringContaining('e1 is closed'),
    ]);
  });

  it('names events that nobody delivers, and agents that fell silent', async () => {
    await claim(explorer, 1);
    await board.admin.query(`update board.outbox set at = at - interval '5 minutes'`);
    await board.admin.query(
      `insert into board.presence (agent_id, beat_at, market_at, pid, host, state)
       values ($1, clock_timestamp() - interval '10 minutes', now(), 1, 'here', 'working')`,
      [explorer.who.id],
    );
    undo.push('update board.outbox set published_at = at', 'delete from board.presence');
    expect(bad(await examineDatabase(board.admin))).toEqual([
      expect.stringMatching(/^warning agents: e1 was last heard of 60\d s ago/),
      expect.stringMatching(/^warning outbox: 2 events wait, the oldest for 30\d s/),
    ]);
  });

  it('of a newer version, or never migrated, is not examined further', async () => {
    const empty = await freshDatabase('doctor empty');
    const client = new pg.Client({ connectionString: empty.url });
    await client.connect();
    expect(bad(await examineDatabase(client))).toEqual([
      expect.stringMatching(/^failure schema: \d+ migrations are missing/),
    ]);
    await client.end();
    await empty.drop();
    undo.push(`delete from migration.applied where name = '0900_later.sql'`);
    await board.admin.query(
      `insert into migration.applied (set, number, name, checksum) values ('blackboard', 900, '0900_later.sql', $1)`,
      [digest(1)],
    );
    expect(bad(await examineDatabase(board.admin))).toEqual([
      expect.stringContaining('failure schema: the database has migration'),
    ]);
  });

  it('is not examined by a login without the rights, and says so', async () => {
    const found = bad(await examineDatabase(explorer.client));
    expect(found.some((line) => line.startsWith('failure'))).toBe(true);
    expect(found.join()).toContain('permission denied');
  });
});

describe('this machine', () => {
  const root = mkdtempSync(join(tmpdir(), 'swarm-doctor-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('is told of files with keys that others may read', () => {
    mkdirSync(join(root, 'agents'), { mode: 0o700 });
    writeFileSync(join(root, 'agents', 'e1.json'), '{}', { mode: 0o600 });
    expect(bad(examineFiles(root))).toEqual([]);
    chmodSync(join(root, 'agents', 'e1.json'), 0o640);
    expect(bad(examineFiles(root))).toEqual([
      `failure files: others may read ${join(root, 'agents', 'e1.json')}`,
    ]);
    chmodSync(root, 0o755);
    expect(bad(examineFiles(root))).toHaveLength(2);
  });

  it('is told of a Node that is too old, and of each disk once', () => {
    expect(examineNode('20.18.1').level).toBe('failure');
    expect(['20.19.0', '22.0.0', '24.1.0'].map((v) => examineNode(v).level)).toEqual(['ok', 'ok', 'ok']);
    expect(examineDisks([root, root, join(root, 'agents'), '/nowhere'])).toHaveLength(1);
  });
});
