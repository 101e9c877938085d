// `swarm up`: services, market, fleet, one after the other with progress on stderr; then the swarm runs by itself until
// the time is over or it is asked to stop, and ends with a summary on stdout.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { openDb } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { natsServers } from '../../blackboard/events/connect.js';
import { pause } from '../../blackboard/events/doorbell.js';
import { enrolIn } from '../../blackboard/identity/enrol.js';
import { listNatsAgents } from '../../blackboard/identity/list.js';
import { endOverdue } from '../../blackboard/identity/register.js';
import { feedEnvironment } from '../../miner/prices/live/open.js';
import { connectAdmin, migrateAll, ownDatabase, publicAddress } from '../admin.js';
import { changeSettings, type Home, openHome } from '../services/home.js';
import { lockHome } from '../services/lock.js';
import { startNats } from '../services/nats.js';
import { writeUsers } from '../services/nats-server.js';
import { assertPortFree, portsFrom } from '../services/ports.js';
import { startPostgres } from '../services/postgres.js';
import { Supervisor } from '../services/supervisor.js';
import { readStatus, type Status } from '../status/read.js';
import { render } from '../status/render.js';
import { type AxonChoice, fleet, type Member, minerFleet } from './fleet.js';
import { type MarketChoice, openMarket, setSpeed } from './market.js';
import { forgetKey, type Thinking, thinkingOf } from './models.js';
import { lookAtStore, storeEnvironment, usesArtifacts } from './store.js';
import { summary } from './summary.js';

export interface UpOptions {
  readonly home?: string | undefined;
  readonly base?: number | undefined;
  readonly market: MarketChoice;
  readonly minutes?: number | undefined;
  readonly explorers: number;
  /** What they search by; absent: models where there is a key, or evolution. */
  readonly strategist?: Thinking['strategist'] | undefined;
  readonly optimizers: number;
  readonly saboteurs: number;
  readonly events: boolean;
  /** A miner alone, with the wire protocol in front of it. */
  readonly axon?: AxonChoice;
}

const say = (line: string): void =>
  void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const READY_MS = 90_000;
const REPORT_MS = 15_000;
const MINUTE_MS = 60_000;

export async function up(options: UpOptions): Promise<number> {
  let home = openHome(options.home);
  const lock = lockHome(home);
  const supervisor = new Supervisor(home);
  const stop = new AbortController();
  const asked = (): void => {
    if (stop.signal.aborted) void supervisor.stop({ force: true }).then(() => process.exit(130));
    stop.abort();
  };
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  let admin: pg.Client | null = null;
  try {
    if (options.base !== undefined) home = changeSettings(home, { ports: { base: options.base } });
    const thinking = thinkingOf(
      process.env,
      home.state,
      options.axon === undefined ? options.strategist : 'evolve',
    );
    const ports = portsFrom(home.settings.ports.base);
    await assertPortFree(ports.miner, 'the miner');
    watch(supervisor, stop.signal);
    const databaseUrl = await database(supervisor, home, ports.postgres);
    const store = storeEnvironment(process.env, home.state);
    say(`artifacts: ${await lookAtStore(home.artifacts, store)}`);
    if (options.axon === undefined)
      say(
        thinking.strategist === 'evolve'
          ? 'explorers evolve; with SWARM_LLM_API_KEY they ask language models (docs/agents.md)'
          : `explorers ask the language models of ${thinking.env['SWARM_LLM_BASE_URL'] ?? 'Chutes'}; \`swarm budget\` has their caps`,
      );
    const natsFile = await events(supervisor, home, ports.nats, options.events);
    admin = await connectAdmin(databaseUrl, 'swarm up');
    const market = await openMarket(admin, options.market, say);
    say(
      `${options.market.source === 'replay' ? 'replay' : `${options.market.source} market`}, dataset ${market.dataset_digest.slice(0, 12)}: ${market.continued ? 'continues' : 'begins'} at ${market.market_at.toISOString()}, slots ${market.slots.join(', ')}`,
    );
    const size = {
      ...options,
      thinking,
      events: natsFile !== null,
      fed: options.market.source !== 'replay',
      feedEnv: feedEnvironment(process.env),
      minerPort: ports.miner,
      spool: join(home.state, 'validator'),
    };
    const members = options.axon === undefined ? fleet(size) : minerFleet(size, options.axon);
    await start(supervisor, home, admin, members, {
      address: publicAddress(databaseUrl),
      natsFile,
      seed: options.market.seed,
      store,
    });
    await ready(admin, members.length, stop.signal);
    await setSpeed(admin, options.market.speed, 'running');
    say(
      `the swarm runs: ${members.length} processes, market at ${options.market.speed}x; logs in ${home.logs}; watch with \`swarm status --watch\``,
    );
    await run(databaseUrl, admin, options.minutes, market.data_to, stop.signal);
    say('stopping');
    return await end(supervisor, databaseUrl);
  } finally {
    await admin?.end();
    await supervisor.stop();
    forgetKey(home.state);
    lock.release();
  }
}

/** Starts the embedded Postgres, or takes the one that SWARM_DATABASE_URL names, with every migration applied. */
export async function database(supervisor: Supervisor, home: Home, port: number): Promise<string> {
  const external = process.env['SWARM_DATABASE_URL'];
  const url = external ?? (await ownDatabase((await startPostgres(supervisor, home, port)).adminUrl));
  const applied = await migrateAll(url);
  say(
    `Postgres: ${external === undefined ? `embedded, port ${port}` : 'external'}${applied.length > 0 ? `, ${applied.length} migrations applied` : ''}`,
  );
  return url;
}

