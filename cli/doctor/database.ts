// The doctor's look at the database: version, schema, clocks, rights, agents, lag. Reads only.
import type pg from 'pg';
import { listAgents } from '../../blackboard/identity/list.js';
import { agentRoles } from '../../blackboard/identity/roles.js';
import { pending } from '../../blackboard/migrate.js';
import { allMigrations } from '../../trust/migrations.js';
import { type Finding, failure, ok, warning } from './finding.js';

const [OLDEST, NEWEST] = [15, 18];
/** A lease lasts 30 s by the database's clock: a machine this far off still works, and misreads every log. */
const CLOCK_S = 2;
/** Certificates and signatures of requests to a bucket go wrong beyond it. */
const CLOCK_LIMIT_S = 60;
const LAG_S = 60;
const SILENT_S = 60;
const OPEN_S = 300;
/** The roles that carry rights, by name: a closed login is called alike and may not log in either. */
const KINDS = [...agentRoles, 'reader'].map((kind) => `swarm_${kind}`);

type Check = (admin: pg.Client) => Promise<Finding[]>;

/** Every check in order; one that the database refuses is a failure of its own. */
export async function examineDatabase(admin: pg.Client): Promise<Finding[]> {
  const found: Finding[] = [];
  const { version, current } = await schemaOf(admin);
  found.push(...version);
  // What follows reads tables of the present schema.
  const rest: readonly [string, Check][] = current
    ? [
        ['clock', clock],
        ['rights', rights],
        ['agents', agents],
        ['outbox', outbox],
        ['sessions', sessions],
      ]
    : [['clock', clock]];
  for (const [name, check] of rest) {
    try {
      found.push(...(await check(admin)));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      found.push(
        failure(name, `could not be examined: ${what}`, 'Log in with the rights of the blackboard’s owner.'),
      );
    }
  }
  return found;
}

async function schemaOf(admin: pg.Client): Promise<{ version: Finding[]; current: boolean }> {
  const { rows } = await admin.query<{ number: number; text: string }>(
    `select current_setting('server_version_num')::int / 10000 as number, current_setting('server_version') as text`,
  );
  const { number, text } = rows[0]!;
  const server =
    number >= OLDEST && number <= NEWEST
      ? ok('postgres', text)
      : warning('postgres', `${text} is not one of ${OLDEST} to ${NEWEST}`, 'Use a version that is tested.');
  try {
    const missing = await pending(admin, allMigrations);
    if (missing.length === 0) return { version: [server, ok('schema', 'up to date')], current: true };
    const what = `${missing.length} migrations are missing: ${missing.join(', ')}`;
    return { version: [server, failure('schema', what, 'swarm db migrate')], current: false };
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    return { version: [server, failure('schema', message, hint ?? 'See the message.')], current: false };
  }
}

async function clock(admin: pg.Client): Promise<Finding[]> {
  const asked = Date.now();
  const { rows } = await admin.query<{ now: Date }>('select clock_timestamp() as now');
  const answered = Date.now();
  const off = (rows[0]!.now.getTime() - (asked + answered) / 2) / 1000;
  const size = Math.abs(off);
  const what = `this machine is ${size.toFixed(1)} s ${off > 0 ? 'behind' : 'ahead of'} the database`;
  if (size > CLOCK_LIMIT_S)
    return [failure('clock', what, 'Set the clock: run chrony or systemd-timesyncd.')];
  if (size > CLOCK_S) return [warning('clock', what, 'Run chrony or systemd-timesyncd.')];
  return [
    ok('clock', `within ${Math.max(0.1, size + (answered - asked) / 2000).toFixed(1)} s of the database`),
  ];
}

