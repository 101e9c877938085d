// Strategists propose: purely from briefing and draws, never outside of the space, and better parents more often.
import { describe, expect, it } from 'vitest';
import { explorerStrategists } from '../../agents/explorer/main.js';
import { clearestPattern, type Observed } from '../../agents/strategist/observe.js';
import { refineStrategist } from '../../agents/strategist/refine.js';
import { randomSpec, searchedFamilies, toldWorth } from '../../agents/strategist/space.js';
import type { Task } from '../../agents/strategist/strategist.js';
import { families, isPooled, parseSpec, type Spec, specDigest } from '../../forecast/families/index.js';
import { type Rng, rng } from '../../forecast/rng.js';
import type { Briefing, KnownSpec } from '../../trust/briefing.js';

const strategists = [...Object.values(explorerStrategists), refineStrategist];
const tasks: Task[] = [
  { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 1 },
  { asset: 'BTC', horizon_s: 3600, step_s: 60, max_history_bars: 4320, peers: 0 },
];

function known(spec: Spec, verified_gain: number, children = 0): KnownSpec {
  return {
    claim_id: specDigest(spec),
    spec: { ...spec },
    spec_digest: specDigest(spec),
    owner: 'o',
    trust: 0.5,
    verified_gain,
    verified_se: 0.005,
    children,
  };
}

function briefingOf(specs: readonly KnownSpec[], patterns: Briefing['patterns'] = []): Briefing {
  return { slot: '24h/BTC', champion: null, specs, patterns, items: [] };
}

/** Six specs as a briefing would tell them, of every family that is searched. */
function told(task: Task, draws: Rng): Briefing {
  const names = searchedFamilies();
  return briefingOf(
    Array.from({ length: 6 }, (_, i) => known(randomSpec(names[i % names.length]!, task, draws), i / 100, i)),
  );
}

describe.each(strategists.map((s) => [s.name, s] as const))('%s', (_, strategist) => {
  it('proposes the same for the same briefing and seed, and leaves the briefing as it was', () => {
    const briefing = told(tasks[0]!, rng('told'));
    const before = structuredClone(briefing);
    for (let i = 0; i < 20; i++) {
      const [a, b] = [0, 1].map(() => strategist.propose(briefing, tasks[0]!, rng(`seed ${i}`)));
      expect(a).toEqual(b);
    }
    expect(briefing).toEqual(before);
  });

  it.each(tasks.map((t) => [t.step_s, t] as const))(
    'proposes only valid specs within the history that windows offer, at a step of %i s',
    (_step, task) => {
      const draws = rng(`admissible/${strategist.name}`);
      for (let i = 0; i < 500; i++) {
        const briefing = i % 3 === 0 ? briefingOf([]) : told(task, draws);
        const { spec, parents } = strategist.propose(briefing, task, draws);
        expect(parseSpec(spec)).toEqual(spec);
        if (task.peers === 0) expect(isPooled(spec)).toBe(false);
        expect(families[spec.family].wholeBars(spec, task.step_s)).toBeLessThanOrEqual(task.max_history_bars);
        for (const parent of parents) expect(briefing.specs.map((s) => s.spec_digest)).toContain(parent);
      }
    },
  );
});

describe('evolve', () => {
  const { evolve } = explorerStrategists;

  it('leans towards a pattern that it is told when it tries something new', () => {
    const pattern = {
      pattern_id: 'p',
      family: 'garch_t',
      knob: null,
      low: null,
      high: null,
      gain: 0.03,
      sd: 0.01,
    };
    const share = (patterns: Briefing['patterns']): number => {
      const draws = rng('lean');
      const news = Array.from({ length: 300 }, () =>
        evolve.propose(briefingOf([], patterns), tasks[0]!, draws),
      );
      return news.filter((p) => p.spec.family === 'garch_t').length / 300;
    };
    expect(share([pattern])).toBeGreaterThan(5 * share([]) + 0.05);
    expect(share([{ ...pattern, gain: -0.03 }])).toBeLessThan(share([]));
    expect(toldWorth({ family: 'gbm', sigma_hourly: 0.01 }, [pattern])).toBe(0);
  });
});

describe('refine', () => {
  it('takes smaller steps around a spec that has many children already', () => {
    const parent = randomSpec('ewma_t', tasks[0]!, rng('parent')) as Spec & { half_life_s: number };
    const spread = (children: number): number => {
      const draws = rng('steps');
      const steps = Array.from({ length: 300 }, () => {
        const { spec } = refineStrategist.propose(
          briefingOf([known(parent, 0.1, children)]),
          tasks[0]!,
          draws,
        );
        return Math.abs(Math.log((spec as typeof parent).half_life_s / parent.half_life_s));
      });
      return steps.reduce((a, b) => a + b, 0);
    };
    expect(spread(24)).toBeLessThan(spread(0) / 2);
  });
});

describe('clearestPattern', () => {
  /** Experiments whose gain is noise, plus `effect` where the planted condition holds. */
  function seen(seed: string, n: number, effect: number): Observed[] {
    const draws = rng(seed);
    // Two families whatever else is searched: the sizes of the groups decide what can be found.
    const names = ['ewma_t', 'garch_t'] as const;
    return Array.from({ length: n }, () => {
      const spec = randomSpec(names[draws.int(names.length)]!, tasks[0]!, draws);
      const planted = spec.family === 'garch_t' && spec.history_bars < 600;
      return { family: spec.family, spec, gain: 0.01 * draws.normal() + (planted ? effect : 0) };
    });
  }

  it('finds a planted pattern, with its direction and bounds that were tried', () => {
    const found = Array.from({ length: 20 }, (_, i) => clearestPattern(seen(`planted ${i}`, 300, -0.04))!);
    const knobs = found.filter((p) => p.knob === 'history_bars');
    expect(knobs.length).toBeGreaterThan(10);
    for (const { family, direction, effect, low, high } of knobs) {
      expect([family, direction]).toEqual(['garch_t', -1]);
      expect(effect).toBeLessThan(0);
      expect(low).toBeLessThan(high!);
    }
    // "This one is worse" and "another is better" are the same finding.
    for (const p of found.filter((p) => p.knob === null))
      expect(p.direction).toBe(p.family === 'garch_t' ? -1 : 1);
  });

  it('states its bounds so that they hold exactly the specs it measured', () => {
    const experiments = seen('bounds', 100, -0.04);
    const { family, knob, low, high, effect } = clearestPattern(experiments)!;
    const kin = experiments.filter((o) => o.family === family);
    const inside = (o: Observed): boolean =>
      knob === null || ((o.spec[knob] as number) >= low! && (o.spec[knob] as number) <= high!);
    const mean = (list: Observed[]): number => list.reduce((s, o) => s + o.gain, 0) / list.length;
    const outside =
      knob === null ? experiments.filter((o) => o.family !== family) : kin.filter((o) => !inside(o));
    expect(mean(kin.filter(inside)) - mean(outside)).toBeCloseTo(effect, 12);
  });

  it('finds none in noise, but for the share of errors that it allows itself', () => {
    const stated = Array.from({ length: 300 }, (_, i) => clearestPattern(seen(`noise ${i}`, 60, 0)));
    expect(stated.filter((p) => p !== null).length / 300).toBeLessThan(0.1);
  });

  it('says nothing about a handful of experiments', () => {
    expect(clearestPattern([])).toBeNull();
    expect(clearestPattern(seen('few', 6, -0.5))).toBeNull();
  });
});
