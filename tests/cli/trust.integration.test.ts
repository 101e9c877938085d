// `swarm trust`: the rows it shows make the number it shows, and it says so in one line.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Explained, Standing } from '../../cli/trust/explained.js';
import { type Ground, openGround } from '../trust/ground.js';
import { daysAgo, digest, forget, History } from '../trust/history.js';
import { inventHistory } from '../trust/invent.js';
import { trustScore } from '../trust/recompute.js';
import { type Ran, swarm } from './run.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('trust command');
});
afterEach(() => forget(ground.admin));
afterAll(() => ground.close());

const run = (...args: string[]): Promise<Ran> => swarm(ground.url, 'trust', ...args);
const told = async <T>(...args: string[]): Promise<T> => JSON.parse((await run(...args, '--json')).out) as T;

describe('trust.explanation', () => {
  it.each([1, 2, 3, 4])('sums to the numbers of trust.owner: history %i', async (seed) => {
    await inventHistory(seed).write(ground.admin);
    const apart = await ground.rows<{ owner: string; kind: string; apart: number; events: number }>(
      `select o.owner, o.kind, greatest(abs(o.alpha - e.alpha), abs(o.beta - e.beta)) as apart, (o.events - e.events)::int as events
       from trust.owner o join (
         select owner, kind, sum(alpha) as alpha, sum(beta) as beta, count(*) filter (where not prior) as events
         from trust.explanation group by owner, kind) e on e.owner = o.owner and e.kind = o.kind`,
    );
    const [owners] = await ground.rows<{ n: number }>('select count(*)::int as n from trust.owner');
    expect(apart).toHaveLength(owners!.n);
    for (const row of apart) {
      expect(row.apart, `${row.owner} ${row.kind}`).toBeLessThan(1e-9);
      expect(row.events, `${row.owner} ${row.kind}`).toBe(0);
    }
  });

  it('makes the test of all claims together too', async () => {
    await inventHistory(3).write(ground.admin);
    const rows = await ground.rows<{ owner: string; pull: number; mass: number; weight: number }>(
      `select owner, sum(weight * decay * z) as pull, sqrt(sum((weight * decay) ^ 2) filter (where z is not null)) as mass,
         sum(weight * decay) filter (where z is not null) as weight from trust.explanation where kind = 'claims' group by owner`,
    );
    const explained = await told<Standing[]>('--role', 'explorer');
    for (const { owner, pull, mass, weight } of rows.filter((r) => r.weight > 0)) {
      const [mine] = await told<Explained[]>(owner, '--role', 'explorer');
      expect(mine!.over, owner).toBe(explained.find((s) => s.owner === owner)!.over);
      expect(mine!.summed!.excess).toBeCloseTo(pull / weight, 9);
      expect((mine!.summed!.excess - mine!.summed!.market) * (weight / mass)).toBeCloseTo(mine!.over!, 9);
    }
  });
});

describe('swarm trust', () => {
  /** Nine honest claims, one over-claim, and a copy by somebody else. */
  function fleet(): History {
    const h = new History();
    const [alice, bob, carol] = [
      h.agent('alice', 'explorer'),
      h.agent('bob', 'explorer'),
      h.agent('carol', 'checker'),
    ];
    h.agent('dora', 'optimizer');
    for (let n = 0; n < 9; n++) h.verdict(carol, h.claim(alice, { market_at: daysAgo(n) }));
    h.verdict(carol, h.claim(alice, { claimed_gain: 0.2, market_at: daysAgo(3) }));
    h.verdict(carol, h.claim(bob, { spec_digest: digest('s3'), market_at: daysAgo(0) }), { at: new Date() });
    return h;
  }

  it('says in one line what a number is made of, and names every verdict', async () => {
    const h = fleet();
    await h.write(ground.admin);
    const { out, code } = await run('alice');
    expect(code).toBe(0);
    expect(out).toMatch(/^alice, judged by claims: 0\.\d\d = 9 honest, 1 over-claim at 2025-05-29T12:00Z$/m);
    for (const v of h.verdicts.slice(0, 10)) expect(out).toContain(v.id);
    const [mine] = await told<Explained[]>('alice');
    const sum = (of: 'alpha' | 'beta'): number => mine!.by.reduce((s, e) => s + e[of], mine!.prior[of]);
    expect(sum('alpha')).toBeCloseTo(mine!.alpha, 9);
    expect(sum('beta')).toBeCloseTo(mine!.beta, 9);
    expect(mine!.bound).toBeCloseTo(trustScore(sum('alpha'), sum('beta'), 1.64), 9);
    expect(mine!.trust).toBeLessThanOrEqual(mine!.bound + 1e-12);
  });

  it('names what a copy is a copy of, and counts it for nothing', async () => {
    const h = fleet();
    await h.write(ground.admin);
    const { out } = await run('bob');
    expect(out).toMatch(/^bob, judged by claims: 0\.00 = 0 honest, 1 copied \(weight 0\)$/m);
    expect(out).toContain(`as a copy of ${h.claims[3]!.id}`);
  });

  it('lists everybody, and with --role only what a role is judged by', async () => {
    await fleet().write(ground.admin);
    expect((await told<Standing[]>()).map((s) => [s.owner, s.kind])).toEqual([
      ['alice', 'claims'],
      ['bob', 'claims'],
      ['carol', 'checks'],
      ['dora', 'claims'],
    ]);
    expect((await told<Standing[]>('--role', 'checker')).map((s) => s.owner)).toEqual(['carol']);
    expect((await run()).out).toMatch(/^alice +claims +0\.\d\d +10 +1 /m);
  });

  it('says of an owner without a history why its trust is 0', async () => {
    await fleet().write(ground.admin);
    expect((await run('dora')).out).toMatch(
      /^dora, judged by claims: 0\.00, because no claim of this owner was judged yet\n {2}only the prior counts/,
    );
  });

  it('refuses an owner that nobody has, and tells those that there are', async () => {
    await fleet().write(ground.admin);
    const { code, err, out } = await run('nobody');
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/SWARM_E_USAGE: there is no owner "nobody"\n {2}There are alice, bob, carol, dora\./);
    expect((await run('alice', '--role', 'checker')).err).toContain('There are carol.');
  });
});
