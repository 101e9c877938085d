import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExitedEvent } from '../../../cli/services/child.js';
import type { Home } from '../../../cli/services/home.js';
import { isAlive } from '../../../cli/services/processes.js';
import { type StartedEvent, Supervisor } from '../../../cli/services/supervisor.js';
import { fixture, nextEvent, removeHome, temporaryHome } from './scene.js';

let home: Home;
let supervisor: Supervisor;
let journal: string;
beforeEach(() => {
  home = temporaryHome();
  journal = join(home.root, 'journal');
  supervisor = new Supervisor(home, { pauses: { firstMs: 20, longestMs: 50 } });
});
afterEach(async () => {
  await supervisor.stop({ force: true });
  await removeHome(home);
});

interface Up {
  readonly environment: Record<string, string>;
}

const worker = (name: string, mode = 'obedient', more: { role?: 'service'; graceMs?: number } = {}) => ({
  name,
  entry: fixture('worker.mjs'),
  args: [name],
  env: { WORKER_MODE: mode, WORKER_JOURNAL: journal },
  ...more,
});

async function started(spec: ReturnType<typeof worker>): Promise<Up> {
  const up = nextEvent<Up>(supervisor, 'message', (name: string) => name === spec.name);
  supervisor.spawn(spec);
  return up;
}

describe('a supervised child', () => {
  it('sees nothing of our environment but PATH, HOME, TZ, LANG, the name of the file of authorities and what it was given', async () => {
    vi.stubEnv('SECRET_OF_OURS', 'x');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    const { environment } = await started(worker('one'));
    vi.unstubAllEnvs();
    const names = Object.keys(environment).filter(
      (name) => !['PATH', 'HOME', 'TZ', 'LANG', 'SWARM_TLS_CA'].includes(name),
    );
    expect(names.sort()).toEqual(['WORKER_JOURNAL', 'WORKER_MODE']);
  });

  it('writes into a log of its own, after what is there already', async () => {
    await started(worker('one'));
    const exited = nextEvent<ExitedEvent>(supervisor, 'exited');
    const again = nextEvent(supervisor, 'message');
    process.kill(supervisor.children()[0]!.pid!, 'SIGKILL');
    expect(await exited).toMatchObject({ name: 'one', signal: 'SIGKILL', expected: false, restartInMs: 20 });
    await again;
    expect(readFileSync(join(home.logs, 'one.log'), 'utf8')).toBe('one is up\none is up\n');
  });

  it('is started again after kill -9, with a growing pause, and counted', async () => {
    await started(worker('one'));
    const pauses: (number | null)[] = [];
    supervisor.on('exited', ({ restartInMs }) => pauses.push(restartInMs));
    for (const restarts of [1, 2, 3]) {
      const restarted = nextEvent<StartedEvent>(supervisor, 'restarted');
      process.kill(supervisor.children()[0]!.pid!, 'SIGKILL');
      expect(await restarted).toMatchObject({ name: 'one', restarts });
    }
    expect(pauses).toEqual([20, 40, 50]);
    expect(supervisor.children()).toMatchObject([{ name: 'one', restarts: 3 }]);
  });

  it('that ran long enough starts again at the first pause', async () => {
    await supervisor.stop();
    supervisor = new Supervisor(home, { pauses: { firstMs: 20, longestMs: 50, healthyMs: 0 } });
    await started(worker('one'));
    for (let round = 0; round < 3; round += 1) {
      const exited = nextEvent<ExitedEvent>(supervisor, 'exited');
      const restarted = nextEvent(supervisor, 'restarted');
      process.kill(supervisor.children()[0]!.pid!, 'SIGKILL');
      expect((await exited).restartInMs).toBe(20);
      await restarted;
    }
  });

  it('without a compiled entry is an error at once', () => {
    expect(() => supervisor.spawn({ name: 'none', entry: 'agents/none.js' })).toThrowError(
      /npm run build|none\.js/,
    );
    expect(supervisor.children()).toEqual([]);
  });
});

describe('stop', () => {
  it('ends workers first and then services, newest first, each before the next', async () => {
    for (const spec of [
      worker('db', 'obedient', { role: 'service' }),
      worker('bus', 'obedient', { role: 'service' }),
      worker('a'),
    ]) {
      await started(spec);
    }
    await supervisor.stop();
    const lines = readFileSync(journal, 'utf8').trim().split('\n');
    expect(lines).toEqual(['a SIGTERM', 'a exit', 'bus SIGTERM', 'bus exit', 'db SIGTERM', 'db exit']);
  });

  it('kills what is deaf after its grace, and starts nothing again', async () => {
    await started(worker('deaf', 'deaf', { graceMs: 50 }));
    const exited = nextEvent<ExitedEvent>(supervisor, 'exited');
    await supervisor.stop();
    expect(await exited).toMatchObject({ signal: 'SIGKILL', expected: true, restartInMs: null });
    expect(() => supervisor.spawn(worker('late'))).toThrowError(
      expect.objectContaining({ code: 'SWARM_E_NOT_RUNNING' }),
    );
  });

  it('asked a second time does not wait for the grace', async () => {
    await started(worker('deaf', 'deaf', { graceMs: 600_000 }));
    const { pid } = supervisor.children()[0]!;
    void supervisor.stop();
    await supervisor.stop();
    expect(isAlive(pid!)).toBe(false);
  });

  it('cancels a start that is due', async () => {
    await supervisor.stop();
    supervisor = new Supervisor(home, { pauses: { firstMs: 600_000, longestMs: 600_000 } });
    await started(worker('one'));
    const exited = nextEvent(supervisor, 'exited');
    process.kill(supervisor.children()[0]!.pid!, 'SIGKILL');
    await exited;
    await supervisor.stop();
    expect(supervisor.children()).toEqual([{ name: 'one', pid: null, restarts: 0 }]);
  });
});