async function events(
  supervisor: Supervisor,
  home: Home,
  port: number,
  wanted: boolean,
): Promise<string | null> {
  const external = process.env['SWARM_NATS_URL'];
  // Refused here, rather than by every agent.
  if (external !== undefined) natsServers(external);
  const nats =
    external !== undefined
      ? { mode: 'jetstream' as const, url: external, version: 'external' }
      : wanted
        ? await startNats(supervisor, home, port, { install: true })
        : { mode: 'none' as const, reason: 'not wanted' };
  if (nats.mode === 'none') {
    say(`NATS: none (${nats.reason}). The swarm runs on its sweep alone: the same results, a little later.`);
    return null;
  }
  const file = join(home.state, 'nats.url');
  writeFileSync(file, nats.url, { mode: 0o600 });
  say(`NATS: ${nats.version}${external === undefined ? `, port ${port}` : ''}`);
  return file;
}

async function start(
  supervisor: Supervisor,
  home: Home,
  admin: pg.Client,
  members: readonly Member[],
  common: { address: string; natsFile: string | null; seed: string; store: Record<string, string> },
): Promise<void> {
  const paths = new Map<Member, string>();
  for (const member of members) paths.set(member, (await enrolIn(admin, home, member)).path);
  const { agents, database } = await listNatsAgents(admin);
  writeUsers(home.nats, home.settings.nats, agents, database);
  for (const member of members) {
    supervisor.spawn({
      name: member.name,
      entry: 'cli/main.js',
      args: [
        'agent',
        member.role,
        '--agent-file',
        paths.get(member)!,
        '--blackboard',
        common.address,
        '--artifacts',
        home.artifacts,
        '--seed',
        common.seed,
        ...(common.natsFile === null ? [] : ['--nats-file', common.natsFile]),
        ...(member.args ?? []),
      ],
      env: { ...(usesArtifacts(member.role) ? common.store : {}), ...member.env },
    });
  }
}

/** Waits until every agent has been heard of since now. */
async function ready(admin: pg.Client, wanted: number, signal: AbortSignal): Promise<void> {
  const since = (await admin.query<{ now: Date }>('select clock_timestamp() as now')).rows[0]!.now;
  for (const until = Date.now() + READY_MS; !signal.aborted; await pause(200, signal)) {
    const { rows } = await admin.query<{ n: string }>(
      `select count(*) as n from board.presence where beat_at > $1::timestamptz and state not in ('starting', 'stopped')`,
      [since],
    );
    if (Number(rows[0]!.n) >= wanted) return;
    if (Date.now() > until)
      throw new SwarmError(
        'SWARM_E_SERVICE_START',
        `${rows[0]!.n} of ${wanted} processes reported within ${READY_MS / 1000} s`,
        'The log files say why; see the logs directory of the home.',
      );
  }
}

function watch(supervisor: Supervisor, stopping: AbortSignal): void {
  supervisor.on('exited', (event) => {
    if (!event.expected && !stopping.aborted)
      say(
        `${event.name} ended (${event.signal ?? `code ${event.code}`})${event.restartInMs === null ? ' and is not started again' : `, starts again in ${event.restartInMs / 1000} s`}`,
      );
  });
  supervisor.on('restarted', (event) => say(`${event.name} is back (pid ${event.pid})`));
}

async function run(
  databaseUrl: string,
  admin: pg.Client,
  minutes: number | undefined,
  data_to: Date | null,
  signal: AbortSignal,
): Promise<void> {
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * MINUTE_MS;
  const db = openDb({ url: databaseUrl, name: 'swarm up progress', connections: 2 });
  try {
    while (!signal.aborted && Date.now() < until) {
      await pause(Math.min(REPORT_MS, until - Date.now()), signal);
      const ended = await endOverdue(admin).catch(() => 0);
      if (ended > 0) say(`ended ${ended} sessions of agents that held a transaction open for minutes`);
      const status = await readStatus(db).catch((error) =>
        say(`status: ${error instanceof Error ? error.message : error}`),
      );
      if (!status) continue;
      say(progress(status));
      if (data_to !== null && new Date(status.market.market_now) >= data_to)
        return say('the replay has reached the end of its bars');
    }
  } finally {
    await db.destroy();
  }
}

function progress({ market, counts: n, slots }: Status): string {
  const open = slots.flatMap((s) =>
    s.challengers
      .filter((c) => c.stage === 'shadow')
      .map((c) => `${s.slot} ${c.windows}w E ${c.e_value.toPrecision(3)}/${c.threshold.toFixed(0)}`),
  );
  return `market ${market.market_now.slice(0, 16)}  experiments ${n.experiments}  claims ${n.claims}  verdicts ${n.verdicts}  promotions ${n.promotions}  answered ${n.prompts_answered}  scored ${n.prompts_scored}${open.length > 0 ? `  shadow: ${open.slice(0, 3).join(', ')}` : ''}`;
}

/** Reads the last word while everybody still lives, holds the clock, prints, and stops everything. */
async function end(supervisor: Supervisor, databaseUrl: string): Promise<number> {
  const db = openDb({ url: databaseUrl, name: 'swarm up summary', connections: 2 });
  const admin = await connectAdmin(databaseUrl, 'swarm up end');
  try {
    const status = await readStatus(db);
    await setSpeed(admin, 0, 'stopped');
    if (status !== null) process.stdout.write(`${render(status)}\n\n${await summary(db, status)}\n`);
  } finally {
    await admin.end();
    await db.destroy();
  }
  await supervisor.stop();
  return 0;
}