/** What an agent's login or the role of its kind must not have. */
async function rights(admin: pg.Client): Promise<Finding[]> {
  const { rows: powerful } = await admin.query<{ who: string; has: string }>(
    `select r.rolname as who, concat_ws(', ', case when r.rolsuper then 'superuser' end, case when r.rolcreaterole then 'createrole' end,
       case when r.rolcreatedb then 'createdb' end, case when r.rolbypassrls then 'bypassrls' end,
       case when r.rolreplication then 'replication' end) as has
     from pg_roles r where (r.rolname in (select login from board.agent) or r.rolname = any($1))
       and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication)`,
    [KINDS],
  );
  const { rows: joined } = await admin.query<{ who: string; has: string }>(
    `select a.name as who, string_agg(g.rolname, ', ') as has
     from board.agent a join pg_roles l on l.rolname = a.login join pg_auth_members m on m.member = l.oid join pg_roles g on g.oid = m.roleid
     where g.rolname <> 'swarm_' || a.role group by a.name`,
  );
  const { rows: writable } = await admin.query<{ who: string; has: string }>(
    `select g.who, string_agg(distinct lower(p.what) || ' on ' || c.oid::regclass, ', ') as has
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     cross join (values ('UPDATE'), ('DELETE'), ('TRUNCATE')) as p (what)
     cross join unnest($1::text[]) as g (who)
     where n.nspname in ('board', 'market', 'trust', 'part') and c.relkind in ('r', 'p') and has_table_privilege(g.who, c.oid, p.what)
     group by g.who`,
    [KINDS],
  );
  const { rows: open } = await admin.query<{ has: string }>(
    `select string_agg(distinct c.oid::regclass::text, ', ') as has from pg_class c join pg_namespace n on n.oid = c.relnamespace,
       aclexplode(c.relacl) a
     where n.nspname in ('board', 'market', 'trust', 'part') and a.grantee = 0`,
  );
  const wide = [
    ...[...powerful, ...joined, ...writable].map(({ who, has }) => `${who}: ${has}`),
    ...(open[0]?.has ? [`everybody: ${open[0].has}`] : []),
  ];
  if (wide.length === 0) return [ok('rights', 'no agent may more than its role')];
  return wide.map((what) =>
    failure('rights', `too wide: ${what}`, 'Revoke it: records are written, never changed.'),
  );
}

async function agents(admin: pg.Client): Promise<Finding[]> {
  const all = await listAgents(admin);
  const enrolled = all.filter((a) => a.state === 'enrolled');
  const found = all
    .filter((a) => a.state === 'closed' || a.state === 'unsigned')
    .map((a) =>
      warning(
        'agents',
        `${a.name} is ${a.state}`,
        'swarm agent list says what that means; give its command again.',
      ),
    );
  const { rows: silent } = await admin.query<{ name: string; age_s: number }>(
    `select name, heartbeat_age_s as age_s from fleet.agents where heartbeat_age_s between $1 and 86400 and id = any($2)`,
    [SILENT_S, enrolled.map((a) => a.id)],
  );
  for (const { name, age_s } of silent)
    found.push(
      warning(
        'agents',
        `${name} was last heard of ${Math.round(age_s)} s ago`,
        'Its log says why, if it should run.',
      ),
    );
  return [
    ...found,
    ok('agents', `${enrolled.length} enrolled, ${all.length - enrolled.length} revoked or unfinished`),
  ];
}

async function outbox(admin: pg.Client): Promise<Finding[]> {
  const { rows } = await admin.query<{ undelivered: number; oldest_s: number }>(
    'select undelivered::int, oldest_s from fleet.outbox',
  );
  const { undelivered, oldest_s } = rows[0]!;
  if (oldest_s <= LAG_S) return [ok('outbox', `${undelivered} events wait`)];
  return [
    warning(
      'outbox',
      `${undelivered} events wait, the oldest for ${Math.round(oldest_s)} s`,
      'Is a relay running, and NATS? Until then the swarm goes on by its sweep.',
    ),
  ];
}

async function sessions(admin: pg.Client): Promise<Finding[]> {
  const { rows } = await admin.query<{ used: number; most: number; open: string | null }>(
    `select count(*)::int as used, current_setting('max_connections')::int as most,
       string_agg(distinct usename || ' (pid ' || pid || ')', ', ')
         filter (where xact_start < clock_timestamp() - make_interval(secs => $1) and datname = current_database()) as open
     from pg_stat_activity where backend_type = 'client backend'`,
    [OPEN_S],
  );
  const { used, most, open } = rows[0]!;
  const found = [
    used > 0.8 * most
      ? warning('connections', `${used} of ${most}`, 'Raise max_connections, or put PgBouncer in between.')
      : ok('connections', `${used} of ${most}`),
  ];
  if (open !== null)
    found.push(
      warning(
        'transactions',
        `open for more than ${OPEN_S / 60} minutes: ${open}`,
        'They keep dead rows alive: end them.',
      ),
    );
  return found;
}
