// The gate as the database computes it: the e-process, its stages, and who passes the screen.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './ground.js';
import { daysAgo, digest, forget, History } from './history.js';
import { eValues, gateStage, unseenOf } from './recompute-gate.js';
import type { AgentRow } from './rows.js';
import { normal, seeded } from './seeded.js';

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
interface Gate {
  readonly challenger_id: string;
  readonly stage: string;
  readonly windows: string;
  readonly e_value: number;
  readonly mirror: number;
  readonly threshold: number;
}
const gates = async (h: History): Promise<Gate[]> => {
  await h.write(ground.admin);
  const rows = await ground.rows<Gate & object>('select * from trust.gate');
  return h.challengers.map((c) => rows.find((row) => row.challenger_id === c.id)!);
};
const relative = (a: number, b: number): number => Math.abs(a / b - 1);

describe('the e-process', () => {
  it('is the product of bets, window after window, for random walks and for the extremes', async () => {
    const { h, publisher } = reign();
    const u = seeded(5);
    const walks = [0, 0.1, -0.1].map((drift) =>
      Array.from({ length: 120 }, () => Math.max(-1, Math.min(1, normal(u) / 3 + drift))),
    );
    for (const xs of [...walks, Array(60).fill(1), Array(60).fill(-1), [0], []]) h.challenger(publisher, xs);
    const said = await gates(h);
    const path = await ground.rows<{ challenger_id: string; n: string; e_value: number; mirror: number }>(
      'select * from trust.gate_path order by n',
    );
    for (const [i, c] of h.challengers.entries()) {
      const xs = h.steps.get(c.id)!;
      const mine = path.filter((row) => row.challenger_id === c.id);
      expect(mine.map((row) => Number(row.n))).toEqual(xs.map((_, n) => n + 1));
      const [up, down] = [
        eValues(xs, { unseen: unseenOf('challenge', ground.constant) }),
        eValues(xs, { sign: -1 }),
      ];
      for (const [n, row] of mine.entries()) {
        expect(relative(row.e_value, up[n]!)).toBeLessThan(1e-9);
        expect(relative(row.mirror, down[n]!)).toBeLessThan(1e-9);
      }
      expect(relative(said[i]!.e_value, up.at(-1) ?? 1)).toBeLessThan(1e-9);
      expect(relative(said[i]!.mirror, xs.length === 0 ? 1 : Math.max(...down))).toBeLessThan(1e-9);
      expect(relative(said[i]!.threshold, 1 / c.alpha)).toBeLessThan(1e-12);
    }
  });

  it('stands a thousand windows at either end of the scale', async () => {
    const { h, publisher } = reign();
    h.challenger(publisher, Array(1500).fill(-1));
    h.challenger(publisher, Array(1500).fill(1));
    const [lost, won] = await gates(h);
    expect([lost!.stage, won!.stage]).toEqual(['rejected', 'passed']);
  });

  it('does not depend on the order in which windows were written', async () => {
    const { h, publisher } = reign();
    const u = seeded(6);
    h.challenger(
      publisher,
      Array.from({ length: 80 }, () => 2 * u() - 1),
    );
    const [first] = await gates(h);
    await forget(ground.admin);
    await h.write(ground.admin, 'reversed');
    const [again] = await ground.rows<Gate & object>('select * from trust.gate');
    expect(relative(again!.e_value, first!.e_value)).toBeLessThan(1e-12);
  });
});

describe('the stage', () => {
  it('is what the formulas give over random challengers', async () => {
    const { h, publisher } = reign();
    const u = seeded(7);
    for (let i = 0; i < 60; i++) {
      const drift = [0, 0.25, -0.25, 0.02][i % 4]!;
      const xs = Array.from({ length: Math.floor(u() * 520) }, () =>
        Math.max(-1, Math.min(1, normal(u) / 3 + drift)),
      );
      h.challenger(publisher, xs, {
        k: i + 1,
        kind: i % 3 === 0 ? 'rollback' : 'challenge',
        alpha: 0.03 / (1 + (i % 5)) ** 2,
      });
    }
    const said = await gates(h);
    const stages = h.challengers.map((c) =>
      gateStage(h.steps.get(c.id)!, { ...c, promoted: false, superseded: false }, ground.constant),
    );
    expect(said.map((g) => g.stage)).toEqual(stages);
    expect(new Set(stages)).toEqual(new Set(['shadow', 'passed', 'rejected', 'timed_out']));
  });

  it('is no pass one window below the floor, which is lower for a rollback', async () => {
    const { h, publisher } = reign();
    const { constant } = ground;
    const floors = {
      challenge: constant('gate_floor_windows'),
      rollback: constant('rollback_floor_windows'),
    };
    for (const kind of ['challenge', 'rollback'] as const)
      for (const short of [1, 0]) h.challenger(publisher, Array(floors[kind] - short).fill(0.9), { kind });
    expect((await gates(h)).map((g) => g.stage)).toEqual(['shadow', 'passed', 'shadow', 'passed']);
  });

  it('is a rejection once the mirrored process has reached its limit, however well it went on', async () => {
    const { h, publisher } = reign();
    h.challenger(publisher, [...Array(20).fill(-0.9), ...Array(400).fill(0.9)]);
    expect((await gates(h))[0]!.stage).toBe('rejected');
  });

  it('is promoted for the winner and superseded for everybody else of its reign', async () => {
    const { h, publisher } = reign();
    const winner = h.challenger(publisher, Array(80).fill(0.9));
    h.challenger(publisher, Array(80).fill(0.9));
    h.promotion(publisher, {
      kind: 'promote',
      reign: 1,
      artifact: winner.artifact,
      challenger_id: winner.id,
      market_at: daysAgo(1),
    });
    h.challenger(publisher, Array(10).fill(0.1), {
      kind: 'rollback',
      reign: 1,
      artifact: digest('champion'),
    });
    expect((await gates(h)).map((g) => g.stage)).toEqual(['promoted', 'superseded', 'shadow']);
  });

  it('lets none of thirty null challengers through in 400 looks each', async () => {
    const { h, publisher } = reign();
    const u = seeded(8);
    for (let k = 1; k <= 30; k++) {
      const xs = Array.from({ length: 400 }, () => Math.max(-3, Math.min(3, normal(u))) / 3);
      h.challenger(publisher, xs, { k, alpha: (0.05 * 6) / (Math.PI ** 2 * k ** 2) });
    }
    expect((await gates(h)).filter((g) => g.stage === 'passed')).toEqual([]);
  });
});
