// Trust of owners and results of claims: the views against the formulas, and the figures that the design promises.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './ground.js';
import { daysAgo, forget, History } from './history.js';
import { inventHistory } from './invent.js';
import { ownerTrust, resultOf } from './recompute.js';
import type { AgentRow } from './rows.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('trust owner');
});
afterEach(() => forget(ground.admin));
afterAll(() => ground.close());

interface Owner {
  readonly owner: string;
  readonly kind: string;
  readonly trust: number;
  readonly alpha: number;
  readonly beta: number;
  readonly shrink: number | null;
  readonly over: number | null;
  readonly evidence: number;
  readonly audit_probability: number;
  readonly events: string;
}
const owners = (): Promise<Owner[]> =>
  ground.rows<Owner & object>('select * from trust.owner order by owner, kind');
const trustOf = async (owner: string, kind = 'claims'): Promise<number> =>
  (await owners()).find((o) => o.owner === owner && o.kind === kind)!.trust;

function close(actual: number | null, expected: number | null, what: string): void {
  if (expected === null || actual === null) expect(actual, what).toBe(expected);
  else expect(Math.abs(actual - expected), `${what}: ${actual} for ${expected}`).toBeLessThan(1e-9);
}

/** One owner's n claims, each judged once by a checker of another owner. */
function judged(n: number, claim: object, verdict: object): History {
  const h = new History();
  const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
  for (let i = 0; i < n; i++)
    h.verdict(checker, h.claim(author, { market_at: daysAgo(0), ...claim }), {
      market_at: daysAgo(0),
      ...verdict,
    });
  return h;
}

describe('the views', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('say what the formulas say of random history %i', async (seed) => {
    const h = inventHistory(seed);
    await h.write(ground.admin);
    const { constant } = ground;
    const results = h.claims.map((claim) => resultOf(h, claim, constant));
    const found = await ground.rows<Record<string, number & boolean & string>>(
      'select * from trust.claim_result',
    );
    expect(found).toHaveLength(results.length);
    for (const r of results) {
      const row = found.find((one) => one['claim_id'] === r.claim.id)!;
      expect(
        [row['owner'], Number(row['checks']), Number(row['refusals']), row['honest']],
        r.claim.id,
      ).toEqual([r.owner, r.verdicts.length, r.refusals, r.honest]);
      for (const field of ['verified_gain', 'verified_se', 'spread', 'informativeness'] as const)
        close(row[field]!, r[field], field);
    }
    const kinds = {
      explorer: 'claims',
      optimizer: 'claims',
      checker: 'checks',
      publisher: 'promotions',
    } as const;
    const members = new Set(h.agents.map((a) => `${a.owner} ${kinds[a.role as keyof typeof kinds]}`));
    const said = await owners();
    expect(new Set(said.map((o) => `${o.owner} ${o.kind}`))).toEqual(members);
    for (const o of said) {
      const mine = ownerTrust(h, results, o.owner, o.kind as 'claims', constant);
      close(o.alpha, mine.alpha, `${o.owner} ${o.kind} alpha`);
      close(o.beta, mine.beta, `${o.owner} ${o.kind} beta`);
      close(o.trust, mine.trust, `${o.owner} ${o.kind} trust`);
      close(o.audit_probability, mine.audit, `${o.owner} ${o.kind} audit`);
      close(o.shrink, mine.shrink, `${o.owner} ${o.kind} shrink`);
      close(o.over, mine.over, `${o.owner} ${o.kind} over`);
      close(Math.log(o.evidence), Math.log(mine.evidence), `${o.owner} ${o.kind} evidence`);
      expect(o.trust).toBeGreaterThanOrEqual(0);
      expect(o.trust).toBeLessThan(1);
    }
  });

  it('do not depend on the order of the rows', async () => {
    const h = inventHistory(11);
    await h.write(ground.admin);
    const first = await owners();
    await forget(ground.admin);
    await h.write(ground.admin, 'reversed');
    for (const [i, o] of (await owners()).entries()) close(o.trust, first[i]!.trust, o.owner);
  });
});

