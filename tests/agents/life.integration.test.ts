// The life of an agent as a process: how it ends, and what it outlives.
import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openOwnerKey } from '../../blackboard/identity/owner.js';
import { revoke } from '../../blackboard/identity/revoke.js';
import { rotate } from '../../blackboard/identity/rotate.js';
import { homeOf } from '../blackboard/board.js';
import { foundSlots } from '../miner/reign.js';
import { count, openWorld, type World } from '../miner/world.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let world: World;
let child: ChildProcess;
let ended: Promise<{ code: number | null; signal: string | null }>;
let said: string;

beforeAll(async () => {
  world = await openWorld('life', { past: 95, slots: ['1h/BTC'] });
  await foundSlots(await world.agent('publisher'));
  for (const role of ['explorer', 'miner'] as const) await world.agent(role);
});
afterAll(() => world.close());
afterEach(async () => {
  child.kill('SIGKILL');
  await ended;
  await world.door.open();
  await world.admin.query('delete from board.lease');
});

function start(role: string, ...args: string[]): void {
  child = fork(
    main,
    [
      'agent',
      role,
      '--agent-file',
      join(world.directory, 'agents', `${role}.json`),
      '--blackboard',
      world.blackboard,
      '--artifacts',
      join(world.directory, 'artifacts'),
      ...args,
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { PATH: process.env['PATH'] ?? '' } },
  );
  said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

const patient = { timeout: 40_000, interval: 20 };
const rows = (table: string): Promise<number> => count(world, `select count(*) as n from board.${table}`);
const leases = (): Promise<number> =>
  count(world, `select count(*) as n from board.lease where work_id like 'experiment:%'`);
/** Decisions that neither an experiment nor an attempt has followed. */
const open = (): Promise<number> =>
  count(
    world,
    `select count(*) as n from board.decision d where not exists (select from board.experiment e where e.decision_id = d.id)
       and not exists (select from board.attempt a where a.decision_id = d.id)`,
  );

describe('an agent process', () => {
  it('asked to stop in the middle of its work finishes it, gives its lease back and exits 0', async () => {
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(said).toContain('stopping: SIGTERM');
    expect(await rows('decision')).toBe(1);
    expect(await open()).toBe(0);
    expect(await leases()).toBe(0);
    const { rows: present } = await world.admin.query(
      `select p.state, p.work_id from board.presence p join board.agent a on a.id = p.agent_id where a.role = 'explorer'`,
    );
    expect(present).toEqual([{ state: 'stopped', work_id: null }]);
  });

  it('ends at once when it is asked twice', async () => {
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    // Its result cannot be written now, so the work in hand does not end by itself.
    await world.admin.query('begin');
    await world.admin.query('lock table board.experiment, board.attempt in share mode');
    try {
      child.kill('SIGTERM');
      await expect.poll(() => said, patient).toContain('stopping: SIGTERM');
      child.kill('SIGTERM');
      expect(await ended).toEqual({ code: 130, signal: null });
    } finally {
      await world.admin.query('rollback');
    }
  });

  it('stops when its parent is gone', async () => {
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    child.disconnect();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(said).toContain('stopping: parent lost');
  });

  it('outlives a database that goes away and comes back', async () => {
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    await world.door.shut();
    await expect.poll(() => said, patient).toContain('SWARM_E_DB_UNREACHABLE');
    await world.admin.query('delete from board.lease');
    const before = await rows('experiment');
    await world.door.open();
    await expect.poll(() => rows('experiment'), patient).toBeGreaterThan(before);
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('waits for a database that is away when it starts', async () => {
    await world.door.shut();
    start('explorer', '--once');
    await expect.poll(() => said, patient).toContain('waiting for the blackboard');
    await world.door.open();
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('killed in the middle of its work leaves a decision and no claim', async () => {
    const claims = await rows('claim');
    const undone = await open();
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    child.kill('SIGKILL');
    expect(await ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await rows('claim')).toBe(claims);
    expect(await open()).toBe(undone + 1);
  });

  it('that cannot open its port exits with an error instead of staying half alive', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    start('miner', '--port', String(port));
    expect(await ended).toEqual({ code: 1, signal: null });
    expect(said).toContain('SWARM_E_PORT_IN_USE');
    server.close();
  });

  it('that is rotated ends and says so; its next start has the new file', async () => {
    await world.agent('checker', 'checker');
    start('checker');
    await expect.poll(() => said, patient).toContain('started');
    const home = homeOf(world.directory);
    await rotate(world.admin, join(home.agents, 'checker.json'), openOwnerKey(home.owners, 'checker-owner'));
    expect(await ended).toEqual({ code: 4, signal: null });
    expect(said).toContain('SWARM_E_DB_AUTH');
    start('checker');
    await expect.poll(() => said, patient).toContain('started');
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('that is revoked ends for good, in the middle of its work, and says why', async () => {
    start('explorer');
    await expect.poll(leases, patient).toBe(1);
    await revoke(world.admin, 'explorer', 'a test', null);
    expect(await ended).toEqual({ code: 78, signal: null });
    expect(said).toContain('SWARM_E_AGENT_REVOKED');
    start('explorer');
    expect(await ended).toEqual({ code: 78, signal: null });
  });

  it('is refused a file that others may read', async () => {
    const path = join(world.directory, 'agents', 'miner.json');
    chmodSync(path, 0o640);
    start('miner', '--port', '0');
    expect(await ended).toEqual({ code: 78, signal: null });
    expect(said).toContain('SWARM_E_FILE_MODE');
    chmodSync(path, 0o600);
  });
});
