// A briefing holds what the history says is worth telling, and depends on the given draws alone.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Db, openDb } from '../../blackboard/db.js';
import { brief, type DrawnBriefing } from '../../trust/briefing.js';
import { phi } from '../../trust/draw.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History, SLOT } from './history.js';
import { normalCdf } from './recompute-gate.js';
import type { AgentRow } from './rows.js';
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

describe('a briefing', () => {
  /** Families with verified effects, each stated as a pattern; `plain` is the control. */
  function fleet(effects: Readonly<Record<string, number>>): History {
    const h = new History();
    h.promotion(h.agent('publisher-owner', 'publisher'));
    const checker = h.agent('carol', 'checker');
    const authors: AgentRow[] = ['alice', 'bob', 'cleo'].map((owner) => h.agent(owner, 'explorer'));
    for (const author of authors)
      for (const [family, gain] of Object.entries({ plain: 0, ...effects }))
        for (let n = 0; n < 4; n++)
          h.verdict(
            checker,
            h.claim(author, { spec: { family }, claimed_gain: gain, market_at: daysAgo(0) }),
            { verified_gain: gain, verified_se: 0.005 },
          );
    for (const family of Object.keys(effects)) h.pattern(authors[0]!, { family });
    return h;
  }
  const EFFECTS = { a: 0.04, b: 0.02, c: 0.01, d: 0.005, e: -0.01, f: -0.04, g: 0.03 };
  const draws = (seed: number): Promise<DrawnBriefing> => brief(db, SLOT, seeded(seed));

  it('tells the champion, six different verified specs and four different patterns', async () => {
    await fleet(EFFECTS).write(ground.admin);
    const told = await draws(1);
    expect(told.champion).toMatchObject({ artifact: digest('champion'), reign: 0 });
    expect(new Set(told.specs.map((s) => s.spec_digest)).size).toBe(6);
    expect(new Set(told.patterns.map((p) => p.family)).size).toBe(4);
    expect(
      told.items
        .map((i) => i.kind)
        .sort()
        .slice(0, 2),
    ).toEqual(['antipattern', 'champion']);
    expect(told.items).toHaveLength(1 + 6 + 4);
  });

  it('depends on the history and the given draws alone', async () => {
    const h = fleet(EFFECTS);
    await h.write(ground.admin);
    const first = await draws(7);
    expect(await draws(7)).toEqual(first);
    await forget(ground.admin);
    await h.write(ground.admin, 'reversed');
    expect(await draws(7)).toEqual(first);
    const told = (await Promise.all([1, 2, 3, 4, 5, 6].map(draws))).map((b) =>
      b.patterns.map((p) => p.family).join(),
    );
    expect(new Set(told).size).toBeGreaterThan(1);
  });

  it('always holds the worst antipattern when there is one, and none when there is none', async () => {
    await fleet(EFFECTS).write(ground.admin);
    for (const seed of [1, 2, 3, 4, 5]) {
      const { items, patterns } = await draws(seed);
      expect(items.find((i) => i.kind === 'antipattern')).toMatchObject({ probability: 1 });
      expect(patterns[0]!.family).toBe('f');
    }
    await forget(ground.admin);
    await fleet({ a: 0.04, b: 0.03 }).write(ground.admin);
    // 'plain' itself is below its controls, but nobody has stated that.
    expect((await draws(1)).items.filter((i) => i.kind === 'antipattern')).toEqual([]);
  });

  it('stores the probability of everything that was or was not told, a tenth of it even', async () => {
    await fleet(EFFECTS).write(ground.admin);
    const weights = await ground.rows<{ pattern_id: string; family: string; gain: number; sd: number }>(
      'select * from trust.pattern_weight',
    );
    const worth = new Map(
      weights.filter((w) => w.family !== 'f').map((w) => [w.pattern_id, normalCdf(w.gain / w.sd)]),
    );
    const total = [...worth.values()].reduce((a, b) => a + b, 0);
    const seen = new Map<string, number>();
    const n = 150;
    let even = 0;
    const u = seeded(41);
    for (let i = 0; i < n; i++) {
      const { items, untold } = await brief(db, SLOT, u);
      const told = items.filter((item) => item.why !== undefined);
      expect(told).toHaveLength(3);
      const every = [...told, ...untold];
      expect(new Set(every.map((item) => item.id))).toEqual(new Set(worth.keys()));
      for (const { id, probability } of every)
        expect(probability).toBeCloseTo((0.1 * 3) / 6 + (0.9 * 3 * worth.get(id)!) / total, 6);
      for (const { id, uniform } of told) {
        seen.set(id, (seen.get(id) ?? 0) + 1);
        if (uniform) even += 1;
      }
    }
    // Four standard errors.
    expect(Math.abs(even / (3 * n) - 0.1)).toBeLessThan(4 * Math.sqrt(0.09 / (3 * n)));
    for (const [id, w] of worth) {
      const p = 0.05 + (2.7 * w) / total;
      expect(Math.abs((seen.get(id) ?? 0) / n - p), id).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n));
    }
  });

  it('prefers what was said of the slot, lately, and unlike the rest', async () => {
    const h = fleet({ a: 0.04 });
    const author = h.agents[2]!;
    const own = h.pattern(author, { family: 'x', knob: 'nu', low: 4, high: 8, market_at: daysAgo(0) });
    const old = h.pattern(author, { knob: 'scale', low: 1, high: 2, market_at: daysAgo(28) });
    const general = h.pattern(author, { slot: null, knob: 'lag', low: 0, high: 1, market_at: daysAgo(0) });
    const alike = h.pattern(author, { family: 'x', knob: 'nu', low: 4, high: 9, market_at: daysAgo(1) });
    await h.write(ground.admin);
    const why = new Map<string, unknown>();
    for (let seed = 0; seed < 12; seed++)
      for (const item of (await draws(seed)).items) if (item.why) why.set(item.id, item.why);
    expect(why.get(own.id)).toEqual({
      phi: expect.closeTo(0.5, 6),
      relevance: 1,
      freshness: 1,
      diversity: 1,
    });
    expect(why.get(old.id)).toMatchObject({ relevance: 1, freshness: 0.25 });
    expect(why.get(general.id)).toMatchObject({ relevance: 0.5, freshness: 1 });
    expect(why.get(alike.id)).toMatchObject({ diversity: expect.closeTo(1 - 0.8 * (4 / 5), 9) });
  });

  it('stays within its tokens, but always tells the best spec', async () => {
    await fleet(EFFECTS).write(ground.admin);
    const whole = await draws(3);
    expect(whole.tokens).toBeGreaterThan(100);
    for (const budget of [1, 80, 200, 300, 1000]) {
      const told = await brief(db, SLOT, seeded(3), budget);
      expect(told.specs[0]).toEqual(whole.specs[0]);
      if (budget >= 200) expect(told.tokens).toBeLessThanOrEqual(budget);
      expect(told.tokens).toBeLessThanOrEqual(whole.tokens);
    }
    const { tokens: _, ...least } = await brief(db, SLOT, seeded(3), 1);
    expect(least.specs).toHaveLength(1);
  });

  it('tells a spec that was claimed on many days once, and a pattern that many stated once', async () => {
    const h = fleet({ a: 0.04 });
    const [author, checker] = [h.agent('dora', 'explorer'), h.agent('dave', 'checker')];
    for (let day = 0; day < 10; day++)
      h.verdict(
        checker,
        h.claim(author, {
          spec: { family: 'a' },
          spec_digest: digest('same'),
          claimed_gain: 0.09,
          market_at: daysAgo(day),
        }),
        { verified_gain: 0.09 },
      );
    for (let i = 0; i < 5; i++) h.pattern(author, { family: 'a', slot: i % 2 === 0 ? SLOT : null });
    await h.write(ground.admin);
    const told = await draws(1);
    expect(told.specs.filter((s) => s.spec_digest === digest('same'))).toHaveLength(1);
    expect(told.specs).toHaveLength(6);
    expect([...told.items.filter((i) => i.kind === 'pattern'), ...told.untold]).toHaveLength(1);
  });

  it('is empty on an empty blackboard', async () => {
    expect(await draws(1)).toEqual({
      slot: SLOT,
      champion: null,
      specs: [],
      patterns: [],
      items: [],
      untold: [],
      tokens: 0,
    });
  });

  it('uses a normal distribution function that is right to seven digits', () => {
    for (let z = -5; z <= 5; z += 0.01) expect(Math.abs(phi(z) - normalCdf(z))).toBeLessThan(7.5e-8);
  });
});
