// A blackboard of its own for one test file: every migration, a market clock, and agents that log in as themselves.
// Promises: close() ends every connection that was opened through it and drops the database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Db, openDb } from '../../blackboard/db.js';
import { agentUrl, type Credentials } from '../../blackboard/identity/credentials.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { migrate } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { freshDatabase } from '../postgres.js';
import { setRules } from './rules.js';

export interface Enrolled {
  readonly who: Credentials;
  readonly url: string;
  /** One connection of the agent's own, for SQL that no program of ours would send. */
  readonly client: pg.Client;
  readonly db: Db;
}

export interface Clock {
  readonly market_at: string;
  readonly speed: number;
  readonly data_to?: string;
}

export interface Board {
  readonly url: string;
  readonly admin: pg.Client;
  readonly directory: string;
  enrol(role: AgentRole, name: string, owner?: string): Promise<Enrolled>;
  setClock(clock: Clock): Promise<void>;
  close(): Promise<void>;
}

export const NOON = '2025-03-10T12:00:00Z';
export const DIGEST = 'd'.repeat(64);

/** @example const board = await openBoard('leases'); // afterAll(() => board.close()) */
export async function openBoard(
  name: string,
  clock: Clock | null = { market_at: NOON, speed: 0 },
): Promise<Board> {
  const database = await freshDatabase(name);
  await migrate(database.url, allMigrations);
  const admin = await connected(database.url);
  await admin.query('insert into board.beacon (secret) values ($1)', ['beacon of the tests'.padEnd(32, '.')]);
  const directory = mkdtempSync(join(tmpdir(), 'swarm-board-'));
  // Tests invent verdicts and promotions that nobody asked for; tests/trust/rules.integration.test.ts is about the rules themselves.
  await setRules(admin, 'disable');
  const agents: Enrolled[] = [];
  const board: Board = {
    url: database.url,
    admin,
    directory,
    async enrol(role, agentName, owner = `owner-of-${agentName}`) {
      const { credentials } = await enrolIn(admin, homeOf(directory), { name: agentName, owner, role });
      const url = agentUrl(database.url, credentials);
      const client = await connected(url);
      const agent = { who: credentials, url, client, db: openDb({ url, name: agentName }) };
      agents.push(agent);
      return agent;
    },
    async setClock({ market_at, speed, data_to }) {
      await admin.query(
        `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed)
         values ('replay', $1, 'seed', 'profile', '{crypto_1h/BTC}', $2, '2024-01-01', $3, $4)`,
        [DIGEST, market_at, data_to ?? null, speed],
      );
    },
    async close() {
      for (const { client, db } of agents) {
        await client.end().catch(() => undefined);
        await db.destroy();
      }
      await admin.end();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (clock !== null) await board.setClock(clock);
  return board;
}

/** Where the agents and owners of a test directory lie. */
export const homeOf = (directory: string): { agents: string; owners: string } => ({
  agents: join(directory, 'agents'),
  owners: join(directory, 'owners'),
});

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export type Row = Readonly<Record<string, unknown>>;

/** Inserts one row by name, as the login of `client`. */
export async function insert(client: pg.Client, table: string, row: Row): Promise<void> {
  const columns = Object.keys(row);
  await client.query(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(row),
  );
}

/** First column of the first row. */
export async function one<T>(client: pg.Client, text: string, values: readonly unknown[] = []): Promise<T> {
  const { rows } = await client.query({ text, values: [...values], rowMode: 'array' });
  return (rows as unknown as T[][])[0]?.[0] as T;
}

/** Resolves when `probe` gives true; polls, since another process changes what it looks at. */
export async function until(probe: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${probe}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
