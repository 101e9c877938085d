// A backup holds a blackboard in use as it was at one instant, and nothing less than a whole one is ever restored.
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backup } from '../../blackboard/backup.js';
import { uuid7 } from '../../blackboard/ids.js';
import { migrate } from '../../blackboard/migrate.js';
import { restore, verifyBackup } from '../../blackboard/restore.js';
import { assertSigned } from '../../blackboard/signed.js';
import { allMigrations } from '../../trust/migrations.js';
import { freshDatabase } from '../postgres.js';
import { type Board, type Enrolled, insert, one, openBoard, type Row } from './board.js';
import { claim, digest, founded, verdict } from './records.js';

let board: Board;
let explorer: Enrolled;
let checker: Enrolled;
let made: string;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  board = await openBoard('backup');
  explorer = await board.enrol('explorer', 'e1', 'alice');
  checker = await board.enrol('checker', 'c1', 'carol');
  const publisher = await board.enrol('publisher', 'p1');
  await founded(publisher, digest(5));
  for (let n = 1; n <= 3; n++) await claim(explorer, n);
  await insert(explorer.client, 'board.alert', {
    id: uuid7(),
    agent_id: explorer.who.id,
    severity: 'info',
    code: 'SWARM_I_TEST',
    message: 'tab\tnewline\nbackslash \\N and \\. and quotes \'"',
  });
  made = join(board.directory, 'made');
  await backup(board.admin, made);
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
  await board.close();
});

async function emptyDatabase(): Promise<{ url: string; client: pg.Client }> {
  const { url, drop } = await freshDatabase('restored');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  undo.push(drop, () => client.end());
  return { url, client };
}

/** Every row of every table, as text. */
async function contents(client: pg.Client): Promise<Record<string, string[]>> {
  const { rows } = await client.query(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema in ('board', 'market') and table_type = 'BASE TABLE' order by 1`,
  );
  const out: Record<string, string[]> = {};
  for (const { name } of rows as { name: string }[])
    out[name] = (await client.query(`select t::text as row from ${name} t order by 1`)).rows.map(
      (r) => r.row,
    );
  return out;
}

/** A copy of the backup that a test may spoil. */
function copied(name: string): string {
  const path = join(board.directory, name);
  cpSync(made, path, { recursive: true });
  return path;
}

describe('a backup', () => {
  it('is readable by its owner alone, and never overwrites', async () => {
    expect(statSync(made).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(made)) expect(statSync(join(made, file)).mode & 0o777).toBe(0o600);
    await expect(backup(board.admin, made)).rejects.toMatchObject({ code: 'SWARM_E_USAGE' });
  });

  it('restores every row, and what follows continues where it was', async () => {
    const { url, client } = await emptyDatabase();
    const { logins, migrated } = await restore(client, url, made, allMigrations);
    expect(migrated).toEqual([]);
    expect(logins).toBe(0);
    const then = await contents(client);
    expect(then['board.claim']).toHaveLength(3);
    expect(then).toEqual(await contents(board.admin));
    const claims = await client.query<Row & { id: string; signature: string }>('select * from board.claim');
    for (const row of claims.rows) assertSigned('claim', row, explorer.who.publicKey);
    // Refused writes are counted again, from what was told of them.
    expect(await one(client, `select count(*)::int from pg_sequences where schemaname = 'refusal'`)).toBe(3);
    // Tokens, triggers and rights are in force again.
    const token = (c: pg.Client) => one<string>(c, `select nextval('board.fence_token')`);
    expect(Number(await token(client))).toBe(Number(await token(board.admin)));
    await expect(client.query('delete from board.claim')).rejects.toMatchObject({ code: 'SW002' });
    await expect(client.query(`update board.alert set code = 'x'`)).rejects.toMatchObject({ code: 'SW002' });
  });

  it('is of one instant while others write', async () => {
    const path = join(board.directory, 'busy');
    let writing = true;
    const writer = (async () => {
      for (let n = 10; writing; n++) await verdict(checker, (await claim(explorer, n)).id, digest(5));
    })();
    await backup(board.admin, path);
    writing = false;
    await writer;
    const { url, client } = await emptyDatabase();
    await restore(client, url, path, allMigrations);
    // References hold, or restore would have failed; a claim without its outbox row would be half a transaction.
    const claims = await one<string>(client, 'select count(*) from board.claim');
    expect(await one(client, `select count(*) from board.outbox where kind = 'claim'`)).toBe(claims);
  });

  it('leaves nothing behind when it fails', async () => {
    const inFile = join(board.directory, 'made', 'manifest.json', 'below');
    await expect(backup(board.admin, inFile)).rejects.toThrow();
    expect(existsSync(inFile)).toBe(false);
    await board.admin.query('select 1');
  });
});

describe('restore refuses', () => {
  const broken = { code: 'SWARM_E_BACKUP_BROKEN' };
  const claims = 'board.claim.copy.gz';
  it.each([
    ['a file cut short', (at: string) => truncateSync(join(at, claims), 100)],
    ['a file that is missing', (at: string) => rmSync(join(at, claims))],
    [
      'a row that was changed',
      (at: string) => {
        const text = gunzipSync(readFileSync(join(at, claims))).toString();
        writeFileSync(join(at, claims), gzipSync(text.replace('garch', 'karch')));
      },
    ],
    [
      'a row that was left out',
      (at: string) => {
        const lines = gunzipSync(readFileSync(join(at, claims)))
          .toString()
          .split('\n');
        writeFileSync(join(at, claims), gzipSync(lines.slice(1).join('\n')));
      },
    ],
    ['a manifest cut short', (at: string) => truncateSync(join(at, 'manifest.json'), 300)],
    [
      'a manifest that names a path',
      (at: string) => {
        const path = join(at, 'manifest.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('"claim"', '"../claim"'));
      },
    ],
  ])('%s, and writes nothing', async (what, spoil) => {
    const at = copied(what.replaceAll(' ', '-'));
    spoil(at);
    await expect(verifyBackup(at)).rejects.toMatchObject(broken);
    const { url, client } = await emptyDatabase();
    await expect(restore(client, url, at, allMigrations)).rejects.toMatchObject(broken);
    expect(await one(client, `select count(*)::int from pg_namespace where nspname = 'board'`)).toBe(0);
  });

  it('a database that holds something', async () => {
    const { url, client } = await emptyDatabase();
    await migrate(url, allMigrations);
    await expect(restore(client, url, made, allMigrations)).rejects.toMatchObject({ code: 'SWARM_E_USAGE' });
  });

  it('a backup of a newer version', async () => {
    const at = copied('newer');
    const path = join(at, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.migrations.push({ set: 'blackboard', number: 900, name: '0900_later.sql', checksum: digest(3) });
    writeFileSync(path, JSON.stringify(manifest));
    const { url, client } = await emptyDatabase();
    await expect(restore(client, url, at, allMigrations)).rejects.toMatchObject({ code: 'SWARM_E_DB_NEWER' });
    expect(await one(client, `select count(*)::int from pg_namespace where nspname = 'board'`)).toBe(0);
    // The same database takes a whole one afterwards.
    await restore(client, url, made, allMigrations);
  });
});
