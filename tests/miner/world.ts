// A small swarm for tests: a real database with every migration, a few days of simulated bars, a held market clock,
// and enrolled agents with contexts of their own. Nothing runs until a test opens it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import pino from 'pino';
import { type AgentContext, openContext } from '../../agents/runtime/context.js';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { connectAdmin, migrateAll, publicAddress } from '../../cli/admin.js';
import { simulatedMarket } from '../../miner/market/simulated.js';
import { columnsOf, simulatedBars } from '../../miner/prices/simulated.js';
import { homeOf } from '../blackboard/board.js';
import { setRules } from '../blackboard/rules.js';
import { freshDatabase } from '../postgres.js';
import { type Door, openDoor } from './proxy.js';

export const DAY_S = 86_400;
/** 2024-06-10, on whole days from the simulation's epoch. */
export const NOW_S = 1_717_977_600;

export interface World {
  readonly admin: pg.Client;
  readonly url: string;
  /** Where this world keeps files; removed with it. */
  readonly directory: string;
  /** Enrols an agent and opens its context. Contexts are closed with the world. */
  agent(role: AgentRole, name?: string, owner?: string, machine?: Machine): Promise<AgentContext>;
  /** A new administrator's connection, after the server was restarted. */
  reconnect(): Promise<void>;
  /** Another administrator's connection, for looking while the first one waits. The caller ends it. */
  look(): Promise<pg.Client>;
  /** Moves the held clock. */
  clock(at_s: number): Promise<void>;
  /** The agents' way to the database: shut it, and it is away for them. */
  readonly door: Door;
  /** Address of the blackboard as agents are told it, through the door. */
  readonly blackboard: string;
  close(): Promise<void>;
}

/** Where an agent runs, if not where the others do. */
export interface Machine {
  readonly artifacts?: string;
  readonly env?: Environment;
}

export interface WorldOptions {
  readonly assets?: readonly string[];
  readonly slots?: readonly string[];
  /** Days of bars before the clock's reading. */
  readonly past?: number;
  /** Days of bars after it, hidden by the clock. */
  readonly ahead?: number;
  readonly source?: 'simulated' | 'replay';
  /** A superuser's address of the server, where it is not everybody's. */
  readonly server?: string;
}

export async function openWorld(name: string, options: WorldOptions = {}): Promise<World> {
  const { assets = ['BTC'], slots = ['24h/BTC'], past = 12, ahead = 2, source = 'simulated' } = options;
  const database = await freshDatabase(name, options.server);
  await migrateAll(database.url);
  let admin = await connectAdmin(database.url, 'test world');
  // A test may crown whom it likes (reign.ts).
  await setRules(admin, 'disable', ['gate']);
  for (const asset of assets) await fill(admin, asset, NOW_S - past * DAY_S, NOW_S + ahead * DAY_S);
  await admin.query(`insert into board.beacon (secret) values (repeat('b', 64))`);
  await admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
     values ($1, repeat('d', 64), '1', '2026-05', $2, to_timestamp($3), to_timestamp($4), 0)`,
    [source, slots, NOW_S, NOW_S - past * DAY_S],
  );
  const directory = mkdtempSync(join(tmpdir(), 'swarm-world-'));
  mkdirSync(join(directory, 'artifacts'));
  const contexts: { context: AgentContext; stop: AbortController }[] = [];
  const behind = new URL(database.url);
  const door = await openDoor(behind.hostname, Number(behind.port));
  behind.port = String(door.port);
  const blackboard = publicAddress(behind.href);
  return {
    get admin() {
      return admin;
    },
    async reconnect() {
      await admin.end().catch(() => undefined);
      admin = await connectAdmin(database.url, 'test world');
    },
    look: () => connectAdmin(database.url, 'test look'),
    url: database.url,
    door,
    blackboard,
    directory,
    async agent(role, agentName = role, owner = `${agentName}-owner`, machine = {}) {
      const { path } = await enrolIn(admin, homeOf(directory), { name: agentName, owner, role });
      const stop = new AbortController();
      const context = await openContext(
        {
          agentFile: path,
          blackboard,
          artifacts: join(directory, machine.artifacts ?? 'artifacts'),
          seed: '1',
          env: machine.env ?? {},
        },
        [],
        stop.signal,
      );
      const quiet = { ...context, log: pino({ level: 'silent' }) };
      contexts.push({ context: quiet, stop });
      return quiet;
    },
    async clock(at_s) {
      await admin.query(
        `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed)
         select source, dataset_digest, seed, profile, slots, to_timestamp($1), data_from, data_to, 0 from market.clock order by id desc limit 1`,
        [at_s],
      );
    },
    async close() {
      for (const { context, stop } of contexts) {
        stop.abort();
        await context.close();
      }
      await door.shut();
      await admin.end();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function fill(admin: pg.Client, asset: string, from_s: number, to_s: number): Promise<void> {
  for (const { step_s, bars } of simulatedBars(simulatedMarket('1', asset), from_s, to_s)) {
    const { rows } = await admin.query<{ id: number }>(
      `insert into market.series (asset, step_s, source, digest, rows) values ($1, $2, 'simulated', 'test', $3) returning id`,
      [asset, step_s, bars.open_s.length],
    );
    await admin.query(
      'insert into market.bar (series_id, open_s, open, high, low, close) select $1, * from unnest($2::bigint[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])',
      [rows[0]!.id, ...columnsOf(bars)],
    );
  }
}

/** One number from the database. */
export async function count(world: World, sql: string, values: unknown[] = []): Promise<number> {
  const { rows } = await world.admin.query<{ n: string }>(sql, values);
  return Number(rows[0]!.n);
}
