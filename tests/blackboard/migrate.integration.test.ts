// Migrations: applied once by whoever comes first, refused when they are not the program's own, whole or not at all.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateTypes } from '../../blackboard/codegen.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import { agentRoles } from '../../blackboard/identity/roles.js';
import { type MigrationSet, migrate } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { type FreshDatabase, freshDatabase } from '../postgres.js';
import { homeOf, one } from './board.js';

const undo: (() => unknown)[] = [];
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-migrations-'));
});
afterAll(async () => {
  for (const step of undo.reverse()) await step();
  rmSync(directory, { recursive: true });
});

async function database(name: string): Promise<FreshDatabase & { client: pg.Client }> {
  const fresh = await freshDatabase(name);
  const client = new pg.Client({ connectionString: fresh.url });
  await client.connect();
  undo.push(fresh.drop, () => client.end());
  return { ...fresh, client };
}

let sets = 0;
function set(files: Record<string, string>): MigrationSet {
  const path = mkdtempSync(join(directory, `set${sets++}-`));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return { name: 'room', directory: pathToFileURL(`${path}/`) };
}

/** All of them, in the order in which they are applied. */
const MIGRATIONS = [
  'blackboard/0001_market.sql',
  'blackboard/0002_records.sql',
  'blackboard/0003_flow.sql',
  'blackboard/0004_rights.sql',
  'blackboard/0005_identity.sql',
  'blackboard/0006_throughput.sql',
  'blackboard/0007_dead_letter.sql',
  'blackboard/0008_partitions.sql',
  'blackboard/0009_archive.sql',
  'blackboard/0010_field_score.sql',
  'blackboard/0011_budget.sql',
  'blackboard/0012_thinking.sql',
  'blackboard/0013_serving.sql',
  'blackboard/0014_asked.sql',
  'trust/0001_trust.sql',
  'trust/0002_gate.sql',
  'trust/0003_memory.sql',
  'trust/0004_fleet.sql',
  'trust/0005_standing.sql',
  'trust/0006_archive.sql',
  'trust/0007_fair.sql',
  'trust/0008_rules.sql',
  'trust/0009_secrecy.sql',
  'trust/0010_credit.sql',
  'trust/0011_shown.sql',
  'trust/0012_override.sql',
  'trust/0013_told.sql',
  'trust/0014_grown.sql',
  'trust/0015_settled.sql',
];

const first = { '0001_first.sql': 'create table first (a int)' };
const second = { ...first, '0002_second.sql': 'create table second (a int); insert into second values (1)' };

describe('migrate', () => {
  it('applies everything once when two run at once, and nothing on the next run', async () => {
    const { url } = await database('migrate twice');
    const runs = await Promise.all([migrate(url, allMigrations), migrate(url, allMigrations)]);
    expect(runs.map((run) => run.length).sort()).toEqual([0, MIGRATIONS.length]);
    expect(runs.flat()).toEqual(MIGRATIONS);
    expect(await migrate(url, allMigrations)).toEqual([]);
  });

  it('lets two databases of one server, which share its roles, be made at once', async () => {
    const databases = await Promise.all([1, 2, 3].map((n) => database(`migrate beside ${n}`)));
    const runs = await Promise.all(databases.map(({ url }) => migrate(url, allMigrations)));
    expect(runs.map((run) => run.length)).toEqual([1, 2, 3].map(() => MIGRATIONS.length));
  });

  it('refuses a database that a newer program migrated, before it changes anything', async () => {
    const { url, client } = await database('migrate newer');
    await migrate(url, [set(second)]);
    const older = set({ ...first, '0003_third.sql': 'create table third (a int)' });
    await expect(migrate(url, [older])).rejects.toMatchObject({ code: 'SWARM_E_DB_NEWER' });
    await expect(migrate(url, [{ ...set(second), name: 'another' }])).rejects.toMatchObject({
      code: 'SWARM_E_DB_NEWER',
    });
    expect(await one(client, `select to_regclass('third')`)).toBeNull();
  });

  it('refuses a migration that was changed after it was applied', async () => {
    const { url } = await database('migrate changed');
    await migrate(url, [set(first)]);
    const changed = set({ '0001_first.sql': 'create table first (a bigint)' });
    await expect(migrate(url, [changed])).rejects.toMatchObject({ code: 'SWARM_E_DB_MIGRATION' });
    expect(await migrate(url, [set(second)])).toEqual(['room/0002_second.sql']);
  });

  it('leaves nothing of a migration that fails, and takes it once it is mended', async () => {
    const { url, client } = await database('migrate failing');
    const broken = set({
      ...second,
      '0003_third.sql': 'create table third (a int); select 1 / 0; create table fourth (a int)',
    });
    await expect(migrate(url, [broken])).rejects.toMatchObject({
      code: 'SWARM_E_DB_MIGRATION',
      message: expect.stringContaining('division by zero'),
    });
    expect(await one(client, `select to_regclass('third')`)).toBeNull();
    expect(await one(client, 'select array_agg(number) from migration.applied')).toEqual([1, 2]);
    const mended = set({ ...second, '0003_third.sql': 'create table third (a int)' });
    expect(await migrate(url, [mended])).toEqual(['room/0003_third.sql']);
  });

  it('needs no superuser: rights to create roles and to own the database are enough', async () => {
    const { url, client } = await database('migrate managed');
    const name = await one<string>(client, 'select current_database()');
    await client.query(
      `create role ${name} login createrole password 'managed'; alter database ${name} owner to ${name}`,
    );
    undo.push(async () => {
      const { rows } = await client.query(`select 'drop owned by ' || quote_ident($1) as text`, [name]);
      await client.query(rows[0].text);
    });
    // The kinds' roles may be there already, made by another: then their maker must have let this one grant them.
    for (const kind of [...agentRoles, 'reader'])
      await client.query(
        `do $$ begin create role swarm_${kind} nologin; exception when duplicate_object or unique_violation then null; end $$; grant swarm_${kind} to ${name} with admin option`,
      );
    const managed = new URL(url);
    managed.username = name;
    managed.password = 'managed';
    expect(await migrate(managed.href, allMigrations)).toHaveLength(MIGRATIONS.length);
    const admin = new pg.Client({ connectionString: managed.href });
    await admin.connect();
    const who = { name: 'e1', owner: 'alice', role: 'explorer' } as const;
    const { credentials } = await enrolIn(admin, homeOf(directory), who);
    expect((await enrolIn(admin, homeOf(directory), who)).credentials).toEqual(credentials);
    await admin.end();
  });
});

describe('schema.generated.ts', () => {
  it('is what a fresh generation from the migrations gives', async () => {
    const { url } = await database('generated types');
    await migrate(url, allMigrations);
    const fresh = join(directory, 'schema.generated.ts');
    generateTypes(url, fresh);
    const kept = readFileSync(new URL('../../blackboard/schema.generated.ts', import.meta.url), 'utf8');
    expect(kept, 'run `npm run db:types`').toBe(readFileSync(fresh, 'utf8'));
  });
});
