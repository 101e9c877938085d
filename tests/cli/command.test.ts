// The command line where nothing is started: what it refuses, with which words and which exit code.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'swarm-command-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function swarm(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { PATH = '' } = process.env;
  return spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { PATH, HOME: home, SWARM_HOME: join(home, 'swarm') },
  });
}

describe('swarm up', () => {
  it('explains the three markets when none is chosen, and leaves no home behind', () => {
    const { status, stdout, stderr } = swarm('up');
    expect(status).toBe(2);
    expect(stdout).toBe('');
    for (const choice of ['SWARM_E_USAGE', '--bars DIR', '--market simulated', '--market live'])
      expect(stderr).toContain(choice);
    expect(readdirSync(home)).toEqual([]);
  });

  it.each([
    ['live feeds', ['--market', 'live']],
    ['two markets', ['--market', 'simulated', '--bars', '/tmp']],
    ['a replay without bars', ['--market', 'replay']],
    ['an unknown market', ['--market', 'paper']],
    ['a held clock', ['--market', 'simulated', '--speed', '0']],
    ['no explorer', ['--market', 'simulated', '--explorers', '0']],
    ['an unknown profile', ['--market', 'simulated', '--profile', '1999-01']],
    ['a date that is none', ['--market', 'simulated', '--from', 'yesterday']],
  ])('refuses %s with exit code 2', (_, args) => {
    const { status, stderr } = swarm('up', ...args);
    expect(status).toBe(2);
    expect(stderr).not.toContain('at file:');
    expect(readdirSync(home)).toEqual([]);
  });
});

describe('swarm', () => {
  it('exits 0 for help and 2 for a command it does not have', () => {
    expect(swarm('--help').status).toBe(0);
    expect(swarm('fly').status).toBe(2);
  });

  it.each([
    [['status']],
    [['db', 'status']],
    [['db', 'backup', '--out', 'copy']],
    [['db', 'archive', '--list']],
  ])('%j says where it looked and exits 4 when there is no swarm', (command) => {
    const { status, stderr } = swarm(...command);
    expect(status).toBe(4);
    expect(stderr).toContain(`SWARM_E_DB_UNREACHABLE: there is no swarm in ${join(home, 'swarm')}`);
    expect(readdirSync(home)).toEqual([]);
  });

  it('stops quietly when nobody reads any more', () => {
    const command = `"${process.execPath}" "${main}" miner --dry-run --chain local | true`;
    const { stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: { HOME: home } });
    expect(stderr).toBe('');
  });

  it('refuses a role that does not exist', () => {
    const options = ['--agent-file', 'a', '--blackboard', 'postgres://x', '--artifacts', 'b'];
    const { status, stderr } = swarm('agent', 'emperor', ...options);
    expect(status).toBe(2);
    expect(stderr).toContain('unknown role "emperor"');
  });

  it('has nothing to stop where nothing runs', () => {
    expect(swarm('down')).toMatchObject({ status: 0, stderr: 'nothing was running\n' });
  });
});
