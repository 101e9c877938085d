// The administrator's side of the blackboard: where it is, and making it ready. Agents never come through here.
import pg from 'pg';
import { explain } from '../blackboard/db.js';
import { migrate } from '../blackboard/migrate.js';
import { postgresAddress } from '../blackboard/tls.js';
import { allMigrations } from '../trust/migrations.js';

const DATABASE = 'swarm';

/** An administrator's connection; server errors become SwarmErrors with a code. */
export async function connectAdmin(url: string, name = 'swarm admin'): Promise<pg.Client> {
  const client = new pg.Client({
    ...postgresAddress(url),
    application_name: name,
    connectionTimeoutMillis: 10_000,
  });
  // A server that goes away is met again at the next query; without a listener Node would exit.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw explain(error);
  }
  return client;
}

/** The blackboard's own database on a server of ours, created when missing. */
export async function ownDatabase(serverUrl: string): Promise<string> {
  const client = await connectAdmin(serverUrl);
  try {
    const known = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (known.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${DATABASE}`;
  return url.toString();
}

/** Applies what is missing; returns the names applied. */
export const migrateAll = (adminUrl: string): Promise<string[]> => migrate(adminUrl, allMigrations);

/** The address without user and password: what agents are told. */
export function publicAddress(url: string): string {
  const address = new URL(url);
  address.username = '';
  address.password = '';
  return address.toString();
}

/** Acts on an up-to-date blackboard as its administrator. */
export async function withAdmin(
  url: string,
  name: string,
  act: (admin: pg.Client) => Promise<void>,
): Promise<void> {
  await migrateAll(url);
  const admin = await connectAdmin(url, name);
  try {
    await act(admin);
  } finally {
    await admin.end();
  }
}
