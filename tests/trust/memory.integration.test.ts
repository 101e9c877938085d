// What agents are told: pattern weights, verified specs behind the ladder, and briefings that depend on the given draws.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Db, openDb } from '../../blackboard/db.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, forget, History } from './history.js';
import { inventHistory } from './invent.js';
import { bred } from './lineage.js';
import { resultOf } from './recompute.js';
import { patternWeight } from './recompute-patterns.js';
import { seeded } from './seeded.js';

let ground: Ground;
let db: Db;
beforeAll(async () => {
  ground = await openGround('trust memory');
  db = openDb({ url: ground.url, name: 'briefing' });
});
afterEach(() => forget(ground.admin));
afterAll(async () => {
  await db.destroy();
  await ground.close();
});

describe('the weight of a pattern', () => {
  it.each([21, 22, 23, 24, 25, 26])('is what the formulas give on random history %i', async (seed) => {
    const h = inventHistory(seed);
    await h.write(ground.admin);
    const { constant } = ground;
    const results = h.claims.map((claim) => resultOf(h, claim, constant));
    const said = await ground.rows<{ pattern_id: string; gain: number; sd: number; n_eff: number }>(
      'select * from trust.pattern_weight',
    );
    expect(said).toHaveLength(h.patterns.length);
    for (const p of h.patterns) {
      const mine = patternWeight(h, results, p, constant);
      const row = said.find((one) => one.pattern_id === p.id)!;
      for (const field of ['gain', 'sd', 'n_eff'] as const)
        expect(Math.abs(row[field] - mine[field]), `${field} of ${JSON.stringify(p)}`).toBeLessThan(1e-9);
    }
  });

  const weightOf = async (h: History): Promise<{ gain: number; sd: number; n_eff: number }> => {
    await h.write(ground.admin);
    return (
      await ground.rows<{ gain: number; sd: number; n_eff: number }>('select * from trust.pattern_weight')
    )[0]!;
  };
  /** `owners` owners whose verified gain with the pattern is `gain`, and 0 without it. */
  function confirmed(owners: number, gain: number, lie = 0): History {
    const h = new History();
    const checker = h.agent('carol', 'checker');
    for (let i = 0; i < owners; i++) {
      const author = h.agent(`owner-${i}`, 'explorer');
      for (let n = 0; n < 10; n++) {
        const hit = n % 2 === 0;
        const verified_gain = hit ? gain : 0;
        const spec = { family: hit ? 'good' : 'plain' };
        h.verdict(
          checker,
          h.claim(author, { spec, claimed_gain: verified_gain + lie, market_at: daysAgo(0) }),
          { verified_gain, verified_se: 0.005 },
        );
      }
    }
    h.pattern(h.agents[1]!, { family: 'good' });
    return h;
  }

  it('follows what verdicts show and not what was said of it', async () => {
    const good = await weightOf(confirmed(4, 0.05));
    expect(good.gain).toBeGreaterThan(0.03);
    expect(good.n_eff).toBeCloseTo(4, 6);
    await forget(ground.admin);
    const refuted = await weightOf(confirmed(4, -0.05));
    expect(refuted.gain).toBeLessThan(-0.03);
    await forget(ground.admin);
    expect((await weightOf(confirmed(23, 0))).gain).toBe(0);
  });

  it('is nothing for the word of liars, and is not multiplied by sybils', async () => {
    const liars = await weightOf(confirmed(23, 0.05, 0.2));
    expect(liars).toMatchObject({ gain: 0, n_eff: 0 });
    expect(liars.sd).toBeCloseTo(ground.constant('pattern_tau'), 12);
  });

  it('is nothing without a control', async () => {
    const h = new History();
    h.verdict(
      h.agent('carol', 'checker'),
      h.claim(h.agent('alice', 'explorer'), { spec: { family: 'good' } }),
    );
    h.pattern(h.agents[1]!, { family: 'good' });
    expect(await weightOf(h)).toMatchObject({ gain: 0, n_eff: 0 });
  });

  it('stands a spec whose numbers no double can hold, and knobs that are words', async () => {
    const h = new History();
    const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
    for (const nu of [5, 'many', null, [1], true])
      h.verdict(checker, h.claim(author, { spec: { family: 'g', nu } }));
    h.pattern(author, { knob: 'nu', low: 1, high: 10 });
    await h.write(ground.admin);
    await ground.admin.query('set session_replication_role = replica');
    await ground.admin.query(
      `update board.claim set spec = '{"family":"g","nu":1e400}' where spec ->> 'nu' = 'true'`,
    );
    await ground.admin.query('reset session_replication_role');
    expect(await ground.rows('select * from trust.pattern_weight')).toHaveLength(1);
  });
});

describe('a known spec', () => {
  it('shows its gain by the ladder, and its error never smaller than it is', async () => {
    const h = new History();
    const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
    const u = seeded(31);
    const exact = Array.from({ length: 50 }, () => ({
      verified_gain: u() / 10 - 0.05,
      verified_se: u() / 50,
    }));
    const claims = exact.map((verdict) => {
      const claim = h.claim(author, { claimed_gain: verdict.verified_gain });
      h.verdict(checker, claim, verdict);
      return claim;
    });
    bred(h, author, claims[0]!.spec_digest, claims[1]!.spec_digest);
    bred(h, author, claims[0]!.spec_digest, claims[0]!.spec_digest);
    await h.write(ground.admin);
    const step = ground.constant('ladder_step');
    const known = await ground.rows<{
      claim_id: string;
      verified_gain: number;
      verified_se: number;
      children: string;
    }>('select * from trust.known_spec');
    expect(known).toHaveLength(50);
    for (const [i, claim] of claims.entries()) {
      const row = known.find((k) => k.claim_id === claim.id)!;
      expect(Math.abs(row.verified_gain / step - Math.round(row.verified_gain / step))).toBeLessThan(1e-9);
      expect(Math.abs(row.verified_gain - exact[i]!.verified_gain)).toBeLessThanOrEqual(step / 2 + 1e-12);
      expect(row.verified_se).toBeGreaterThanOrEqual(exact[i]!.verified_se);
      expect(row.verified_se).toBeLessThanOrEqual(exact[i]!.verified_se + step + 1e-12);
      expect(Number(row.children)).toBe([2, 1][i] ?? 0);
    }
  });

  it('leaves out over-claims and what checkers refused', async () => {
    const h = new History();
    const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
    h.verdict(checker, h.claim(author, { claimed_gain: 0.3 }));
    h.verdict(checker, h.claim(author), { finding: 'refused' });
    h.claim(author);
    await h.write(ground.admin);
    expect(await ground.rows('select * from trust.known_spec')).toEqual([]);
  });
});
