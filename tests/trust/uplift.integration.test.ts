// What telling did: where good times are also told more, the plain difference is wrong and the weighted one is not.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History, SLOT } from './history.js';
import type { AgentRow } from './rows.js';
import { normal, seeded } from './seeded.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('uplift');
});
afterEach(async () => {
  await bare('delete from board.briefing; delete from board.experiment; delete from board.attempt');
  await forget(ground.admin);
});
afterAll(() => ground.close());

const bare = async (text: string): Promise<void> => {
  await ground.admin.query(`set session_replication_role = replica; ${text}; reset session_replication_role`);
};

interface Made {
  readonly by: AgentRow;
  readonly items: readonly object[];
  readonly strategist?: string;
  /** Absent: it came to nothing. */
  readonly gain?: number;
}

async function decide(made: readonly Made[]): Promise<void> {
  const rows = made.map((m) => ({ ...m, briefing: uuid7(), decision: uuid7() }));
  const common = (m: Made): object => ({
    agent_id: m.by.id,
    slot: SLOT,
    seed: 's',
    at: daysAgo(1),
    market_at: daysAgo(1),
  });
  const write = (table: string, all: readonly object[]): Promise<unknown> =>
    ground.admin.query(
      `insert into board.${table} select * from jsonb_populate_recordset(null::board.${table}, $1::jsonb)`,
      [JSON.stringify(all)],
    );
  await ground.admin.query('set session_replication_role = replica');
  await write(
    'briefing',
    rows.map((m) => ({ ...common(m), id: m.briefing, items: m.items })),
  );
  await write(
    'decision',
    rows.map((m) => ({
      ...common(m),
      id: m.decision,
      briefing_id: m.briefing,
      strategist: m.strategist ?? 'evolve',
      move: 'new',
      parent_digests: [],
      spec: {},
      spec_digest: digest('s'),
      reason: '',
    })),
  );
  const measured = {
    family: 'f',
    spec: {},
    spec_digest: digest('s'),
    as_of: daysAgo(1),
    data_cutoff: daysAgo(9),
  };
  await write(
    'experiment',
    rows.flatMap((m) =>
      m.gain === undefined
        ? []
        : [
            {
              ...common(m),
              ...measured,
              id: uuid7(),
              decision_id: m.decision,
              gain: m.gain,
              se: 0.01,
              dataset_digest: digest('d'),
              windows_digest: digest('w'),
              n_windows: 60,
              code_version: 'v',
              artifact: digest('a'),
              mean_crps: 1,
              yardstick_crps: 1,
              cost_ms: 1,
              work_id: 'w',
              fence: 0,
            },
          ],
    ),
  );
  await write(
    'attempt',
    rows.flatMap((m) =>
      m.gain === undefined
        ? [
            {
              ...common(m),
              id: uuid7(),
              decision_id: m.decision,
              stage: 'fit',
              code: 'c',
              reason: 'r',
              cost_ms: 1,
            },
          ]
        : [],
    ),
  );
  await ground.admin.query('reset session_replication_role');
}

/** Two trusted owners, one that lies, and a pattern. */
async function fleet(): Promise<{ trusted: AgentRow[]; liar: AgentRow; pattern: string }> {
  const h = new History();
  const checker = h.agent('carol', 'checker');
  const [alice, bob, liar] = ['alice', 'bob', 'mallory'].map((owner) => h.agent(owner, 'explorer'));
  for (const [by, said] of [
    [alice, 0.05],
    [bob, 0.05],
    [liar, 0.5],
  ] as const)
    for (let n = 0; n < 20; n++)
      h.verdict(checker, h.claim(by!, { claimed_gain: said, market_at: daysAgo(0) }));
  const { id } = h.pattern(alice!, { family: 'f' });
  await h.write(ground.admin);
  return { trusted: [alice!, bob!], liar: liar!, pattern: id };
}

const upliftOf = async (pattern: string) =>
  (
    await ground.rows<{ uplift: number; uplift_se: number; told: number; untold: number }>(
      'select uplift, uplift_se, told::int, untold::int from fleet.uplift where pattern_id = $1',
      [pattern],
    )
  )[0];