describe('trust', () => {
  it.each([
    [0, 0.0],
    [1, 0.07],
    [3, 0.28],
    [5, 0.42],
    [10, 0.61],
    [15, 0.71],
  ])('of an owner with %i honest claims is %f', async (n, expected) => {
    await judged(n, {}, {}).write(ground.admin);
    expect(await trustOf('alice')).toBeCloseTo(expected, 2);
  });

  it('of fifteen lies is nothing, and so is that of twenty owners of one lie each', async () => {
    const h = judged(15, { claimed_gain: 0.25 }, {});
    const checker = h.agent('cecil', 'checker');
    for (let i = 0; i < 20; i++)
      h.verdict(checker, h.claim(h.agent(`sybil-${i}`, 'explorer'), { claimed_gain: 0.25 }));
    await h.write(ground.admin);
    for (const o of await owners()) expect(o.trust, o.owner).toBe(0);
  });

  it('of an owner with one honest agent and one that lies is 0.21', async () => {
    const h = judged(15, {}, {});
    const liar = h.agent('alice', 'explorer');
    const checker = h.agents.find((a) => a.role === 'checker')!;
    for (let i = 0; i < 2; i++)
      h.verdict(checker, h.claim(liar, { claimed_gain: 0.25, market_at: daysAgo(0) }), {
        market_at: daysAgo(0),
      });
    await h.write(ground.admin);
    const { trust, audit_probability } = (await owners())[0]!;
    expect(trust).toBeLessThan(0.5);
    expect(audit_probability).toBeCloseTo(1 - trust, 12);
  });

  it('is not earned by claims of "1 +- 100", which weigh nothing', async () => {
    await judged(15, { claimed_gain: 0.99, claimed_se: 100 }, {}).write(ground.admin);
    const [alice] = await owners();
    expect(alice!.trust).toBeLessThan(0.005);
    expect(alice!.alpha).toBeCloseTo(1, 5);
  });

  it('is the same however an owner spreads its claims over agents', async () => {
    const spread = async (agents: number): Promise<number> => {
      await forget(ground.admin);
      const h = new History();
      const team: AgentRow[] = Array.from({ length: agents }, () => h.agent('alice', 'explorer'));
      const checker = h.agent('carol', 'checker');
      for (let i = 0; i < 12; i++)
        h.verdict(
          checker,
          h.claim(team[i % agents]!, { claimed_gain: i % 4 === 0 ? 0.3 : 0.05, market_at: daysAgo(i) }),
        );
      await h.write(ground.admin);
      return trustOf('alice');
    };
    const alone = await spread(1);
    close(await spread(4), alone, 'four agents');
    close(await spread(12), alone, 'twelve agents');
  });

  it('is not moved by claims that nobody verified, nor by a second verdict of the same owner', async () => {
    const h = judged(5, {}, {});
    await h.write(ground.admin);
    const before = await trustOf('alice');
    await forget(ground.admin);
    for (let i = 0; i < 30; i++) h.claim(h.agents[0]!, { claimed_gain: 0.9 });
    const twin = h.agent('carol', 'checker');
    for (const claim of h.claims.slice(0, 5)) h.verdict(twin, claim, { verified_gain: -1, at: daysAgo(-1) });
    await h.write(ground.admin);
    close(await trustOf('alice'), before, 'alice');
  });

  it.each([
    ['a zero claimed error', { claimed_se: 0 }, {}, true, 1],
    ['both errors zero and an exact claim', { claimed_se: 0 }, { verified_se: 0 }, true, 1],
    [
      'both errors zero and a hair too much',
      { claimed_se: 0, claimed_gain: 0.05 + 1e-15 },
      { verified_se: 0 },
      false,
      1,
    ],
    ['a zero verified error', {}, { verified_se: 0 }, true, 0],
    ['an error next to nothing', { claimed_se: 1e-100 }, {}, true, 1],
    ['a verified error next to nothing', {}, { verified_se: 1e-100 }, true, 0],
    ['the largest error there is', { claimed_se: 1e12 }, {}, true, 0],
    [
      'exactly two standard errors too much',
      { claimed_gain: 0.05 + 2 * Math.hypot(0.01, 0.01) - 1e-15 },
      {},
      true,
      1,
    ],
    ['a claim of next to nothing', { claimed_gain: 1e-100 }, {}, true, 1],
    ['an understatement', { claimed_gain: -0.9 }, {}, true, 1],
  ])('stands %s', async (_, claim, verdict, honest, informativeness) => {
    await judged(1, claim, verdict).write(ground.admin);
    const [row] = await ground.rows('select honest, informativeness from trust.claim_result');
    expect(row!['honest']).toBe(honest);
    close(row!['informativeness'], informativeness, 'informativeness');
    expect(Number.isFinite(await trustOf('alice'))).toBe(true);
  });

  it('halves in fourteen days and forgets what is older than any market without failing', async () => {
    await judged(1, { market_at: daysAgo(14) }, { market_at: daysAgo(14) }).write(ground.admin);
    close((await owners())[0]!.alpha, 1.5, 'alpha');
    await forget(ground.admin);
    await judged(1, {}, { market_at: new Date('1900-01-01') }).write(ground.admin);
    close((await owners())[0]!.alpha, 1, 'alpha');
  });
});

describe('a claim that checkers refuse', () => {
  it.each([
    [['refused'], false],
    [['refused', 'scored'], null],
    [['refused', 'refused', 'scored'], false],
    [['refused', 'scored', 'scored'], true],
  ] as const)('as %j is honest: %s', async (findings, honest) => {
    const h = new History();
    const claim = h.claim(h.agent('alice', 'explorer'));
    for (const [i, finding] of findings.entries())
      h.verdict(h.agent(`carol-${i}`, 'checker'), claim, { finding });
    await h.write(ground.admin);
    expect((await ground.rows('select honest from trust.claim_result'))[0]!['honest']).toBe(honest);
  });
});

describe('a checker', () => {
  async function graded(gains: readonly (number | 'refused')[]): Promise<(boolean | null)[]> {
    const h = new History();
    const claim = h.claim(h.agent('alice', 'explorer'));
    const made = gains.map((gain, i) => {
      const checker = h.agent(`carol-${i}`, 'checker');
      return gain === 'refused'
        ? h.verdict(checker, claim, { finding: gain })
        : h.verdict(checker, claim, { verified_gain: gain });
    });
    await h.write(ground.admin);
    const events = await ground.rows(`select ref, honest from trust.event where kind = 'checks'`);
    return made.map((v) => events.find((e) => e['ref'] === v.id)?.['honest'] ?? null);
  }

  it.each([
    ['a lone one is not graded', [0.05], [null]],
    ['two that agree did well', [0.05, 0.0515], [true, true]],
    ['two that disagree wait for a third', [0.05, 0.09], [null, null]],
    ['an outlier condemns itself and not the others', [0.05, 0.9, 0.0505], [true, false, true]],
    ['two refusals outvote a score', ['refused', 0.05, 'refused'], [true, false, true]],
    ['two scores outvote a refusal', [0.05, 'refused', 0.0505], [true, false, true]],
    ['one that refuses and one that does not wait for a third', ['refused', 0.05], [null, null]],
  ] as const)('%s', async (_, gains, expected) => {
    expect(await graded(gains)).toEqual(expected);
  });
});
