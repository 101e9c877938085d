// The whole swarm as processes on a simulated market: it searches, verifies, promotes, serves and is paid, while liars
// get nowhere, any process may be killed, and a stopped swarm goes on where it was.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../cli/status/read.js';
import { SwarmUnderTest } from './process.js';

const MINUTE = 60_000;
const swarm = new SwarmUnderTest(17_300);
const market = ['--market', 'simulated', '--assets', 'BTC', '--speed', '2880'];

/** A slot that went through both gate stages. */
const promoted = (s: Status): boolean => s.counts.promotions >= 1;

beforeAll(() => swarm.up(...market, '--saboteurs', '2'));
afterAll(() => swarm.clean());

describe('a swarm on a simulated market', () => {
  it('verifies a claim without any further set-up', async () => {
    const status = await swarm.until('a verdict', (s) => s.counts.verdicts >= 1, 6 * MINUTE);
    expect(status.market.source).toBe('simulated');
    expect(status.owners.some((o) => o.kind === 'claims' && o.verified > 0)).toBe(true);
  });

  it.each([
    ['an explorer', /agent explorer .*explorer-1/],
    ['a checker', /agent checker .*checker-1/],
    ['the publisher', /agent publisher/],
    ['the miner', /agent miner/],
    ['the validator', /agent validator/],
    ['the relay', /agent relay/],
    ['the nats keeper', /nats-keeper/],
    ['the postgres keeper', /postgres-keeper/],
    ['postgres', /postgres .*-D .*|postgres -D/],
  ])('recovers from kill -9 of %s', async (_name, pattern) => {
    const before = await swarm.until('a status', () => true, MINUTE);
    const pid = pattern.source.startsWith('postgres ') ? await postmaster() : swarm.pidOf(pattern);
    process.kill(pid, 'SIGKILL');
    const after = await swarm.until(
      'everybody back and answering',
      (s) =>
        s.agents.every(
          (a) => a.heartbeat_age_s !== null && a.heartbeat_age_s < 12 && a.state !== 'starting',
        ) && s.counts.prompts_answered > before.counts.prompts_answered,
      2 * MINUTE,
    );
    for (const count of [
      'experiments',
      'claims',
      'verdicts',
      'promotions',
      'prompts_answered',
      'prompts_scored',
    ] as const)
      expect(after.counts[count], count).toBeGreaterThanOrEqual(before.counts[count]);
  });

  it('promotes through both gate stages, and prompts are answered, scored and paid', async () => {
    const status = await swarm.until(
      'a promotion and pay',
      (s) => promoted(s) && s.emission_share !== null,
      12 * MINUTE,
    );
    const slot = status.slots.find((s) => s.champion.reign > 0)!;
    const won = slot.challengers.find((c) => c.stage === 'promoted')!;
    expect(won.windows).toBeGreaterThanOrEqual(60);
    expect(won.e_value).toBeGreaterThanOrEqual(won.threshold);
    expect(status.counts.prompts_answered).toBeGreaterThan(0);
    expect(status.counts.prompts_scored).toBeGreaterThan(0);
    const paid = await swarm.query<{ n: string }>(
      `select count(*) as n from board.reward where miner = 'swarm'`,
    );
    expect(Number(paid[0]!.n)).toBeGreaterThan(0);
  });

  it('swaps the champion in the miner', async () => {
    await swarm.until(
      'an answer by the promoted champion',
      (s) => s.slots.some((slot) => slot.served.promoted && slot.served.mean_crps !== null),
      3 * MINUTE,
    );
    const served = await swarm.query<{ n: string }>(
      `select count(*) as n from board.answer a join board.promotion p on p.artifact = a.artifact and p.kind = 'promote' where a.rank = 'champion'`,
    );
    expect(Number(served[0]!.n)).toBeGreaterThan(0);
  });

  it('trusts saboteurs with nothing and promotes nothing of theirs', async () => {
    const status = await swarm.until(
      'verified saboteurs',
      (s) => s.owners.filter((o) => o.owner.startsWith('saboteur') && o.verified >= 2).length === 2,
      12 * MINUTE,
    );
    for (const owner of status.owners.filter((o) => o.owner.startsWith('saboteur'))) {
      expect(owner.trust).toBe(0);
      expect(owner.over_claims).toBe(owner.verified);
    }
    const theirs = await swarm.query(
      `select from board.promotion p join board.claim c on c.artifact = p.artifact join board.agent a on a.id = c.agent_id where a.owner like 'saboteur%' and p.kind = 'promote'`,
    );
    expect(theirs).toEqual([]);
  });

  it('lost no claim and doubled no promotion', async () => {
    const lost = await swarm.query(
      `select id from board.experiment e where not exists (select from board.decision d where d.id = e.decision_id)`,
    );
    expect(lost).toEqual([]);
    const doubled = await swarm.query(
      `select slot, reign from board.promotion group by slot, reign having count(*) > 1`,
    );
    expect(doubled).toEqual([]);
    const unsent = await swarm.query<{ n: string }>(
      `select count(*) as n from board.claim c where not exists (select from board.outbox o where o.kind = 'claim' and o.ref = c.id)`,
    );
    expect(Number(unsent[0]!.n)).toBe(0);
  });

  it('never used a bar that had not closed one minute before the start', async () => {
    const ahead = await swarm.query(
      `select a.id from board.answer a join board.prompt p on p.id = a.prompt_id where a.status = 'answered' and a.data_until > p.start_at - interval '60 seconds'`,
    );
    expect(ahead).toEqual([]);
  });

  it('ends on Ctrl-C with a summary that names the gap to the optimum, and leaves no process', async () => {
    expect(await swarm.end('SIGINT')).toBe(0);
    expect(swarm.stdout).toContain('simulated market');
    expect(swarm.stdout).toMatch(/above the optimum/);
    expect(swarm.stdout).toMatch(/measured on dataset [0-9a-f]{64}/);
    expect(swarm.processes()).toEqual([]);
  });

  it('goes on where it was when it is started again', async () => {
    const stood = swarm.stdout.match(/simulated market at (\S+)Z/)![1]!;
    swarm.up(...market, '--saboteurs', '2');
    const status = await swarm.until('a running market', (s) => s.market.speed > 0, 2 * MINUTE);
    expect(status.market.market_now >= stood).toBe(true);
    // Held while it was down: less than two market days passed over the restart.
    expect(new Date(status.market.market_now).getTime() - new Date(`${stood}Z`).getTime()).toBeLessThan(
      2 * 86_400_000,
    );
    expect(status.counts.claims).toBeGreaterThan(0);
  });

  it('leaves no orphan when it is killed itself', async () => {
    await swarm.end('SIGKILL');
    for (const until = Date.now() + 40_000; swarm.processes().length > 0 && Date.now() < until; )
      await sleep(500);
    expect(swarm.processes()).toEqual([]);
  });
});

async function postmaster(): Promise<number> {
  const rows = await swarm.query<{ pid: number }>(
    "select pg_postmaster_start_time(), (select pid from pg_stat_activity where backend_type = 'checkpointer') as pid",
  );
  // The checkpointer's parent is the postmaster itself.
  const { readFileSync } = await import('node:fs');
  return Number(readFileSync(`/proc/${rows[0]!.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
}
