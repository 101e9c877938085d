import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeSettings, openHome } from '../../../cli/services/home.js';
import { lockHolder, lockHome } from '../../../cli/services/lock.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'swarm-home-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('openHome', () => {
  it('makes every directory readable by its owner only', () => {
    const home = openHome(join(base, 'a', 'home'));
    for (const path of [home.root, home.nats, home.artifacts, home.logs, home.agents, home.state]) {
      expect(mode(path), path).toBe(0o700);
    }
    expect(mode(join(home.root, 'settings.json'))).toBe(0o600);
  });

  it('draws a password once and finds it again', () => {
    const first = openHome(join(base, 'home'));
    expect(first.settings.postgres.password).toMatch(/^[0-9a-f]{48}$/);
    expect(openHome(first.root).settings).toEqual(first.settings);
    expect(openHome(join(base, 'other')).settings.postgres.password).not.toBe(
      first.settings.postgres.password,
    );
  });

  it('leaves no drafts of its settings behind and keeps changed ones', () => {
    const home = changeSettings(openHome(join(base, 'home')), { ports: { base: 17_000 } });
    expect(openHome(home.root).settings.ports.base).toBe(17_000);
    expect(readdirSync(home.root).filter((name) => name.startsWith('settings'))).toEqual(['settings.json']);
  });

  it('refuses settings that do not fit, and does not overwrite them', () => {
    const home = openHome(join(base, 'home'));
    const path = join(home.root, 'settings.json');
    writeFileSync(path, '{"version": 2}');
    expect(() => openHome(home.root)).toThrowError(expect.objectContaining({ code: 'SWARM_E_USAGE' }));
    expect(readFileSync(path, 'utf8')).toBe('{"version": 2}');
    writeFileSync(path, '{');
    expect(() => openHome(home.root)).toThrowError(/not JSON/);
    expect(() => changeSettings(home, { ports: { base: 1 } })).toThrowError(/ports/);
  });

  it('refuses a directory that holds other things, without touching its mode', () => {
    const path = join(base, 'documents');
    mkdirSync(path, { mode: 0o755 });
    writeFileSync(join(path, 'letter.txt'), '');
    expect(() => openHome(path)).toThrowError(/neither empty nor the home of a swarm/);
    expect(mode(path)).toBe(0o755);
  });

  it.runIf(process.geteuid?.() === 0)('keeps the data of root where the user postgres can go', () => {
    const home = openHome(join(base, 'home'));
    expect(home.pgdata).toMatch(/^\/var\/lib\/synth-swarm\/[0-9a-f]{12}-[0-9a-f]{8}\/pg$/);
    expect(home.settings.postgres.dataDirectory).toBe(home.pgdata);
  });
});

describe('lockHome', () => {
  it('names the pid that holds the home', async () => {
    const home = openHome(join(base, 'home'));
    const lock = lockHome(home);
    expect(() => lockHome(home)).toThrowError(
      expect.objectContaining({
        code: 'SWARM_E_ALREADY_RUNNING',
        message: expect.stringContaining(`${process.pid}`),
      }),
    );
    lock.release();
    lockHome(home).release();
    expect(lockHolder(home)).toBeNull();
  });

  it('takes over from a process that is dead', async () => {
    const home = openHome(join(base, 'home'));
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeFileSync(join(home.root, 'up.pid'), JSON.stringify({ pid: child.pid, incarnation: 'gone' }));
    const lock = lockHome(home);
    expect(lockHolder(home)?.pid).toBe(process.pid);
    lock.release();
  });

  it('is not held by a living process that merely got the old pid', () => {
    const home = openHome(join(base, 'home'));
    writeFileSync(
      join(home.root, 'up.pid'),
      JSON.stringify({ pid: process.ppid, incarnation: 'an earlier one' }),
    );
    lockHome(home).release();
    expect(readdirSync(home.root).filter((name) => name.startsWith('up.pid'))).toEqual([]);
  });

  it('does not release what another process took', () => {
    const home = openHome(join(base, 'home'));
    const lock = lockHome(home);
    const other = JSON.stringify({ pid: 1, incarnation: 'another' });
    writeFileSync(join(home.root, 'up.pid'), other);
    lock.release();
    expect(readFileSync(join(home.root, 'up.pid'), 'utf8')).toBe(other);
  });
});