const EFFECT = 0.02;
/** Told with 0.8 in good times and 0.2 in bad ones, which differ by 0.05 whatever is told. */
function history(
  seed: number,
  n: number,
  by: readonly AgentRow[],
  pattern: string,
): (Made & { told: boolean })[] {
  const u = seeded(seed);
  return Array.from({ length: n }, (_, i) => {
    const good = u() < 0.5;
    const probability = good ? 0.8 : 0.2;
    const told = u() < probability;
    const gain = (good ? 0.05 : 0) + (told ? EFFECT : 0) + 0.01 * normal(u);
    return {
      by: by[i % by.length]!,
      items: [{ kind: 'pattern', id: pattern, probability, told }],
      gain,
      told,
    };
  });
}

describe('fleet.uplift', () => {
  it.each([1, 2, 3, 4])(
    'recovers a known effect that the plain difference misses: history %i',
    async (seed) => {
      const { trusted, pattern } = await fleet();
      const made = history(seed, 2000, trusted, pattern);
      await decide(made);
      const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
      const plain =
        mean(made.filter((m) => m.told).map((m) => m.gain!)) -
        mean(made.filter((m) => !m.told).map((m) => m.gain!));
      const { uplift, uplift_se, told, untold } = (await upliftOf(pattern))!;
      expect(told + untold).toBe(2000);
      expect(Math.abs(uplift - EFFECT)).toBeLessThan(4 * uplift_se);
      expect(uplift_se).toBeLessThan(0.004);
      expect(plain - EFFECT).toBeGreaterThan(0.02);
    },
  );

  it('covers the truth about as often as its standard error says', async () => {
    const { trusted, pattern } = await fleet();
    let covered = 0;
    const REPEATS = 60;
    for (let seed = 100; seed < 100 + REPEATS; seed++) {
      await decide(history(seed, 200, trusted, pattern));
      const { uplift, uplift_se } = (await upliftOf(pattern))!;
      if (Math.abs(uplift - EFFECT) < 1.96 * uplift_se) covered += 1;
      await bare('delete from board.briefing; delete from board.decision; delete from board.experiment');
    }
    expect(covered / REPEATS).toBeGreaterThan(0.95 - 4 * Math.sqrt((0.95 * 0.05) / REPEATS));
  });

  it('does not hear whoever is not believed, nor the control, nor what was told for certain', async () => {
    const { trusted, liar, pattern } = await fleet();
    const one = (probability: number, told: boolean) => [{ kind: 'pattern', id: pattern, probability, told }];
    await decide([
      ...[0.01, 0.02, 0.03].map((gain) => ({ by: trusted[0]!, items: one(0.5, true), gain })),
      ...[0.0, 0.01, 0.02].map((gain) => ({ by: trusted[1]!, items: one(0.5, false), gain })),
      ...[0.2, 0.2].map((gain) => ({ by: liar, items: one(0.5, true), gain })),
      ...[0.2, 0.2].map((gain) => ({ by: trusted[0]!, strategist: 'random', items: one(0.5, true), gain })),
      { by: trusted[0]!, items: one(1, true), gain: 0.2 },
    ]);
    expect(await upliftOf(pattern)).toMatchObject({ told: 3, untold: 3, uplift: expect.closeTo(0.01, 9) });
  });

  it('counts a decision that came to nothing as no gain, and a wild one within bounds', async () => {
    const { trusted, pattern } = await fleet();
    const one = (told: boolean) => [{ kind: 'pattern', id: pattern, probability: 0.5, told }];
    await decide([
      { by: trusted[0]!, items: one(true), gain: 5 },
      { by: trusted[0]!, items: one(true) },
      { by: trusted[0]!, items: one(false), gain: 0 },
      { by: trusted[0]!, items: one(false), gain: -7 },
    ]);
    expect((await upliftOf(pattern))!.uplift).toBeCloseTo(0.1 + 0.1, 9);
  });
});

describe('fleet.strategists', () => {
  it('sets everybody beside the control', async () => {
    const { trusted } = await fleet();
    await decide([
      { by: trusted[0]!, items: [], gain: 0.04 },
      { by: trusted[0]!, items: [], gain: 0.02 },
      { by: trusted[1]!, items: [], strategist: 'random', gain: 0.01 },
      { by: trusted[1]!, items: [], strategist: 'random' },
    ]);
    expect(
      await ground.rows(
        'select strategist, decisions::int, experiments::int, mean_gain, mean_gain_se from fleet.strategists order by 1',
      ),
    ).toEqual([
      {
        strategist: 'evolve',
        decisions: 2,
        experiments: 2,
        mean_gain: expect.closeTo(0.03, 9),
        mean_gain_se: expect.closeTo(0.01, 9),
      },
      { strategist: 'random', decisions: 2, experiments: 1, mean_gain: 0.01, mean_gain_se: null },
    ]);
  });
});
