// Postgres fails under a working swarm: restarted and killed again and again, its connections ended, its disk full. What was
// acknowledged is there once, and the work goes on by itself.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { Ledger } from '../../miner/serving/ledger.js';
import { formatStart } from '../../miner/sn50/prompt.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { mountSmall, type OwnPostgres, ownPostgres } from './own-postgres.js';
import { Role } from './role.js';
import { committed, nothingLost, sound, waiting } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 100 };

/** Records answers through the miner's own ledger, one after the other; counts those that it says are stored. */
function serving(context: AgentContext): { stored: () => number; end(): Promise<void> } {
  const ledger = new Ledger(context);
  let stored = 0;
  let isOver = false;
  const lives = (async () => {
    for (let n = 0; !isOver; n++) {
      const start_s = NOW_S + 60 * n;
      const prompt = {
        asset: 'BTC',
        start_time: formatStart(start_s),
        time_increment: 60,
        time_length: 3600,
        num_simulations: 10,
      };
      const { stored: written } = ledger.record(
        { validator: 'v', slot: SLOT, competition: '1h', start_s, prompt },
        { failure: new Error('a test'), data_until_s: start_s },
        1,
      );
      await written;
      stored += 1;
    }
  })();
  return {
    stored: () => stored,
    async end() {
      isOver = true;
      await lives;
    },
  };
}

const answers = (world: World): Promise<number> => count(world, 'select count(*) as n from board.answer');

describe('Postgres under load', () => {
  let server: OwnPostgres;
  let world: World;
  let checker: Role | null = null;

  beforeAll(async () => {
    server = await ownPostgres();
    world = await openWorld('restarts', { past: 95, slots: [SLOT], server: server.url });
    await foundSlots(await world.agent('publisher'));
    await world.agent('checker');
  });
  afterAll(async () => {
    await checker?.kill();
    await world.close();
    await server.close();
  });

  /** The administrator's connection ends with the server: the world gets a new one. */
  const again = async (): Promise<void> => world.reconnect();

  it('restarted, killed and robbed of its connections every few seconds loses nothing that it acknowledged', async () => {
    const author = await world.agent('explorer');
    const miner = await world.agent('miner');
    checker = new Role(world, 'checker');
    await checker.started();
    const load = serving(miner);
    const claims: string[] = [];
    const blows: (() => Promise<unknown>)[] = [
      () => server.restart('SIGINT'),
      () => server.restart('SIGKILL'),
      () =>
        world.admin.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = $1',
          ['client backend'],
        ),
      () => server.restart('SIGQUIT'),
      () => server.restart('SIGKILL'),
    ];
    for (const [n, blow] of blows.entries()) {
      const before = load.stored();
      claims.push((await claim(author, SLOT, NOW_S, cheapSpec(0.8 + n / 100))).id);
      const known = await committed(world);
      await expect.poll(load.stored, patient).toBeGreaterThan(before + 20);
      await blow();
      await again();
      await nothingLost(world, known);
      await expect.poll(load.stored, patient).toBeGreaterThan(before + 40);
    }
    await load.end();
    expect(await answers(world)).toBe(load.stored());
    await expect
      .poll(
        () =>
          count(world, 'select count(distinct claim_id) as n from board.verdict where claim_id = any($1)', [
            claims,
          ]),
        patient,
      )
      .toBe(claims.length);
    expect(checker.child.exitCode).toBeNull();
    await expect.poll(() => waiting(world), patient).toEqual([]);
    await sound(world);
  });
});

const small = mountSmall(320);

describe('a disk that is full', () => {
  let server: OwnPostgres;
  let world: World;
  const ballast = (): string => join(small!.directory, 'ballast');

  beforeAll(async () => {
    if (small === null) return;
    server = await ownPostgres(small.directory);
    world = await openWorld('full', { past: 1, slots: [SLOT], server: server.url });
  });
  afterAll(async () => {
    if (small === null) return;
    await world.close();
    await server.close();
    small.unmount();
  });

  it.skipIf(small === null)(
    'delays what is written, and loses and doubles nothing (needs a mount of its own)',
    async () => {
      const load = serving(await world.agent('miner'));
      await expect.poll(load.stored, patient).toBeGreaterThan(20);
      fill(ballast());
      const full = async (): Promise<boolean> => {
        const before = load.stored();
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return load.stored() === before;
      };
      // Pages and log files that Postgres had already made take some more.
      await expect.poll(full, patient).toBe(true);
      const stored = load.stored();
      rmSync(ballast());
      // Without room for its log Postgres ends, and its keeper starts it again.
      await server.revive();
      await expect.poll(load.stored, patient).toBeGreaterThan(stored + 20);
      await load.end();
      await world.reconnect();
      expect(await answers(world)).toBe(load.stored());
      await sound(world, null);
    },
  );
});

/** Writes until there is no room for anything. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let size = 1 << 20; size >= 512; )
      try {
        writeSync(file, Buffer.alloc(size, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size >>= 1;
      }
  } finally {
    closeSync(file);
  }
}
