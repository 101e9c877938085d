// Who checks what: drawn by a salt, among live checkers of other owners, once per owner, until enough have checked.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History } from './history.js';
import type { AgentRow, ClaimRow } from './rows.js';

let ground: Ground;
let h: History;
let judges: AgentRow[];
let author: AgentRow;
let publisher: AgentRow;

beforeAll(async () => {
  ground = await openGround('trust turns');
  // Nothing is planted, but where the test says so.
  await plantedShare(0);
});
beforeAll(() => begin());
afterEach(async () => {
  await forget(ground.admin);
  begin();
});
afterAll(() => ground.close());

const plantedShare = (share: number): Promise<unknown> =>
  ground.admin.query(`update board.constant set value = $1 where name = 'plant_share'`, [share]);

function begin(): void {
  h = new History();
  publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher);
  author = h.agent('alice', 'explorer');
  judges = [1, 2, 3, 4].map((i) => h.agent(`check-${i}`, 'checker'));
}

async function alive(agents: readonly AgentRow[], seconds_ago = 0): Promise<void> {
  for (const { id } of agents)
    await ground.admin.query(
      `insert into board.presence (agent_id, beat_at, market_at, pid, host, state) values ($1, clock_timestamp() - $2 * interval '1 second', now(), 1, 'h', 'ready')
       on conflict (agent_id) do update set beat_at = excluded.beat_at`,
      [id, seconds_ago],
    );
}

interface Turn {
  readonly claim_id: string;
  readonly checker_id: string;
  readonly wanted: number;
  readonly have: string;
}
async function turns(live: readonly AgentRow[] = judges): Promise<Turn[]> {
  await h.write(ground.admin);
  await alive(live);
  return ground.rows<Turn & object>('select * from trust.check_turn');
}
const ownersOf = (found: readonly Turn[], claim: ClaimRow): string[] =>
  found
    .filter((t) => t.claim_id === claim.id)
    .map((t) => h.agents.find((a) => a.id === t.checker_id)!.owner)
    .sort();

/** Ten verified honest claims on another slot: trust without candidates here. */
function earn(): void {
  for (let i = 0; i < 10; i++)
    h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH', market_at: daysAgo(1) }));
}

describe('a turn', () => {
  it('of a new claim of a newcomer goes to one live checker', async () => {
    const claims = Array.from({ length: 40 }, () => h.claim(author));
    const found = await turns();
    for (const claim of claims) expect(ownersOf(found, claim)).toHaveLength(1);
  });

  it("never goes to a checker of the claim's own owner, even when there is no other", async () => {
    const own = h.agent('alice', 'checker');
    for (let i = 0; i < 40; i++) h.claim(author);
    expect((await turns([...judges, own])).filter((t) => t.checker_id === own.id)).toEqual([]);
    await ground.admin.query('delete from board.presence');
    await alive([own]);
    expect(await ground.rows('select * from trust.check_turn')).toEqual([]);
  });

  it('moves on when its checker has not been heard of for the time that the constants allow', async () => {
    const claim = h.claim(author);
    const [first] = await turns();
    const dead = judges.find((j) => j.id === first!.checker_id)!;
    await alive([dead], ground.constant('presence_s') + 1);
    const [next] = await ground.rows<Turn & object>('select * from trust.check_turn where claim_id = $1', [
      claim.id,
    ]);
    expect(next!.checker_id).not.toBe(dead.id);
    await alive([dead], ground.constant('presence_s') - 2);
    const [again] = await ground.rows<Turn & object>('select * from trust.check_turn where claim_id = $1', [
      claim.id,
    ]);
    expect(again!.checker_id).toBe(dead.id);
  });

  it('goes to agents that are checkers and to nobody else', async () => {
    const others = ['explorer', 'publisher', 'miner'].map((role) => h.agent('dora', role));
    h.claim(author);
    expect(await turns(others)).toEqual([]);
  });

  it('is drawn evenly among owners, so that an owner with ten checkers has no more of them', async () => {
    const crowd = Array.from({ length: 9 }, () => h.agent('check-1', 'checker'));
    // Nobody has more than a few in one reign.
    const authors = Array.from({ length: 8 }, (_, i) => h.agent(`author-${i}`, 'explorer'));
    for (let i = 0; i < 800; i++) h.claim(authors[i % 8]!, { salt: randomUuid() });
    const found = await turns([...judges, ...crowd]);
    const first = found.filter((t) => [judges[0]!, ...crowd].some((c) => c.id === t.checker_id)).length;
    expect(found).toHaveLength(800);
    // 200 expected, standard deviation 12.
    expect(first).toBeGreaterThan(150);
    expect(first).toBeLessThan(250);
  });

  it('comes to three different owners at once where three are wanted', async () => {
    earn();
    h.agent('check-1', 'checker', 'twin');
    const twin = h.agents.at(-1)!;
    const claim = h.claim(author, { as_of: daysAgo(1) });
    h.verdict(judges[3]!, claim, { champion_t: ground.constant('contender_t') + 0.1 });
    const found = await turns([...judges, twin]);
    const drawn = ownersOf(found, claim);
    expect(drawn).toHaveLength(2);
    expect(new Set([...drawn, 'check-4']).size).toBe(3);
  });
});

