// What reading costs in a database that has grown: a million claims, three million verdicts, a hundred thousand patterns.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openDb } from '../../../blackboard/db.js';
import { brief } from '../../../trust/briefing.js';
import { type Figure, figure, quantile, timed } from '../figure.js';
import { type BenchGround, connected, SLOTS } from './ground.js';
import { load } from './load.js';

const PROGRAM = fileURLToPath(new URL('../../../cli/main.js', import.meta.url));

export async function million(ground: BenchGround, progress: (line: string) => void): Promise<Figure[]> {
  const claims = Number(process.env['SWARM_BENCH_CLAIMS'] ?? 1_000_000);
  const { admin } = ground;
  await load(admin, { claims, patterns: claims / 10 }, progress);
  progress('derived tables');
  const began = performance.now();
  await rebuild(ground);
  progress(`derived tables: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  await admin.query('vacuum analyze');
  const of = `${claims} claims, ${3 * claims} verdicts, ${claims / 10} patterns; reference: the aim`;
  const explorer = await ground.enrol('explorer', 'million', 'owner-7');
  const db = openDb({ url: explorer.url, name: 'bench' });
  progress('briefings');
  const briefed = (run: number) => brief(db, SLOTS[run % SLOTS.length]!, Math.random);
  // An agent lives for days: its first briefings wait for plans and compiled code.
  await timed(5, briefed);
  const briefings = await timed(200, briefed);
  await db.destroy();
  progress('status');
  const status = await timed(10, () => {
    const run = spawnSync(process.execPath, [PROGRAM, 'status', '--json'], {
      env: { ...process.env, SWARM_DATABASE_URL: ground.url },
      encoding: 'utf8',
    });
    if (!run.stdout.includes('"counts"')) throw new Error(`swarm status: ${run.stderr}`);
  });
  progress('trust');
  const trust = await timed(10, () => admin.query('select * from trust.owner'));
  const turns = await turnsOf(ground);
  const { rows } = await admin.query<{ bytes: number }>(
    `select sum(pg_total_relation_size(c.oid))::float8 as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('board', 'trust') and c.relkind in ('r', 'm')`,
  );
  return [
    figure(
      'briefing_p99_1m',
      'ms',
      quantile(briefings, 0.99),
      25,
      `p50 ${quantile(briefings, 0.5).toFixed(1)} ms; the first six not counted; ${of}`,
    ),
    figure(
      'status_wall_1m',
      'ms',
      quantile(status, 0.5),
      400,
      `swarm status --json with Node's start; ${of}`,
    ),
    figure('trust_all_1m', 'ms', quantile(trust, 0.5), 500, `trust of every owner; ${of}`),
    figure(
      'check_turn_1m',
      'ms',
      quantile(turns, 0.5),
      500,
      `what a checker does next, of ${claims / 1000} claims that wait; ${of}`,
    ),
    figure(
      'bytes_per_claim',
      'B',
      rows[0]!.bytes / claims,
      8192,
      `claim, experiment, decision, three verdicts, derived rows, indexes; reference: 8 KiB`,
    ),
  ];
}

/** How long a checker waits for what it is to do, alone in a fleet of claims that nobody has checked. */
async function turnsOf(ground: BenchGround): Promise<number[]> {
  const checker = await ground.enrol('checker', 'million-check', 'owner-of-checks');
  const client = await connected(checker.url);
  try {
    await client.query(`select board.beat(1, 'bench', 'waiting', null)`);
    return await timed(10, async () => {
      const { rowCount } = await client.query('select * from trust.my_turn order by place limit 20');
      if (rowCount === 0) throw new Error('nobody has a turn: nothing was measured');
    });
  } finally {
    await client.end();
  }
}

/** What the database derives from records that were written past its triggers. */
async function rebuild({ admin }: BenchGround): Promise<void> {
  const { rowCount } = await admin.query(
    `select from pg_proc where pronamespace = 'trust'::regnamespace and proname = 'rebuild'`,
  );
  if (rowCount) await admin.query('select trust.rebuild()');
}
