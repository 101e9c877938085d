// Who is credited with a promoted model: small lineages whose shares were worked out by hand.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditDatabase } from '../../trust/audit/audit.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History } from './history.js';
import { descent } from './lineage.js';
import type { AgentRow, ClaimRow } from './rows.js';

let ground: Ground;
let h: History;
let publisher: AgentRow;
let reign: number;

beforeAll(async () => {
  ground = await openGround('credit');
});
beforeEach(() => {
  h = new History();
  publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher);
  reign = 0;
});
afterEach(() => forget(ground.admin));
afterAll(() => ground.close());

const owned = (owner: string, days: number, some: Partial<ClaimRow> = {}): ClaimRow =>
  h.claim(h.agents.find((a) => a.owner === owner) ?? h.agent(owner, 'explorer'), {
    market_at: daysAgo(days),
    ...some,
  });

/** Promotes a claim's model that was better by these shares of the champion's score, window by window. */
function promoted(claim: ClaimRow, gains: readonly number[]): void {
  const challenger = h.challenger(
    publisher,
    gains.map(() => 0.5),
    {
      artifact: claim.artifact,
      claim_id: claim.id,
      reign,
      k: 1,
      gains,
    },
  );
  reign += 1;
  h.promotion(publisher, {
    kind: 'promote',
    reign,
    artifact: claim.artifact,
    challenger_id: challenger.id,
    market_at: daysAgo(1),
  });
}

async function credit(): Promise<Record<string, number>> {
  await h.write(ground.admin);
  const rows = await ground.rows<{ owner: string; credit: number }>('select owner, credit from fleet.credit');
  // These records are not signed, and their gates have no prompts: what the audit says of credit is all that counts here.
  const found: string[] = [];
  const { checked } = await auditDatabase(ground.admin, null, ({ kind, reason }) => {
    if (kind === 'credit') found.push(reason);
  });
  expect(found).toEqual([]);
  expect(checked['credit']).toBeGreaterThan(0);
  return Object.fromEntries(rows.map((r) => [r.owner, r.credit]));
}

function expectShares(actual: Record<string, number>, expected: Record<string, number>): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [owner, share] of Object.entries(expected)) expect(actual[owner], owner).toBeCloseTo(share, 12);
}

describe('credit', () => {
  it("of a model without sources is all its author's: the mean of what it gained", async () => {
    promoted(owned('alice', 5), [0.01, 0.03, 0.02]);
    expectShares(await credit(), { alice: 0.02 });
  });

  it('is halved with the parent, which halves it with its own', async () => {
    const root = owned('alice', 9);
    const middle = owned('bob', 7);
    const leaf = owned('carl', 5);
    descent(h, root, []);
    descent(h, middle, [root]);
    descent(h, leaf, [middle]);
    promoted(leaf, [0.08]);
    expectShares(await credit(), { carl: 0.04, bob: 0.02, alice: 0.02 });
  });

  it('goes in equal parts to parents and to told patterns that hold and that verdicts speak for', async () => {
    const parent = owned('alice', 9);
    const leaf = owned('carl', 5, { spec: { family: 'garch' } });
    const good = h.pattern(h.agent('bob', 'explorer'), { family: 'garch', market_at: daysAgo(8) });
    // Said again by another; about another family; and refuted.
    const echo = h.pattern(h.agent('dora', 'explorer'), {
      id: 'ffffffff-ffff-7fff-bfff-ffffffffffff',
      family: 'garch',
      market_at: daysAgo(7),
    });
    const beside = h.pattern(h.agent('emil', 'explorer'), { family: 'har', market_at: daysAgo(8) });
    const checker = h.agent('judge', 'checker');
    for (const [family, verified_gain] of [
      ['garch', 0.06],
      ['har', 0.01],
    ] as const)
      for (let i = 0; i < 12; i++)
        h.verdict(checker, owned(`witness-${family}`, 3, { spec: { family }, claimed_gain: verified_gain }), {
          verified_gain,
        });
    descent(h, leaf, [parent], [good, echo, beside]);
    promoted(leaf, [0.08]);
    expectShares(await credit(), { carl: 0.04, alice: 0.02, bob: 0.02 });
  });

  it("of a copy is its original's", async () => {
    const original = owned('alice', 9);
    promoted(owned('thief', 5, { spec_digest: original.spec_digest }), [0.04]);
    expectShares(await credit(), { alice: 0.04 });
  });

  it('is nothing for what does the same as the champion, or worse, or was rolled back', async () => {
    promoted(owned('alice', 9), [0, 0]);
    promoted(owned('bob', 8), [-0.01]);
    const undone = owned('carl', 7);
    promoted(undone, [0.05]);
    h.promotion(publisher, {
      kind: 'rollback',
      reign: reign + 1,
      artifact: digest('old'),
      market_at: daysAgo(0),
    });
    expectShares(await credit(), { alice: 0, bob: 0 });
  });

  it('is not made by naming younger specs, oneself, or specs that nobody claimed', async () => {
    const leaf = owned('carl', 5);
    const younger = owned('alice', 4);
    descent(h, leaf, [leaf, younger, { ...younger, spec_digest: digest('nobody') }]);
    promoted(leaf, [0.02]);
    expectShares(await credit(), { carl: 0.02 });
  });

  it('adds up to what all promotions were worth, however long the lineages are', async () => {
    let last = owned('owner-0', 40);
    for (let i = 1; i < 30; i++) {
      const next = owned(`owner-${i % 7}`, 40 - i);
      descent(h, next, i % 3 === 0 ? [last, h.claims[0]!] : [last]);
      last = next;
    }
    promoted(last, [0.02, 0.04]);
    promoted(owned('zoe', 3), [0.01]);
    const all = Object.values(await credit()).reduce((a, b) => a + b, 0);
    expect(all).toBeCloseTo(0.04, 12);
  });
});
