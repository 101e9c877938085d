// Random fleets from a seed: honest and dishonest owners, refusing and lying checkers, several reigns, odd numbers.
import { daysAgo, digest, History, SLOT } from './history.js';
import type { AgentRow } from './rows.js';
import { normal, seeded } from './seeded.js';

const SLOTS = [SLOT, 'crypto_24h/ETH'];
const FAMILIES = ['garch', 'garch_t', 'har'];

export function inventHistory(seed: number): History {
  const u = seeded(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(u() * of.length)]!;
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  const owners = Array.from({ length: 4 }, (_, i) => `owner-${i}`);
  const searchers = owners.flatMap((owner) =>
    Array.from({ length: 1 + Math.floor(u() * 2) }, () => h.agent(owner, pick(['explorer', 'optimizer']))),
  );
  // Two checkers of one owner, and one of an owner that also searches.
  const checkers = ['check-a', 'check-a', 'check-b', 'check-c', 'owner-0'].map((owner) =>
    h.agent(owner, 'checker'),
  );
  for (const slot of SLOTS) {
    h.promotion(publisher, { slot, market_at: daysAgo(60) });
    h.promotion(publisher, {
      slot,
      kind: 'promote',
      reign: 1,
      artifact: digest(`one ${slot}`),
      market_at: daysAgo(u() * 5),
    });
    if (u() < 0.5)
      h.promotion(publisher, {
        slot,
        kind: pick(['promote', 'rollback']),
        reign: 2,
        artifact: digest(`two ${slot}`),
        market_at: daysAgo(u() * 3),
      });
  }
  for (let i = 0; i < 40; i++) judge(h, u, pick(searchers), checkers, owners);
  for (let i = 0; i < 6; i++)
    h.pattern(pick(searchers), {
      slot: pick([...SLOTS, null]),
      ...pick([
        { family: pick(FAMILIES) },
        { knob: 'nu', low: u() * 5, high: 5 + u() * 5 },
        { family: pick(FAMILIES), knob: 'nu', low: 0, high: u() * 12 },
      ]),
    });
  return h;
}

function judge(
  h: History,
  u: () => number,
  by: AgentRow,
  checkers: readonly AgentRow[],
  owners: readonly string[],
): void {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(u() * of.length)]!;
  const liar = by.owner === owners[1];
  const truth = 0.05 * normal(u);
  const age = u() * 40;
  const known = h.claims.length === 0 ? undefined : pick(h.claims);
  const original = u() < 0.15 ? known : undefined;
  const copied = pick(['artifact', 'spec_digest'] as const);
  const claim = h.claim(by, {
    slot: pick(SLOTS),
    spec: { family: pick(FAMILIES), ...(u() < 0.8 ? { nu: u() * 12 } : { nu: 'many' }) },
    claimed_gain: truth + (liar ? 0.2 : 0) + 0.01 * normal(u),
    claimed_se: pick([0, 0.005, 0.01, 0.1, 100]),
    market_at: daysAgo(age),
    // Some take what somebody has claimed before.
    ...(original === undefined ? {} : { [copied]: original[copied], slot: original.slot }),
  });
  const reign = u() < 0.7 ? 0 : 1;
  for (const checker of checkers) {
    if (checker.owner === by.owner || u() < 0.45) continue;
    for (const r of u() < 0.3 ? [reign, reign + 1] : [reign]) {
      const market_at = daysAgo(age * u());
      if (u() < 0.15) h.verdict(checker, claim, { reign: r, finding: 'refused', market_at });
      else
        h.verdict(checker, claim, {
          reign: r,
          verified_gain: truth + pick([0, 0.0005, 0.03]) * (u() - 0.5),
          verified_se: pick([0, 0.004, 0.01]),
          champion_t: 3 * normal(u),
          champion_crps: 1 + u(),
          difference_sd: 0.01 + u() / 50,
          market_at,
        });
    }
  }
}
