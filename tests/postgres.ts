// An empty database for one test file, on the server that tests/services.ts started or on one of its own.
// Promises: a name of its own, so that files run side by side; drop() ends sessions that were forgotten.
// Roles belong to the server, not to the database: name them after the database where they must not collide.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface FreshDatabase {
  /** A superuser's URL. */
  readonly url: string;
  drop(): Promise<void>;
}

/** @example const database = await freshDatabase('leases'); // afterAll(() => database.drop()) */
export async function freshDatabase(name: string, admin = inject('pgUrl')): Promise<FreshDatabase> {
  const stem = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, 40);
  const database = `t_${stem}_${randomBytes(4).toString('hex')}`;
  await execute(admin, `CREATE DATABASE ${database}`);
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return { url: url.href, drop: () => execute(admin, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`) };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
