// What keeps failing is found by counting, and kept away from; what fails now and then, or where something has worked, is not.
import { describe, expect, it } from 'vitest';
import { antipatterns, fails } from '../../agents/strategist/antipatterns.js';
import { evolveStrategist } from '../../agents/strategist/evolve.js';
import { randomSpec, searchedFamilies } from '../../agents/strategist/space.js';
import type { FailureSeen, Task, Tried } from '../../agents/strategist/strategist.js';
import { families, type Spec, specDigest } from '../../forecast/families/index.js';
import { rng } from '../../forecast/rng.js';

const task: Task = { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 0 };
const briefing = { slot: '24h/BTC', champion: null, specs: [], patterns: [], items: [] };
const garch = (history_bars: number) => ({ ...families.garch_t.start('BTC', 86_400), history_bars });
const failure = (spec: object, reason = 'no convergence after 300 steps'): FailureSeen => ({
  family: String((spec as { family: unknown }).family),
  code: 'SWARM_E_FIT_FAILED',
  reason,
  spec: spec as Record<string, unknown>,
});
const sound = (spec: object): Tried => ({
  spec: spec as Record<string, unknown>,
  spec_digest: specDigest(spec as Spec),
  gain: 0.01,
  se: 0.001,
});
const worked = [garch(100), garch(2000)].map(sound);

describe('an antipattern', () => {
  it('is a region of a knob where the same error came again and again and nothing ever worked', () => {
    const seen = [500, 510, 520, 530].map((n) => failure(garch(n), `no convergence after ${n} steps`));
    expect(antipatterns(seen, worked)).toEqual([
      {
        family: 'garch_t',
        knob: 'history_bars',
        low: 500,
        high: 530,
        code: 'SWARM_E_FIT_FAILED',
        form: 'no convergence after # steps',
        times: 4,
      },
    ]);
  });

  it.each<[string, FailureSeen[], Tried[]]>([
    ['three failures', [500, 510, 520].map((n) => failure(garch(n))), worked],
    [
      'four failures of different kinds',
      [500, 510, 520, 530].map((n, i) => failure(garch(n), ['explodes', 'gap', 'nan', 'wide'][i])),
      worked,
    ],
    [
      'a region where something worked',
      [500, 510, 520, 530].map((n) => failure(garch(n))),
      [...worked, sound(garch(515))],
    ],
    ['failures all over a range', [100, 300, 900, 2800].map((n) => failure(garch(n))), worked],
    ['a family that there is not', [1, 2, 3, 4].map(() => failure({ family: 'toString' })), []],
  ])('is not made of %s', (_, seen, archive) => expect(antipatterns(seen, archive)).toEqual([]));

  it('is a whole family where nothing of it ever worked', () => {
    const seen = [100, 300, 900, 2800].map((n) => failure(garch(n)));
    const [found] = antipatterns(seen, []);
    expect(found).toMatchObject({ family: 'garch_t', knob: null, low: null, high: null, times: 4 });
    expect(fails(garch(7), [found!])).toBe(true);
    expect(fails(families.log_sv.start('BTC', 86_400), [found!])).toBe(false);
  });
});

describe('evolution without a model', () => {
  it('keeps away from what fails, but for one blind decision in twelve', () => {
    const avoid = antipatterns(
      [100, 300, 900, 2800].map((n) => failure(garch(n))),
      [],
    );
    const names = searchedFamilies().filter((name) => name !== 'garch_t');
    const archive = Array.from({ length: 30 }, (_, i) =>
      sound(randomSpec(names[i % names.length]!, task, rng(`tried ${i}`))),
    );
    const share = (over: Partial<Task>): number => {
      const draws = rng('avoid');
      const proposed = Array.from({ length: 40 }, () =>
        evolveStrategist.propose(briefing, { ...task, archive, ...over }, draws),
      );
      return proposed.filter((p) => p.spec.family === 'garch_t').length / proposed.length;
    };
    expect(share({})).toBeGreaterThan(0.05);
    expect(share({ avoid })).toBeLessThan(share({}) / 2);
    const early = Array.from({ length: 20 }, (_, i) =>
      evolveStrategist.propose(briefing, { ...task, archive: [], avoid }, rng(`early ${i}`)),
    );
    expect(early.filter((p) => p.spec.family === 'garch_t')).toEqual([]);
  });
});
