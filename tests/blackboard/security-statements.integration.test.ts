// What an attacker with one agent's own credentials may not say to the database: bodies that are too large or not printable,
// and statements that no agent needs, through pg and through psql.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { shortText } from '../../blackboard/text.js';
import { type Board, type Enrolled, insert, one, openBoard, type Row } from './board.js';
import { SLOT } from './records.js';
import { DENIED, refusal } from './refusal.js';

let board: Board;
let attacker: Enrolled;

beforeAll(async () => {
  board = await openBoard('security statements');
  attacker = await board.enrol('explorer', 'attacker', 'mallory');
});
afterAll(() => board.close());

const count = (table: string): Promise<number> =>
  one(board.admin, `select count(*)::int from board.${table}`);
const alert = (by: Enrolled, some: Row = {}): Row => ({
  id: uuid7(),
  agent_id: by.who.id,
  severity: 'info',
  code: 'X',
  message: 'x',
  ...some,
});

describe('bodies', () => {
  it('larger than their kind may be are refused, with the limit in the message', async () => {
    const briefing = { id: uuid7(), agent_id: attacker.who.id, slot: SLOT, seed: 's' };
    // Of many different characters: a compressed body is not measured.
    const items = (bytes: number): string =>
      JSON.stringify([Array.from({ length: bytes / 8 }, (_, i) => i.toString(36).padStart(5, '0'))]);
    await insert(attacker.client, 'board.briefing', { ...briefing, items: items(100_000) });
    const attempt = insert(attacker.client, 'board.briefing', {
      ...briefing,
      id: uuid7(),
      items: items(600_000),
    });
    expect(await refusal(attempt)).toEqual({ code: 'SW008', known: 'SWARM_E_RECORD_TOO_LARGE' });
    const pattern = {
      id: uuid7(),
      agent_id: attacker.who.id,
      family: 'x'.repeat(70_000),
      direction: 1,
      effect: 0.1,
    };
    const refused = insert(attacker.client, 'board.pattern', pattern);
    await expect(refused).rejects.toMatchObject({ code: 'SW008', message: expect.stringContaining('65536') });
    const long = insert(attacker.client, 'board.alert', alert(attacker, { message: 'x'.repeat(2001) }));
    expect((await refusal(long)).code).toBe('23514');
  });

  it.each([
    ['an escape sequence', 'all is well\u001b[2K\u001b[1G'],
    ['a C1 control', 'csi\u009b31m'],
    ['a right-to-left override', 'gpj.\u202eexe'],
    ['a backspace', 'yes\u0008\u0008no'],
  ])('with %s are refused, and our own programs send none', async (_, message) => {
    const { code, known } = await refusal(
      insert(attacker.client, 'board.alert', alert(attacker, { message })),
    );
    expect({ code, known }).toEqual({ code: '23514', known: 'SWARM_E_RECORD_REFUSED' });
    await insert(attacker.client, 'board.alert', alert(attacker, { message: shortText(message) }));
  });

  it('with a NUL are refused', async () => {
    expect(
      (await refusal(insert(attacker.client, 'board.alert', alert(attacker, { message: 'a\u0000b' })))).code,
    ).toBe('22021');
  });

  it('with SQL in them are text and stay text', async () => {
    const message = `'); drop table board.claim; --\n$$; select pg_terminate_backend(pid) from pg_stat_activity; "`;
    const row = alert(attacker, { message });
    const before = await count('claim');
    await insert(attacker.client, 'board.alert', row);
    expect(await one(board.admin, 'select message from board.alert where id = $1', [row['id']])).toBe(
      message,
    );
    expect(await count('claim')).toBe(before);
    await one(board.admin, 'select count(*) from board.trace');
  });
});

/** Each is tried through our own driver and through psql. */
const FORBIDDEN: readonly (readonly [what: string, statement: string])[] = [
  ['a large object', `select lo_from_bytea(0, 'x')`],
  ['an empty large object', 'select lo_create(0)'],
  ['sleeping', 'select pg_sleep(0)'],
  ['a lock that migrations trust', 'select pg_advisory_lock(7735001)'],
  ['reading a file of the server', `select pg_read_file('/etc/passwd')`],
  ['a program on the server', `copy board.constant to program 'cat'`],
  ['a file on the server', `copy board.constant to '/tmp/x'`],
  [
    'ending another session',
    `select pg_terminate_backend(pid) from pg_stat_activity where usename <> session_user`,
  ],
  ['the refusals of its own', `select setval('refusal.' || quote_ident(session_user), 0)`],
  ['looking for refusals', 'select board.report_refusals()'],
  ['another salt', `select salt from board.claim`],
  ['the beacon', 'select secret from board.beacon'],
  ['hidden bars', 'select close from market.bar'],
  ['hidden numbers of verdicts', 'select verified_gain from board.verdict'],
  ['its own enrolment', `insert into board.enrolment (id) values (gen_random_uuid())`],
  ['an owner', `insert into board.owner (id, name, public_key) values (gen_random_uuid(), 'me', 'k')`],
  ['the revocation of another', `insert into board.revocation (id) values (gen_random_uuid())`],
  ['a kind of its own', 'grant swarm_checker to current_user'],
  ['another role', 'set role swarm_checker'],
  ['settings of the server', `alter system set fsync = off`],
  ['its own limits for good', `alter role current_user connection limit 1000`],
  ['triggers', 'alter table board.alert disable trigger a_author'],
  ['functions', `create or replace function board.note_refusal() returns void language sql as ''`],
];

