// `swarm reproduce`: the searching half of the swarm, one process at a time on a held clock. Equal seed, bars and number of
// experiments give equal artifacts and equal verdict numbers: the printed digest is over all of them.
import { spawn } from 'node:child_process';
import type pg from 'pg';
import { sha256 } from '../blackboard/artifacts.js';
import { SwarmError } from '../blackboard/errors.js';
import { enrolIn } from '../blackboard/identity/enrol.js';
import { loadProfile } from '../miner/sn50/profile.js';
import { connectAdmin, publicAddress } from './admin.js';
import { plainEnvironment } from './services/child.js';
import { compiledEntry } from './services/entries.js';
import { changeSettings, type Home, openHome } from './services/home.js';
import { lockHome } from './services/lock.js';
import { portsFrom } from './services/ports.js';
import { Supervisor } from './services/supervisor.js';
import { table } from './status/render.js';
import { temporaryHome } from './temporary.js';
import { chosenSource } from './up/command.js';
import { fleet, type Member } from './up/fleet.js';
import { openMarket } from './up/market.js';
import { database } from './up/up.js';

export interface ReproduceArguments {
  readonly home?: string;
  readonly bars?: string;
  readonly market?: 'replay' | 'simulated';
  readonly assets?: string[];
  readonly from?: Date;
  readonly seed: string;
  readonly profile: string;
  readonly experiments: number;
  readonly ports: number;
  readonly json?: boolean;
}

interface Row {
  readonly agent: string;
  readonly slot: string;
  readonly artifact: string;
  readonly gain: number;
  readonly claimed: boolean;
  readonly verdicts: { checker: string; gain: number; se: number; champion_t: number }[];
}

export async function reproduceCommand(o: ReproduceArguments): Promise<void> {
  const source = chosenSource(o);
  const temporary = o.home === undefined ? temporaryHome() : null;
  const home = changeSettings(temporary?.home ?? openHome(o.home), { ports: { base: o.ports } });
  const lock = lockHome(home);
  const supervisor = new Supervisor(home);
  let admin: pg.Client | null = null;
  try {
    const url = await database(supervisor, home, portsFrom(o.ports).postgres);
    admin = await connectAdmin(url, 'swarm reproduce');
    const market = await openMarket(
      admin,
      {
        source,
        bars: o.bars,
        assets: o.assets,
        speed: 0,
        seed: o.seed,
        profile: loadProfile(o.profile),
        from: o.from,
        repeatable: true,
      },
      (line) => process.stderr.write(`${line}\n`),
    );
    const members = fleet({
      thinking: { strategist: 'evolve', env: {} },
      explorers: 2,
      optimizers: 1,
      saboteurs: 0,
      events: false,
      fed: false,
      feedEnv: {},
      minerPort: 0,
      spool: '',
    }).filter((m) => m.role !== 'miner' && m.role !== 'validator');
    const run = await runner(admin, home, publicAddress(url), o.seed, members);
    await run('publisher', ['--drain']);
    // Checkers are drawn among those that are present: all of them, however long one experiment takes on this machine.
    for (const checker of members.filter((m) => m.role === 'checker')) await run(checker.name, ['--drain']);
    const searchers = members.filter((m) => m.role === 'explorer' || m.role === 'optimizer');
    for (let i = 0; i < o.experiments; i++) {
      await run(searchers[i % searchers.length]!.name, ['--once']);
      for (const checker of members.filter((m) => m.role === 'checker')) await run(checker.name, ['--drain']);
      process.stderr.write(`experiment ${i + 1} of ${o.experiments}\n`);
    }
    print(await results(admin), market.dataset_digest, o);
  } finally {
    await admin?.end();
    await supervisor.stop();
    lock.release();
    temporary?.remove();
  }
}

type Run = (name: string, args: readonly string[]) => Promise<void>;

/** Runs one agent at a time, by name or by role, to its end. */
async function runner(
  admin: pg.Client,
  home: Home,
  address: string,
  seed: string,
  members: readonly Member[],
): Promise<Run> {
  const paths = new Map<string, { member: Member; path: string }>();
  for (const member of members)
    paths.set(member.name, { member, path: (await enrolIn(admin, home, member)).path });
  return async (name, args) => {
    const { member, path } = paths.get(name) ?? [...paths.values()].find((p) => p.member.role === name)!;
    await admin.query(`update board.presence set beat_at = clock_timestamp() + interval '1 hour'`);
    return new Promise((resolve, reject) => {
      const child = spawn(
        process.execPath,
        [
          compiledEntry('cli/main.js'),
          'agent',
          member.role,
          '--agent-file',
          path,
          '--blackboard',
          address,
          '--artifacts',
          home.artifacts,
          '--seed',
          seed,
          ...(member.args ?? []),
          ...args,
        ],
        // No SWARM_S3_*: equal input gives equal output from this machine's files alone.
        { stdio: ['ignore', 'ignore', 'pipe'], env: plainEnvironment() },
      );
      let log = '';
      child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
      child.on('error', reject);
      child.on('exit', (code) =>
        code === 0
          ? resolve()
          : reject(
              new SwarmError(
                'SWARM_E_SERVICE_START',
                `${member.name} ended with code ${code}`,
                `Its last words:\n${log}`,
              ),
            ),
      );
    });
  };
}

async function results(admin: pg.Client): Promise<Row[]> {
  const { rows } = await admin.query<Row>(
    `select a.name as agent, e.slot, e.artifact, e.gain, c.id is not null as claimed,
       coalesce((select json_agg(json_build_object('checker', k.name, 'gain', v.verified_gain, 'se', v.verified_se, 'champion_t', v.champion_t) order by k.name)
                 from board.verdict v join board.agent k on k.id = v.agent_id where v.claim_id = c.id), '[]') as verdicts
     from board.experiment e join board.agent a on a.id = e.agent_id left join board.claim c on c.experiment_id = e.id order by e.at`,
  );
  return rows;
}

function print(rows: readonly Row[], dataset_digest: string, o: ReproduceArguments): void {
  const digest = sha256(JSON.stringify(rows));
  if (o.json) {
    process.stdout.write(`${JSON.stringify({ digest, dataset_digest, seed: o.seed, experiments: rows })}\n`);
    return;
  }
  const cells = rows.map((r) => [
    r.agent,
    r.slot,
    r.artifact.slice(0, 16),
    r.gain.toFixed(6),
    r.claimed ? 'claimed' : '-',
    r.verdicts.map((v) => `${v.checker} ${v.gain.toFixed(6)}`).join(', '),
  ]);
  process.stdout.write(
    `${table(['agent', 'slot', 'artifact', 'public gain', 'claim', 'verdicts'], cells)}\n\ndataset ${dataset_digest}, seed ${o.seed}\ndigest ${digest}\n`,
  );
}
