// `swarm doctor`: looks at everything that a swarm stands on and says what is wrong and what to do; changes nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../blackboard/db.js';
import { natsServers } from '../../blackboard/events/connect.js';
import { connectAdmin } from '../admin.js';
import { defaultRoot, type Home, openHome } from '../services/home.js';
import { greet } from '../services/nats-server.js';
import { portsFrom } from '../services/ports.js';
import { databaseOf, storeItself } from '../where.js';
import { examineDatabase } from './database.js';
import { type Finding, failure, ok, warning } from './finding.js';
import { examineDisks, examineFiles, examineNode } from './machine.js';

const FOUND_FAILURES = 1;

export async function doctorCommand(o: { home?: string; json?: boolean }): Promise<number> {
  const root = o.home ?? defaultRoot();
  // Looking never creates a home.
  const home = existsSync(join(root, 'settings.json')) ? openHome(root) : null;
  const found: Finding[] = [examineNode()];
  if (home !== null) found.push(...examineFiles(home.root));
  found.push(...examineDisks(home === null ? [process.cwd()] : [home.root, home.pgdata, home.artifacts]));
  found.push(...(await examineBlackboard(o.home, home)));
  found.push(...(await examineNats(home)));
  const write = (text: string): void => void process.stdout.write(`${text}\n`);
  if (o.json) write(JSON.stringify(found));
  else for (const one of found) write(render(one));
  return found.some((f) => f.level === 'failure') ? FOUND_FAILURES : 0;
}

function render({ check, level, message, hint }: Finding): string {
  const mark = { ok: 'ok     ', warning: 'warning', failure: 'FAILURE' }[level];
  return `${mark}  ${check.padEnd(12)}  ${message}${hint === undefined ? '' : `\n${' '.repeat(23)}${hint}`}`;
}

/** The database, and the artifacts that it says are served. */
async function examineBlackboard(path: string | undefined, home: Home | null): Promise<Finding[]> {
  let client: Awaited<ReturnType<typeof connectAdmin>>;
  try {
    client = await connectAdmin(databaseOf(path), 'swarm doctor');
  } catch (error) {
    return [failed('database', error)];
  }
  try {
    await client.query('set default_transaction_read_only = on');
    const found = [ok('database', 'answers'), ...(await examineDatabase(client))];
    if (found.some((f) => f.check === 'schema' && f.level === 'failure')) return found;
    const { rows } = await client.query<{ slot: string; artifact: string }>(
      `select distinct on (slot) slot, artifact from board.promotion order by slot, reign desc`,
    );
    return [...found, ...(await examineArtifacts(rows, home))];
  } catch (error) {
    return [failed('database', error)];
  } finally {
    await client.end();
  }
}

/** Whether the store has, whole, what serves now. */
async function examineArtifacts(
  champions: readonly { slot: string; artifact: string }[],
  home: Home | null,
): Promise<Finding[]> {
  try {
    const store = await storeItself(home?.artifacts);
    if (store === null) return [warning('artifacts', 'not looked at', 'Name the home, or set SWARM_S3_*.')];
    const found: Finding[] = [];
    for (const { slot, artifact } of champions) {
      try {
        await store.get(artifact);
      } catch (error) {
        found.push(failed('artifacts', error, `champion of ${slot}: `));
      }
    }
    return found.length > 0
      ? found
      : [ok('artifacts', `the store has the champions of ${champions.length} slots`)];
  } catch (error) {
    return [failed('artifacts', error)];
  }
}

async function examineNats(home: Home | null): Promise<Finding[]> {
  const named = process.env['SWARM_NATS_URL'];
  if (named === undefined && home === null)
    return [warning('nats', 'not looked at', 'Name the home, or set SWARM_NATS_URL.')];
  const address = named ?? `nats://127.0.0.1:${portsFrom(home?.settings.ports.base).nats}`;
  try {
    return await Promise.all(natsServers(address).map(examineServer));
  } catch (error) {
    return [failed('nats', error)];
  }
}

/** The server's own greeting: it tells version and JetStream to anybody. */
async function examineServer(url: URL): Promise<Finding> {
  const without = 'The swarm works on without it, by its sweep alone: a little later.';
  const greeting = await greet(Number(url.port || 4222), url.hostname.replace(/^\[|\]$/g, ''));
  if (greeting === null) return warning('nats', `no server at ${url.host}`, without);
  const version = /"version":\s*"([^"]*)"/.exec(greeting)?.[1] ?? 'of no stated version';
  if (!/"jetstream":\s*true/.test(greeting))
    return failure(
      'nats',
      `${version} at ${url.host} runs without JetStream`,
      'Start it with `jetstream: enabled`.',
    );
  return ok('nats', `${version} with JetStream at ${url.host}`);
}

function failed(check: string, error: unknown, before = ''): Finding {
  const { code, message, hint } = explain(error) as Error & { code?: string; hint?: string };
  return failure(
    check,
    `${before}${code === undefined ? '' : `${code}: `}${message}`,
    hint ?? 'See the message.',
  );
}
