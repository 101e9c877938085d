// The history of a grown fleet: 5,000 claims, 15,000 verdicts, 100 patterns, 10,000 answers with their outcomes.
import type pg from 'pg';
import { daysAgo, digest, History } from './history.js';
import { bred } from './lineage.js';
import { seeded } from './seeded.js';

const SLOTS = [
  'crypto_1h/BTC',
  'crypto_1h/ETH',
  'crypto_24h/BTC',
  'crypto_24h/ETH',
  'crypto_24h/SOL',
  'crypto_24h/XAU',
];

export async function writeGrownFleet(admin: pg.Client): Promise<void> {
  const u = seeded(51);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(u() * of.length)]!;
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  for (const slot of SLOTS) {
    h.promotion(publisher, { slot });
    h.promotion(publisher, {
      slot,
      kind: 'promote',
      reign: 1,
      artifact: digest(`one ${slot}`),
      market_at: daysAgo(10),
    });
  }
  const authors = Array.from({ length: 40 }, (_, i) => h.agent(`owner-${i % 30}`, 'explorer'));
  const judges = Array.from({ length: 8 }, (_, i) => h.agent(`check-${i}`, 'checker'));
  for (let i = 0; i < 5000; i++) {
    const truth = 0.05 * (u() - 0.5);
    const claim = h.claim(pick(authors), {
      slot: pick(SLOTS),
      spec: { family: pick(['garch', 'garch_t', 'har', 'ewma']), nu: u() * 12, omega: u() },
      claimed_gain: truth + (u() < 0.1 ? 0.2 : 0),
      market_at: daysAgo(u() * 60),
    });
    const start = Math.floor(u() * 8);
    for (let k = 0; k < 3; k++)
      h.verdict(judges[(start + k) % 8]!, claim, {
        reign: claim.market_at < daysAgo(10) ? 0 : 1,
        verified_gain: truth + u() / 2000,
        champion_t: 4 * u() - 2,
      });
    if (i % 2 === 0) bred(h, pick(authors), claim.spec_digest, digest(`s${Math.floor(u() * (i + 1))}`));
  }
  for (let i = 0; i < 100; i++)
    h.pattern(
      pick(authors),
      i % 3 === 0
        ? { family: 'garch', slot: null }
        : { slot: pick(SLOTS), knob: 'nu', low: u() * 6, high: 6 + u() * 6 },
    );
  for (let k = 1; k <= 12; k++)
    h.challenger(
      publisher,
      Array.from({ length: 400 }, () => 2 * u() - 1),
      { slot: pick(SLOTS), reign: 1, k },
    );
  await h.write(admin);
  for (const { id } of judges)
    await admin.query(
      `insert into board.presence values ($1, clock_timestamp() + interval '1 hour', now(), 1, 'h', 'ready', null)`,
      [id],
    );
  await admin.query('set session_replication_role = replica');
  await admin.query(
    `insert into board.prompt select md5('p' || i)::uuid, $1, now(), now(), 'v', ($2::text[])[1 + i % 6], 'c', 'BTC' || i, timestamptz '2025-01-01' + i * interval '10 minutes', 3600, 60, 1000 from generate_series(1, 10000) i`,
    [publisher.id, SLOTS],
  );
  await admin.query(
    `insert into board.answer select md5('a' || i)::uuid, $1, now(), now(), md5('p' || i)::uuid, 'answered', 'champion', $2, 's', now(), 1, $2, 5, '' from generate_series(1, 10000) i`,
    [publisher.id, digest(`one ${SLOTS[0]}`)],
  );
  await admin.query(
    `insert into board.outcome select md5(m || i)::uuid, $1, now(), now(), md5('p' || i)::uuid, m, 'CORRECT', 1 + i % 7, 0, $2 from generate_series(1, 10000) i, unnest(array['swarm', 'reference']) m`,
    [publisher.id, digest('d')],
  );
  await admin.query(
    `insert into board.reward select gen_random_uuid(), $1, now(), now(), c, a, 'm' || m, 5, 0.1, 0.1 from generate_series(1, 400) t, unnest(array['crypto_1h', 'crypto_24h']) c, unnest(array[null, 'BTC', 'ETH']) a, generate_series(1, 10) m`,
    [publisher.id],
  );
  await admin.query('reset session_replication_role');
  await admin.query('vacuum analyze');
}