describe('statements that no agent needs', () => {
  it.each(FORBIDDEN)('are refused: %s', async (_, statement) => {
    const sessions = await one<number>(
      board.admin,
      'select count(*)::int from pg_stat_activity where datname = current_database()',
    );
    expect((await refusal(attacker.client.query(statement))).code).toBe(DENIED);
    expect(
      await one(board.admin, 'select count(*)::int from pg_stat_activity where datname = current_database()'),
    ).toBe(sessions);
  });

  it('are refused through COPY into any record, which row security forbids', async () => {
    for (const table of ['alert', 'claim', 'attempt'])
      expect(
        (await refusal(attacker.client.query(`copy board.${table} (id, agent_id) from stdin`))).code,
        table,
      ).toBe('0A000');
  });

  it('end by the time limit of the login, and its session goes on', async () => {
    await attacker.client.query(`set statement_timeout = '200ms'`);
    const slow = attacker.client.query('select count(*) from generate_series(1, 1000000000)');
    expect((await refusal(slow)).code).toBe('57014');
    await attacker.client.query('reset statement_timeout');
    expect(await one(attacker.client, `select current_setting('statement_timeout')`)).toBe('1min');
  });

  it('see nothing of the hidden stretch through the one function that shows bars', async () => {
    const until = await one<Date>(attacker.client, 'select market.visible_until()');
    const now = await one<Date>(attacker.client, 'select market.now()');
    expect(now.getTime() - until.getTime()).toBeGreaterThanOrEqual(31 * 86_400_000);
    const length = await one<number>(attacker.client, `select length(market.bars('BTC', 300, $1, $2))`, [
      Math.floor(until.getTime() / 1000),
      Math.floor(now.getTime() / 1000),
    ]);
    expect(length).toBe(0);
  });

  it('reach update, delete and truncate of no record', async () => {
    const tables = await one<string[]>(
      board.admin,
      `select array_agg(relname::text) from pg_class where relnamespace = 'board'::regnamespace and relkind in ('r', 'p')`,
    );
    for (const table of tables)
      for (const statement of [
        `update board.${table} set at = at`,
        `delete from board.${table}`,
        `truncate board.${table}`,
      ]) {
        const { code } = await refusal(attacker.client.query(statement));
        // lease, presence, beacon and constant have no column `at`, which the server says first.
        expect([DENIED, '42703'], statement).toContain(code);
      }
  });
});

const psql = ((): string | null => {
  try {
    return execFileSync('sh', ['-c', 'command -v psql'], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
})();

describe.runIf(psql)('with psql', () => {
  /** What psql says to a command, with SQLSTATEs; it is to fail. */
  async function told(command: string): Promise<string> {
    const { password, login } = attacker.who;
    const { hostname, port, pathname } = new URL(board.url);
    const settings = ['ON_ERROR_STOP=1', 'VERBOSITY=verbose'].flatMap((one) => ['-v', one]);
    const place = ['-h', hostname, '-p', port, '-U', login, '-d', pathname.slice(1)];
    const run = promisify(execFile)(psql!, ['-X', ...settings, ...place, '-c', command], {
      env: { PGPASSWORD: password, PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    return run.then(
      ({ stdout }) => `it did: ${stdout}`,
      ({ stderr }) => stderr,
    );
  }

  it.each(FORBIDDEN)('%s is refused', async (_, statement) => {
    expect(await told(statement)).toContain(DENIED);
  });

  it.each([
    ['update board.claim set claimed_gain = 0.9', DENIED],
    [`\\copy board.alert (id, agent_id, severity, code, message) from '/dev/null'`, 'row-level security'],
    ['\\lo_import /etc/hostname', 'permission denied'],
  ])('%s is refused', async (command, said) => {
    expect(await told(command)).toContain(said);
  });
});
