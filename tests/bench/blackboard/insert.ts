// How many claims a second: through every trigger, policy, index and the outbox, against rows of the same width put by pgbench
// into a table without any of that on the same server.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { type Figure, figure } from '../figure.js';
import { type Author, authorOf, insertClaims } from './claims.js';
import { type Agent, type BenchGround, connected } from './ground.js';

const SECONDS = 5;
const BATCH = 100;
/** No login has more. */
const PER_LOGIN = 12;

export async function inserts(ground: BenchGround, progress: (line: string) => void): Promise<Figure[]> {
  const logins: Agent[] = [];
  for (let i = 0; i < Math.ceil(64 / PER_LOGIN); i++)
    logins.push(await ground.enrol('explorer', `writer-${i}`, `bench-${i}`));
  const authors: Author[] = [];
  const clients: pg.Client[] = [];
  for (let i = 0; i < 64; i++) {
    const login = logins[Math.floor(i / PER_LOGIN)]!;
    // A lease for each connection, as each has its own work.
    authors.push(await authorOf(ground, login, i < 4 ? 40_000 : 6000));
    clients.push(await connected(login.url));
  }
  const ours = async (count: number, batch = 1): Promise<number> => {
    // What was written before is not this one's to flush.
    await ground.admin.query('checkpoint');
    return perSecond(count, async (i) => (await insertClaims(clients[i]!, authors[i]!, batch)).length);
  };
  await ours(4);
  const { rows } = await ground.admin.query<{ width: number }>(
    'select ceil(avg(pg_column_size(c.*)))::int as width from (select * from board.claim limit 100) c',
  );
  const width = rows[0]!.width;
  await ground.admin.query('create table bench_plain (id uuid, body text)');
  const tool = pgbench();
  const note = tool === null ? 'a plain loop, pgbench was not found' : 'pgbench';
  const out: Figure[] = [];
  try {
    let single = 0;
    for (const count of [1, 16, 64]) {
      progress(`inserts over ${count} connections`);
      const reference =
        tool === null ? await plain(ground, count, width) : withPgbench(tool, ground.url, count, width);
      const rate = await ours(count);
      single ||= rate;
      out.push(
        figure(
          `insert_${count}`,
          '1/s',
          rate,
          reference,
          `claims one by one over ${count} connections, with outbox; reference: ${note}, plain rows of ${width} B, no index`,
        ),
      );
    }
    progress('batched inserts');
    out.push(
      figure(
        'insert_batched',
        '1/s',
        await ours(4, BATCH),
        single,
        `claims by ${BATCH} to a statement over 4 connections; reference: insert_1`,
      ),
    );
    return out;
  } finally {
    for (const client of clients) await client.end();
    await ground.admin.query('drop table bench_plain');
  }
}

/** Rows a second of `count` loops side by side. */
async function perSecond(count: number, step: (worker: number) => Promise<number>): Promise<number> {
  const began = performance.now();
  let rows = 0;
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      while (performance.now() - began < SECONDS * 1000) {
        // Not in one expression: it would read the sum before it waits.
        const done = await step(i);
        rows += done;
      }
    }),
  );
  return (1000 * rows) / (performance.now() - began);
}

async function plain(ground: BenchGround, count: number, width: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: count }, () => connected(ground.url)));
  const body = 'x'.repeat(width - 16);
  try {
    return await perSecond(count, async (i) => {
      await clients[i]!.query({
        name: 'plain',
        text: 'insert into bench_plain values (gen_random_uuid(), $1)',
        values: [body],
      });
      return 1;
    });
  } finally {
    for (const client of clients) await client.end();
  }
}

/** pgbench of the path or of Debian's postgresql-contrib; null where there is none. */
function pgbench(): string | null {
  const debian = '/usr/lib/postgresql';
  const places = [
    ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin/pgbench')) : []),
    'pgbench',
  ];
  return places.find((path) => spawnSync(path, ['--version']).status === 0) ?? null;
}

function withPgbench(tool: string, url: string, count: number, width: number): number {
  const directory = mkdtempSync(join(tmpdir(), 'swarm-bench-'));
  try {
    const script = join(directory, 'insert.sql');
    // Not one character over and over: what is stored must not shrink.
    const body = Array.from({ length: width - 20 }, (_, i) => ((i * 7919) % 36).toString(36)).join('');
    writeFileSync(script, `insert into bench_plain values (gen_random_uuid(), '${body}');\n`);
    const at = new URL(url);
    const run = spawnSync(
      tool,
      [
        '-n',
        '-M',
        'prepared',
        '-c',
        String(count),
        '-j',
        '2',
        '-T',
        String(SECONDS),
        '-f',
        script,
        at.pathname.slice(1),
      ],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          PGHOST: at.hostname,
          PGPORT: at.port,
          PGUSER: at.username,
          PGPASSWORD: at.password,
        },
      },
    );
    const tps = /tps = ([\d.]+)/.exec(run.stdout);
    if (tps === null) throw new Error(`pgbench: ${run.stderr}`);
    return Number(tps[1]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