describe('checks that are wanted', () => {
  const wanted = async (claim: ClaimRow): Promise<number> => ownersOf(await turns(), claim).length;

  it('are none for the artifact that reigns', async () => {
    expect(await wanted(h.claim(author, { artifact: digest('champion') }))).toBe(0);
  });

  it('are none once a routine claim was checked by two that agree', async () => {
    const claim = h.claim(author);
    for (const judge of judges.slice(0, 2)) h.verdict(judge, claim, { champion_t: 0 });
    expect(await wanted(claim)).toBe(0);
  });

  it('are a second one where the one checker is not known yet', async () => {
    const claim = h.claim(author);
    h.verdict(judges[0]!, claim, { champion_t: 0 });
    expect(await wanted(claim)).toBe(1);
  });

  it('are a second one about as often as a known checker is audited', async () => {
    const claims = Array.from({ length: 400 }, () => h.claim(author, { salt: randomUuid() }));
    for (const claim of claims) h.verdict(judges[0]!, claim, { champion_t: 0 });
    for (let i = 0; i < 30; i++) {
      const claim = h.claim(author, { slot: 'crypto_24h/ETH' });
      for (const judge of judges.slice(0, 2)) h.verdict(judge, claim);
    }
    const found = await turns();
    const [judge] = await ground.rows<{ audit_probability: number }>(
      `select audit_probability from trust.owner where owner = 'check-1'`,
    );
    const doubted = claims.filter((claim) => ownersOf(found, claim).length > 0).length / 400;
    // Four standard errors.
    expect(Math.abs(doubted - judge!.audit_probability)).toBeLessThan(
      4 * Math.sqrt(judge!.audit_probability / 400),
    );
  });

  it.each([
    ['apart beyond tolerance', 0.053, 1],
    ['apart within it', 0.0515, 0],
  ])('are a third where two are %s', async (_, other, n) => {
    const claim = h.claim(author);
    h.verdict(judges[0]!, claim, { verified_gain: 0.05 });
    h.verdict(judges[1]!, claim, { verified_gain: other });
    expect(await wanted(claim)).toBe(n);
  });

  it('are a third where one of two refused, and none after a third', async () => {
    const claim = h.claim(author);
    h.verdict(judges[0]!, claim);
    h.verdict(judges[1]!, claim, { finding: 'refused' });
    const settled = h.claim(author);
    for (const [i, finding] of (['scored', 'refused', 'refused'] as const).entries())
      h.verdict(judges[i]!, settled, { finding });
    const found = await turns();
    expect(ownersOf(found, claim)).toHaveLength(1);
    expect(ownersOf(found, settled)).toHaveLength(0);
  });

  it('are not full sets for owners that may not challenge', async () => {
    const claim = h.claim(author, { claimed_gain: 0.25 });
    for (const judge of judges.slice(0, 2)) h.verdict(judge, claim, { champion_t: 9 });
    expect(await wanted(claim)).toBe(0);
  });

  it('are one for the best few known claims of a slot when a new champion reigns', async () => {
    earn();
    const known = Array.from({ length: 8 }, (_, i) =>
      h.claim(author, { claimed_gain: 0.05 - i / 1000, as_of: daysAgo(2), market_at: daysAgo(2) }),
    );
    for (const [i, claim] of known.entries())
      h.verdict(judges[i % 4]!, claim, { verified_gain: 0.05 - i / 1000 });
    const stale = h.claim(author, { as_of: daysAgo(ground.constant('contender_days') + 1) });
    h.verdict(judges[0]!, stale, { verified_gain: 0.04 });
    h.promotion(publisher, { kind: 'promote', reign: 1, artifact: digest('new'), market_at: daysAgo(0) });
    const found = await turns();
    expect(known.map((claim) => ownersOf(found, claim).length)).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    expect(ownersOf(found, stale)).toEqual([]);
  });

  it('are never wanted twice of one owner in one reign', async () => {
    earn();
    const claim = h.claim(author);
    h.verdict(judges[0]!, claim, { champion_t: 9 });
    h.agent('check-1', 'checker');
    const found = await turns([judges[0]!, h.agents.at(-1)!]);
    expect(ownersOf(found, claim)).toEqual([]);
  });

  it("are always one where a trusted owner's word, discounted by what it was worth, beats everything verified", async () => {
    for (let i = 0; i < 30; i++)
      h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH', market_at: daysAgo(0) }));
    const best = h.claim(author, { claimed_gain: 0.03, market_at: daysAgo(0) });
    h.verdict(judges[0]!, best, { verified_gain: 0.03 });
    const better = Array.from({ length: 100 }, () =>
      h.claim(author, { salt: randomUuid(), claimed_gain: 0.045 }),
    );
    const worse = Array.from({ length: 100 }, () =>
      h.claim(author, { salt: randomUuid(), claimed_gain: 0.02 }),
    );
    const found = await turns();
    expect(better.filter((claim) => ownersOf(found, claim).length > 0)).toHaveLength(100);
    expect(worse.filter((claim) => ownersOf(found, claim).length > 0).length).toBeLessThan(60);
  });

  it("puts a liar's claims behind a newcomer's in the queue, whatever they claim", async () => {
    const liar = h.agent('mallory', 'explorer');
    for (let i = 0; i < 10; i++)
      h.verdict(judges[0]!, h.claim(liar, { claimed_gain: 0.25, market_at: daysAgo(0) }), {
        verified_gain: 0,
      });
    for (let i = 0; i < 50; i++) h.claim(liar, { salt: randomUuid(), claimed_gain: 0.25 });
    for (let i = 0; i < 50; i++) h.claim(author, { salt: randomUuid(), claimed_gain: 0.01 });
    await turns();
    const queue = await ground.rows<{ owner: string }>(
      'select owner from trust.check_need order by priority desc limit 50',
    );
    expect(queue.filter((q) => q.owner === 'mallory').length).toBeLessThan(12);
  });

  it('are none beyond what an owner may ask of the hidden windows, until these have been exchanged', async () => {
    const most = ground.constant('hidden_queries');
    const reigning = (days: number): void => {
      h = new History();
      h.promotion(h.agent('publisher-owner', 'publisher'), { market_at: daysAgo(days) });
      author = h.agent('alice', 'explorer');
      judges = [1, 2].map((i) => h.agent(`check-${i}`, 'checker'));
      for (let i = 0; i < most + 20; i++) h.claim(author, { salt: randomUuid() });
    };
    reigning(ground.constant('hidden_days') - 1);
    const refused = h.claim(author);
    for (const judge of judges) h.verdict(judge, refused, { finding: 'refused' });
    const asked = h.claim(author);
    for (const judge of judges) h.verdict(judge, asked, { champion_t: 0 });
    const rival = h.claim(h.agent('bob', 'explorer'));
    const found = await turns();
    // A refusal has told nothing.
    expect(found).toHaveLength(most - 1 + 1);
    expect(ownersOf(found, rival)).toHaveLength(1);
    await forget(ground.admin);
    reigning(ground.constant('hidden_days') + 1);
    expect(await turns()).toHaveLength(most + 20);
  });

  it('are now and then a third one where two agree, as a test whose answer is known', async () => {
    const claims = Array.from({ length: 90 }, () => h.claim(author, { salt: randomUuid() }));
    for (const claim of claims)
      for (const judge of judges.slice(0, 2)) h.verdict(judge, claim, { champion_t: 0 });
    await plantedShare(0.5);
    const planted = await turns();
    await plantedShare(0);
    // Four standard errors.
    expect(Math.abs(planted.length / claims.length - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / 90));
    for (const turn of planted) expect(turn).toMatchObject({ wanted: 3, have: '2' });
  });

  it('retrace the square of what their owner lacks in trust', async () => {
    for (let i = 0; i < 30; i++)
      h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH', market_at: daysAgo(0) }));
    for (let i = 0; i < 400; i++) h.claim(author, { salt: randomUuid(), claimed_gain: 0.9 });
    const found = (await turns()) as (Turn & { retrace: boolean })[];
    const [owner] = await ground.rows<{ trust: number }>(
      `select trust from trust.owner where owner = 'alice'`,
    );
    const share = found.filter((t) => t.retrace).length / found.length;
    expect(Math.abs(share - (1 - owner!.trust) ** 2)).toBeLessThan(4 * Math.sqrt(0.25 / found.length));
  });

  it("audit fewer of a known liar's claims, by its share of honest events beside a newcomer's, and never none", async () => {
    const liar = h.agent('mallory', 'explorer');
    for (let i = 0; i < 5; i++)
      h.verdict(judges[0]!, h.claim(liar, { claimed_gain: 0.25, market_at: daysAgo(0) }), {
        verified_gain: 0,
      });
    const claims = Array.from({ length: 600 }, () =>
      h.claim(liar, { salt: randomUuid(), claimed_gain: -0.01, slot: 'crypto_24h/ETH' }),
    );
    await ground.admin.query(`update board.constant set value = 1000 where name = 'hidden_queries'`);
    h.promotion(publisher, { slot: 'crypto_24h/ETH', id: randomUuid() });
    const found = await turns();
    await ground.admin.query(`update board.constant set value = 100 where name = 'hidden_queries'`);
    const [owner] = await ground.rows<{ alpha: number; beta: number; audit_probability: number }>(
      `select alpha, beta, audit_probability from trust.owner where owner = 'mallory'`,
    );
    const due = Math.max(0.05, (4 * owner!.alpha) / (owner!.alpha + owner!.beta));
    expect(due).toBeLessThan(0.2);
    expect(owner!.audit_probability).toBeCloseTo(due, 9);
    const audited = claims.filter((claim) => ownersOf(found, claim).length > 0).length / 600;
    expect(Math.abs(audited - due)).toBeLessThan(4 * Math.sqrt(due / 600));
  });

  it('are full sets only for the best few of those that would pass the screen', async () => {
    earn();
    const good = Array.from({ length: 8 }, (_, i) => {
      const claim = h.claim(author);
      h.verdict(judges[0]!, claim, { champion_t: 9 - i });
      return claim;
    });
    const below = h.claim(author);
    // Of nine trials chance alone makes a largest t of 1.5.
    h.verdict(judges[0]!, below, { champion_t: 1.2 });
    const found = await turns();
    const full = (claim: ClaimRow): boolean => found.some((t) => t.claim_id === claim.id && t.wanted === 3);
    expect(good.map(full)).toEqual([true, true, true, true, false, false, false, false]);
    expect(full(below)).toBe(false);
  });

  it('audit about as many claims of a trusted owner as its audit probability says', async () => {
    for (let i = 0; i < 30; i++)
      h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH', market_at: daysAgo(0) }));
    // Nothing that could be promoted: a loss beside the yardstick.
    const claims = Array.from({ length: 1000 }, () =>
      h.claim(author, { salt: randomUuid(), claimed_gain: -0.01 }),
    );
    const found = await turns();
    const [owner] = await ground.rows<{ audit_probability: number }>(
      `select audit_probability from trust.owner where owner = 'alice'`,
    );
    const audited = claims.filter((claim) => ownersOf(found, claim).length > 0).length / 1000;
    expect(owner!.audit_probability).toBeLessThan(0.3);
    // Four standard errors.
    expect(Math.abs(audited - owner!.audit_probability)).toBeLessThan(
      4 * Math.sqrt(owner!.audit_probability / 1000),
    );
  });
});

function randomUuid(): string {
  const hex = randomBytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
