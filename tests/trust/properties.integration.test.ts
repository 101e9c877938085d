// What holds of trust whatever the history is: it lies in [0, 1), honest claims never lower it, and neither the order of rows, nor how an
// owner deals its claims among agents, nor what nobody verified moves it. And what becomes of input that is no number, or of nothing.
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { claim, digest, founded, leased, verdict } from '../blackboard/records.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, forget, History } from './history.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('trust properties');
});
afterEach(() => forget(ground.admin));
afterAll(() => ground.close());

interface Judged {
  readonly agent: number;
  readonly claimed: number;
  readonly claimed_se: number;
  /** One verdict each of as many checkers, or a refusal. */
  readonly verdicts: readonly (number | null)[];
  readonly verified_se: number;
  readonly days: number;
}

/** Smaller ones are refused. */
const least = (x: number): number => (Math.abs(x) < 1e-100 ? 0 : x);
const gain = fc.oneof(
  fc.double({ min: -0.5, max: 0.9, noNaN: true }).map(least),
  fc.constantFrom(0, -0, 1e-100, 0.05, 0.9),
);
const error = fc.oneof(
  fc.double({ min: 0, max: 0.1, noNaN: true }).map(least),
  fc.constantFrom(0, 1e-100, 1e9),
);
const judged: fc.Arbitrary<Judged> = fc.record({
  agent: fc.nat(3),
  claimed: gain,
  claimed_se: error,
  verdicts: fc.array(fc.option(gain, { freq: 4 }), { minLength: 1, maxLength: 3 }),
  verified_se: error,
  // Some lie ahead of the clock.
  days: fc.double({ min: -3, max: 190, noNaN: true }),
});
const histories = fc.array(judged, { minLength: 1, maxLength: 8 });
const RUNS = { numRuns: 6 };

/** Alice's claims, by as many agents as are asked for, and checkers of three other owners. */
function history(all: readonly Judged[], agents = 1): History {
  const h = new History();
  const team = Array.from({ length: agents }, () => h.agent('alice', 'explorer'));
  const checkers = [0, 1, 2].map((i) => h.agent(`check-${i}`, 'checker'));
  for (const j of all) {
    const market_at = daysAgo(j.days);
    const made = h.claim(team[j.agent % agents]!, {
      claimed_gain: j.claimed,
      claimed_se: j.claimed_se,
      market_at,
    });
    for (const [i, verified_gain] of j.verdicts.entries())
      h.verdict(
        checkers[i]!,
        made,
        verified_gain === null
          ? { finding: 'refused', market_at }
          : { verified_gain, verified_se: j.verified_se, market_at },
      );
  }
  return h;
}

async function trusts(h: History, order: 'as made' | 'reversed' = 'as made'): Promise<Map<string, number>> {
  await forget(ground.admin);
  await h.write(ground.admin, order);
  const rows = await ground.rows<{ owner: string; trust: number; evidence: number; audit: number }>(
    'select owner, trust, evidence, audit_probability as audit from trust.owner',
  );
  for (const { owner, trust, evidence, audit } of rows) {
    expect(trust >= 0 && trust < 1, `${owner} ${trust}`).toBe(true);
    expect(evidence > 0 && Number.isFinite(evidence), `${owner} ${evidence}`).toBe(true);
    expect(audit >= ground.constant('audit_floor'), `${owner} ${audit}`).toBe(true);
    expect(audit).toBeLessThanOrEqual(Math.max(ground.constant('audit_floor'), 1 - trust) + 1e-12);
  }
  return new Map(rows.map((r) => [r.owner, r.trust]));
}

function expectSame(actual: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  for (const [owner, trust] of expected)
    expect(Math.abs(actual.get(owner)! - trust), owner).toBeLessThan(1e-9);
}

describe('trust', () => {
  it('lies in [0, 1) and does not depend on the order of the rows', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (all) => {
        const h = history(all);
        expectSame(await trusts(h, 'reversed'), await trusts(h));
      }),
      RUNS,
    );
  });

  it('is never lowered by an honest claim', async () => {
    await fc.assert(
      fc.asyncProperty(histories, gain, async (all, honest) => {
        const before = (await trusts(history(all))).get('alice')!;
        const one = {
          agent: 0,
          claimed: honest,
          claimed_se: 0.01,
          verdicts: [honest],
          verified_se: 0.01,
          days: 0,
        };
        const after = (await trusts(history([...all, one]))).get('alice')!;
        expect(after).toBeGreaterThanOrEqual(before - 1e-12);
      }),
      RUNS,
    );
  });

  it('is the same however an owner deals its claims among agents', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 2, max: 4 }), async (all, agents) => {
        expectSame(await trusts(history(all, agents)), await trusts(history(all)));
      }),
      RUNS,
    );
  });

  it('is not moved by claims that nobody verified', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.array(gain, { maxLength: 20 }), async (all, unverified) => {
        const before = await trusts(history(all));
        const h = history(all);
        for (const claimed_gain of unverified) h.claim(h.agents[0]!, { claimed_gain });
        expectSame(await trusts(h), before);
      }),
      RUNS,
    );
  });

  it('of an owner with no history is 0, with nothing against it', async () => {
    const h = new History();
    h.agent('nobody', 'explorer');
    await h.write(ground.admin);
    const [row] = await ground.rows('select trust, evidence, over, shrink, events from trust.owner');
    expect(row).toEqual({ trust: 0, evidence: 1, over: null, shrink: null, events: '0' });
  });
});

describe('a record that says nothing', () => {
  it('is refused: no claim, no number, no size of error, no window', async () => {
    await ground.setClock({ market_at: '2025-03-10T01:00:00Z', speed: 0 });
    const publisher = await ground.enrol('publisher', 'p1', 'paula');
    await founded(publisher, digest(9));
    const explorer = await ground.enrol('explorer', 'e1', 'alice');
    const judge = await ground.enrol('checker', 'c1', 'judge-1');
    for (const [n, bad] of [
      { claimed_gain: Number.NaN },
      { claimed_gain: Number.POSITIVE_INFINITY },
      { claimed_se: Number.NaN },
      { claimed_se: -0.01 },
      { n_windows: 0 },
    ].entries())
      await expect(claim(explorer, 10 + n, bad), JSON.stringify(bad)).rejects.toMatchObject({
        code: expect.stringMatching(/^(23514|22P02|23502|SW0\d\d)$/),
      });
    const { id } = await claim(explorer, 2);
    const held = await leased(judge, `check:${id}:0:${judge.who.name}`);
    for (const bad of [
      { verified_gain: Number.NaN },
      { verified_se: Number.NaN },
      { verified_se: -1 },
      { n_windows: 0, window_starts: [], differences: [] },
      { verified_gain: null },
    ])
      await expect(
        verdict(judge, id, digest(9), { ...held, ...bad }),
        JSON.stringify(bad),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(23514|22P02|23502|SW0\d\d)$/) });
    const nobody = '01900000-0000-7000-8000-000000000000';
    const other = await leased(judge, `check:${nobody}:0:${judge.who.name}`);
    await expect(verdict(judge, nobody, digest(9), other)).rejects.toMatchObject({
      code: expect.stringMatching(/^(23503|SW0\d\d)$/),
    });
  });
});
