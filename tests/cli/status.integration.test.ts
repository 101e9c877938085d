// `swarm status`: a contract for scripts, an exit code, and one screen for people.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentContext } from '../../agents/runtime/context.js';
import { foundSlots } from '../miner/reign.js';
import { openWorld, type World } from '../miner/world.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const amount = z.int().nonnegative();
const contract = z.object({
  healthy: z.boolean(),
  warnings: z.array(z.string()),
  market: z.object({
    source: z.enum(['replay', 'simulated', 'live']),
    dataset_digest: digest,
    market_now: z.iso.datetime(),
    speed: z.number(),
  }),
  agents: z.array(
    z.object({
      id: z.uuid(),
      role: z.string(),
      owner: z.string(),
      trust: z.number().nullable(),
      heartbeat_age_s: z.number().nullable(),
      lease: z.string().nullable(),
    }),
  ),
  owners: z.array(
    z.object({
      owner: z.string(),
      trust: z.number(),
      claims: amount,
      verified: amount,
      over_claims: amount,
    }),
  ),
  counts: z.object({
    experiments: amount,
    attempts_failed: amount,
    claims: amount,
    verdicts: amount,
    promotions: amount,
    rollbacks: amount,
    prompts_answered: amount,
    prompts_scored: amount,
    invalid_answers: amount,
  }),
  outbox: z.object({ undelivered: amount, oldest_s: z.number().nonnegative() }),
  slots: z.array(
    z.object({
      slot: z.string(),
      champion: z.object({ artifact: digest, family: z.string(), since: z.iso.datetime() }),
      challengers: z.array(
        z.object({
          artifact: digest,
          k: amount,
          windows: amount,
          e_value: z.number(),
          threshold: z.number(),
          stage: z.string(),
        }),
      ),
      served: z.object({
        n: amount,
        mean_crps: z.number().nullable(),
        reference_mean_crps: z.number().nullable(),
        diff: z.number().nullable(),
        diff_se: z.number().nullable(),
      }),
      emission_share: z.number().nullable(),
    }),
  ),
});

let world: World;
let agents: AgentContext[];
beforeAll(async () => {
  world = await openWorld('status', { past: 1, slots: ['24h/BTC', '1h/BTC'] });
  agents = [await world.agent('publisher'), await world.agent('miner'), await world.agent('explorer')];
  await foundSlots(agents[0]!);
  await world.admin.query('update board.outbox set published_at = now()');
});
afterAll(() => world.close());

function status(
  url: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, 'status', ...args], {
      env: { PATH: process.env['PATH'] ?? '', SWARM_DATABASE_URL: url },
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      out.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      out.stderr += chunk;
    });
    child.once('close', (code) => resolve({ code, ...out }));
  });
}

/** The swarm as it looks when all of it lives and the market runs. */
async function alive(): Promise<void> {
  for (const agent of agents) await agent.beat('ready');
  await world.admin.query(
    `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, speed)
     select source, dataset_digest, seed, profile, slots, market_at, data_from, data_to, 1 from market.clock order by id desc limit 1`,
  );
}

describe('swarm status', () => {
  it('is healthy with exit code 0 and keeps its contract', async () => {
    await alive();
    const { code, stdout, stderr } = await status(world.url, '--json');
    expect(stderr).toBe('');
    const told = contract.parse(JSON.parse(stdout));
    expect(told).toMatchObject({ healthy: true, warnings: [], outbox: { undelivered: 0 } });
    expect(code).toBe(0);
    expect(told.slots.map((s) => s.slot)).toEqual(['1h/BTC', '24h/BTC']);
    expect(told.agents.map((a) => a.role)).toEqual(['explorer', 'miner', 'publisher']);
  });

  it('is degraded with exit code 3 and a reason when an agent was not heard of, or the clock is held', async () => {
    await alive();
    await world.admin.query(
      `update board.presence set beat_at = now() - interval '1 minute' where agent_id = $1`,
      [agents[1]!.who.id],
    );
    const silent = await status(world.url, '--json');
    expect(silent.code).toBe(3);
    expect(contract.parse(JSON.parse(silent.stdout)).warnings).toEqual([
      expect.stringMatching(/^miner has not been heard of for (59|6\d) s$/),
    ]);
    await alive();
    await world.clock(1_717_977_700);
    const held = await status(world.url);
    expect(held.code).toBe(3);
    expect(held.stdout).toMatch(/^DEGRADED/);
    expect(held.stdout).toContain('the market clock is held');
  });

  it('shows a recent error of an agent', async () => {
    await alive();
    await agents[2]!.alert('error', 'SWARM_E_DISK_FULL', 'no space left');
    const { code, stdout } = await status(world.url, '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout).warnings).toEqual(['explorer: SWARM_E_DISK_FULL no space left']);
  });

  it('exits 4 with the code of what is wrong with the database', async () => {
    const wrong = new URL(world.url);
    wrong.password = 'wrong';
    const refused = await status(wrong.href, '--json');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('SWARM_E_DB_AUTH');
    expect(JSON.parse(refused.stdout)).toMatchObject({ healthy: false });
    const elsewhere = new URL(world.url);
    elsewhere.port = '1';
    expect(await status(elsewhere.href)).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('SWARM_E_DB_UNREACHABLE'),
    });
    const empty = new URL(world.url);
    empty.pathname = '/postgres';
    expect((await status(empty.href)).code).toBe(4);
  });

  it('writes nothing, whoever asks', async () => {
    const { rows } = await world.admin.query('select max(id) as id from market.clock');
    await status(world.url);
    expect((await world.admin.query('select max(id) as id from market.clock')).rows).toEqual(rows);
  });
});
