// The replay screen: who may challenge, on whose word, and against how many tried candidates.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History, SLOT } from './history.js';
import { expectedMaximum } from './recompute-gate.js';
import type { AgentRow } from './rows.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('trust gate');
});
afterEach(() => forget(ground.admin));
afterAll(() => ground.close());

function reign(): { h: History; publisher: AgentRow } {
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher);
  return { h, publisher };
}
describe('the screen', () => {
  const checkers = (h: History): AgentRow[] => [1, 2, 3].map((i) => h.agent(`check-${i}`, 'checker'));
  /** An owner with a history that earns it trust. */
  function trusted(h: History, judges: readonly AgentRow[]): AgentRow {
    const author = h.agent('alice', 'explorer');
    for (let i = 0; i < 10; i++)
      h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH' }), { champion_t: -1 });
    return author;
  }
  interface Screened {
    readonly claim_id: string;
    readonly passed: boolean;
    readonly trials: string;
    readonly screen_threshold: number;
    readonly screen_t: number;
  }
  const screen = async (h: History): Promise<Screened[]> => {
    await h.write(ground.admin);
    return ground.rows<Screened & object>(
      `select * from trust.screen where slot = $1 order by screen_t desc`,
      [SLOT],
    );
  };

  it.each([1, 2, 3, 10, 40, 300])(
    'asks of %i tried candidates the expected maximum of as many null ones',
    async (n) => {
      const { h } = reign();
      const judges = checkers(h);
      const author = trusted(h, judges);
      for (let i = 0; i < n; i++) {
        const claim = h.claim(author, { artifact: digest(`tried ${i}`) });
        for (const judge of judges) h.verdict(judge, claim, { champion_t: 5 - i });
      }
      // The same artifact under another claim is no further trial, and another reign's are not counted.
      h.verdict(judges[0]!, h.claim(author, { artifact: digest('tried 0') }), { champion_t: 0 });
      const rows = await screen(h);
      expect(Number(rows[0]!.trials)).toBe(n);
      const threshold = Math.max(ground.constant('screen_floor_t'), expectedMaximum(n));
      expect(Math.abs(rows[0]!.screen_threshold - threshold)).toBeLessThan(1e-8);
      const best = [5, 4, 3, 2, 1, 0].slice(0, n).filter((t) => t > threshold).length;
      expect(rows.filter((r) => r.passed)).toHaveLength(best);
    },
  );

  it.each([
    ['three that agree', [4, 4.2, 4.4], {}, true],
    ['two of three', [4, 4.2], {}, false],
    ['three verdicts of two owners', [4, 4.2], { twin: true }, false],
    ['three of which one refuses', [4, 4.2, null], {}, false],
    ['three of which one measured another gain', [4, 4.2, 4.4], { apart: true }, false],
    ['three with a median below the threshold', [4, 0.9, 0.8], {}, false],
    ['three of whom one is a lone high reading', [9, 1, 1], {}, false],
  ] as const)(
    'is passed on the word of %s: %s',
    async (_, ts, { twin, apart }: { twin?: boolean; apart?: boolean }, passed) => {
      const { h } = reign();
      const judges = checkers(h);
      const claim = h.claim(trusted(h, judges));
      for (const [i, t] of ts.entries())
        h.verdict(
          judges[i]!,
          claim,
          t === null
            ? { finding: 'refused' }
            : { champion_t: t, verified_gain: apart && i === 2 ? 0.06 : 0.05 },
        );
      if (twin) h.verdict(h.agent('check-1', 'checker'), claim, { champion_t: 4 });
      expect((await screen(h))[0]!.passed).toBe(passed);
    },
  );

  it('never passes a model of an owner that over-claims by 20 %, nor of a newcomer, however good the model', async () => {
    const { h } = reign();
    const judges = checkers(h);
    const [liar, newcomer] = [h.agent('liar', 'explorer'), h.agent('newcomer', 'explorer')];
    for (let i = 0; i < 15; i++) {
      const claim = h.claim(liar, { claimed_gain: 0.25 });
      for (const judge of judges) h.verdict(judge, claim, { champion_t: 50 });
    }
    const claim = h.claim(newcomer, {});
    h.claim(newcomer, {});
    for (const judge of judges) h.verdict(judge, claim, { champion_t: 60, market_at: daysAgo(20) });
    const rows = await screen(h);
    expect(rows).toHaveLength(16);
    expect(rows.filter((r) => r.passed)).toEqual([]);
  });

  it('leaves out the champion itself and verdicts of earlier reigns', async () => {
    const { h, publisher } = reign();
    const judges = checkers(h);
    const author = trusted(h, judges);
    const old = h.claim(author, { artifact: digest('old') });
    const crowned = h.claim(author, { artifact: digest('crowned') });
    for (const judge of judges) {
      h.verdict(judge, old, { champion_t: 9 });
      h.verdict(judge, crowned, { champion_t: 9, reign: 1 });
    }
    h.promotion(publisher, { kind: 'promote', reign: 1, artifact: crowned.artifact, market_at: daysAgo(1) });
    expect(await screen(h)).toEqual([]);
  });
});
