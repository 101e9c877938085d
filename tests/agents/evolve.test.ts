// Evolution over an archive: its surrogate, its CMA-ES, its mutations of programs, and children that are always valid.
import { describe, expect, it } from 'vitest';
import { brood, population } from '../../agents/strategist/breed.js';
import { openCma, type Told } from '../../agents/strategist/cma.js';
import { carryOver, partsOf, pooledSpec } from '../../agents/strategist/combine.js';
import { evolveStrategist, expectedImprovement } from '../../agents/strategist/evolve.js';
import { founder, founders } from '../../agents/strategist/founders.js';
import { crossPrograms, mutateProgram } from '../../agents/strategist/programs.js';
import { misfit, mutateSpec, randomSpec, searchedFamilies } from '../../agents/strategist/space.js';
import type { Task, Tried } from '../../agents/strategist/strategist.js';
import { fitSurrogate } from '../../agents/strategist/surrogate.js';
import { shiftOf } from '../../agents/strategist/verdicts.js';
import { families, parseSpec, type Spec, specDigest } from '../../forecast/families/index.js';
import { rng } from '../../forecast/rng.js';

const task: Task = { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 0 };
const briefing = { slot: '24h/BTC', champion: null, specs: [], patterns: [], items: [] };

const tried = (spec: Spec, gain: number, se = 0.001): Tried => ({
  spec: { ...spec },
  spec_digest: specDigest(spec),
  gain,
  se,
});
/** A world in which one family is good, and better with more history. */
const worth = (spec: Spec): number =>
  spec.family === 'garch_t'
    ? 0.05 * Math.min(1, (spec as { history_bars: number }).history_bars / 2000)
    : -0.02;
const archive = (n: number): Tried[] =>
  Array.from({ length: n }, (_, i) => {
    const names = searchedFamilies();
    const spec = randomSpec(names[i % names.length]!, task, rng(`archive ${i}`));
    return tried(spec, worth(spec));
  });

describe('the surrogate', () => {
  it('knows what was tried, and says that it does not know what was not', () => {
    const known = archive(60);
    const surrogate = fitSurrogate(known)!;
    for (const t of known.slice(0, 10))
      expect(surrogate.predict(t.spec).gain).toBeCloseTo(Math.max(t.gain, -0.02), 1);
    const alone = fitSurrogate(known.filter((t) => t.spec['family'] === 'garch_t'))!;
    const stranger = families.log_sv.start('BTC', 86_400);
    const [near, far] = [known.find((t) => t.spec['family'] === 'garch_t')!.spec, { ...stranger }].map(
      (s) => alone.predict(s).sd,
    );
    expect(far!).toBeGreaterThan(2 * near!);
  });

  it('tells good from bad among specs that it never saw', () => {
    const surrogate = fitSurrogate(archive(80))!;
    const fresh = (family: Spec['family']) =>
      Array.from(
        { length: 20 },
        (_, i) => surrogate.predict({ ...randomSpec(family, task, rng(`fresh ${i}`)) }).gain,
      );
    expect(Math.min(...fresh('garch_t'))).toBeGreaterThan(Math.max(...fresh('log_sv')) - 0.02);
    expect(fresh('garch_t').reduce((a, b) => a + b)).toBeGreaterThan(fresh('log_sv').reduce((a, b) => a + b));
  });

  it('takes verdicts before stated gains, and learns from them by how much months differ', () => {
    const stated = archive(80).map((t) => ({ ...t, gain: t.gain + 0.03 }));
    const judged = stated.map((t, i) =>
      i % 4 === 0 ? { ...t, verdict: { gain: t.gain - 0.03, se: 0.001 } } : t,
    );
    const [credulous, wary] = [fitSurrogate(stated)!, fitSurrogate(judged)!];
    expect(credulous.best - wary.best).toBeCloseTo(0.03, 2);
    expect(shiftOf(judged).mean).toBeCloseTo(-0.03, 2);
    expect(shiftOf(stated)).toMatchObject({ mean: 0 });
  });

  it('guesses of a pool what its members are worth, before any pool was tried', () => {
    const surrogate = fitSurrogate(archive(80).filter((t) => t.spec['family'] !== 'pool'))!;
    const guess = (family: Spec['family']): number => {
      const members = [0, 1].map((i) => randomSpec(family, task, rng(`member ${family} ${i}`)));
      return surrogate.predict({ ...pooledSpec(members, task, rng('pool'))! }).gain;
    };
    expect(guess('garch_t')).toBeGreaterThan(guess('log_sv') + 0.005);
  });

  it('says which specs are most like one that came to nothing', () => {
    const [first, second] = [0, 1].map((i) => randomSpec('garch_t', task, rng(`part ${i}`)));
    const pool = pooledSpec([first!, second!], task, rng('sound'))!;
    const sound = { ...pool, weights: [0.5, 0.5] };
    const fitted = { ...pool, weights: 'fit' };
    const known = [...archive(40), tried(parseSpec(sound), 0.02)];
    const surrogate = fitSurrogate(known, [fitted])!;
    expect(surrogate.likeFailed({ ...fitted, weights: 'fit', recalibration: { kind: 'identity' } })).toBe(
      true,
    );
    expect(surrogate.likeFailed({ ...sound, weights: [0.4, 0.6] })).toBe(false);
    expect(fitSurrogate(known)!.likeFailed(fitted)).toBe(false);
  });

  it('needs three experiments', () => expect(fitSurrogate(archive(2))).toBeNull());

  it('expects more improvement of what is better and of what is less known', () => {
    expect(expectedImprovement({ gain: 0.02, sd: 0.01 }, 0.01)).toBeGreaterThan(
      expectedImprovement({ gain: 0.01, sd: 0.01 }, 0.01),
    );
    expect(expectedImprovement({ gain: 0, sd: 0.02 }, 0.01)).toBeGreaterThan(
      expectedImprovement({ gain: 0, sd: 0.01 }, 0.01),
    );
    expect(expectedImprovement({ gain: 0.03, sd: 0 }, 0.01)).toBeCloseTo(0.02, 12);
  });
});

describe('CMA-ES', () => {
  it('finds the top of a slanted hill', () => {
    const top = [0.7, 0.3, 0.55];
    const height = (x: readonly number[]): number => {
      const d = x.map((v, i) => v - top[i]!);
      return -(d[0]! ** 2 + 30 * (d[1]! + 0.8 * d[0]!) ** 2 + 5 * d[2]! ** 2);
    };
    const draws = rng('hill');
    let cma = openCma([0.2, 0.8, 0.2], 0.2);
    for (let g = 0; g < 60; g++) {
      const points: Told[] = Array.from({ length: 8 }, () => cma.sample(draws)).map((x) => ({
        x,
        value: height(x),
      }));
      cma = cma.tell(points);
    }
    for (const [i, v] of cma.mean.entries()) expect(v).toBeCloseTo(top[i]!, 1);
    expect(cma.sigma).toBeLessThan(0.1);
  });

  it('bears points that others chose, however far off', () => {
    const draws = rng('far');
    let cma = openCma([0.5, 0.5], 0.1);
    for (let g = 0; g < 20; g++)
      cma = cma.tell(
        [0, 1, 2, 3, 4].map(() => ({ x: [draws.uniform(), draws.uniform()], value: draws.uniform() })),
      );
    expect([...cma.mean, cma.sigma, ...cma.sample(draws)].every(Number.isFinite)).toBe(true);
  });
});

describe('founders', () => {
  it('are valid specs that fit the task, one of each family and a pool, all of which know the week', () => {
    for (const slot of [task, { ...task, step_s: 60, horizon_s: 3600, max_history_bars: 4320 }]) {
      const all = founders(slot);
      expect(all.length).toBe(searchedFamilies().length);
      expect(new Set(all.map(specDigest)).size).toBe(all.length);
      for (const spec of all) {
        expect(parseSpec(spec)).toEqual(spec);
        expect(misfit(spec, slot)).toBeNull();
        expect(partsOf(spec).every((part) => 'profile' in part)).toBe(true);
      }
    }
  });

  it('are tried before anything else, none of them twice, not always in the same order', () => {
    const digests = founders(task).map(specDigest);
    const generation = (seed: number): string[] => {
      const known: Tried[] = [];
      for (let i = 0; i < 6; i++)
        known.unshift(
          tried(evolveStrategist.propose(briefing, { ...task, archive: known }, rng(`${seed} ${i}`)).spec, 0),
        );
      return known.map((t) => t.spec_digest).reverse();
    };
    const made = [1, 2, 3, 4, 5, 6].map(generation);
    for (const one of made) {
      expect(new Set(one).size).toBe(6);
      expect(one.every((digest) => digests.includes(digest))).toBe(true);
    }
    expect(new Set(made.map(String)).size).toBeGreaterThan(1);
  });
});

describe('a mutation', () => {
  it('takes numbers from the fit, and hands them back', () => {
    const draws = rng('release');
    const parent = founder('garch_t', task);
    const children = Array.from({ length: 200 }, () => mutateSpec(parent, 0.3, task, draws));
    const taken = children.filter((c) => typeof (c as { scale?: unknown }).scale === 'number');
    expect(taken.length).toBeGreaterThan(10);
    const again = taken.flatMap((c) => Array.from({ length: 20 }, () => mutateSpec(c, 0.3, task, draws)));
    expect(again.filter((c) => (c as { scale?: unknown }).scale === 'fit').length).toBeGreaterThan(10);
  });
});

describe('a brood', () => {
  it('is of valid specs that fit the task, by every way to have a child', () => {
    const members = population(briefing, archive(120));
    const draws = rng('brood');
    const moves = new Set<string>();
    for (let i = 0; i < 24; i++)
      for (const { spec, move, parents } of brood(members, task, 24, draws)) {
        moves.add(move);
        expect(parseSpec(spec)).toEqual(spec);
        expect(misfit(spec, task)).toBeNull();
        for (const parent of parents) expect(members.some((m) => m.digest === parent)).toBe(true);
      }
    expect([...moves].sort()).toEqual(['cma', 'cross', 'mutate', 'new', 'pool']);
  });

  it('comes from all islands, the better parents more often', () => {
    const members = population(briefing, archive(120));
    const draws = rng('islands');
    const bred = Array.from({ length: 40 }, () => brood(members, task, 12, draws))
      .flat()
      .flatMap((c) => c.parents);
    const parents = bred.map((digest) => members.find((m) => m.digest === digest)!);
    const share = parents.filter((p) => p.spec.family === 'garch_t').length / parents.length;
    expect(share).toBeGreaterThan(0.2);
    expect(new Set(parents.map((p) => p.spec.family)).size).toBeGreaterThan(5);
  });
});

describe('children of two families', () => {
  const first = { ...families.garch_t.start('BTC', 86_400), recalibration: { kind: 'identity' as const } };
  const profile = families.garch_t.choices!['profile']!.find((p) => p !== undefined);
  const donor = parseSpec({
    ...families.log_sv.start('BTC', 86_400),
    nu: undefined,
    innovation: { kind: 'mixture', components: 2 },
    profile,
  });

  it('carry components over, and nothing else', () => {
    const draws = rng('carry');
    const children = Array.from({ length: 40 }, () => carryOver(parseSpec(first), donor, task, draws));
    for (const child of children) {
      expect(child).toMatchObject({ family: 'garch_t', horizon_s: 86_400 });
      expect(child).not.toHaveProperty('half_life_s');
    }
    expect(
      children.some((c) => 'profile' in c && JSON.stringify(c.profile) === JSON.stringify(profile)),
    ).toBe(true);
    expect(children.some((c) => 'innovation' in c && c.innovation?.kind === 'mixture')).toBe(true);
  });

  it('are pools of what the parents are, flat, without twins, and recalibrated as a whole', () => {
    const draws = rng('pools');
    const pool = pooledSpec([parseSpec(first), donor], task, draws)!;
    for (let i = 0; i < 20; i++) {
      const child = pooledSpec([pool, parseSpec(first), families.har_rv.start('BTC', 86_400)], task, draws)!;
      const parts = partsOf(child);
      expect(parts.every((p) => p.family !== 'pool' && !('recalibration' in p))).toBe(true);
      expect(new Set(parts.map(specDigest)).size).toBe(parts.length);
      expect(parts.length).toBeGreaterThanOrEqual(2);
      expect(parts.length).toBeLessThanOrEqual(3);
    }
    expect(pooledSpec([donor, donor], task, draws)).toBeNull();
  });
});

describe('evolution over an archive', () => {
  it('climbs: after 40 experiments it beats random search in a world that can be learned', () => {
    const run = (learning: boolean, seed: number): number => {
      const draws = rng(`climb ${seed} ${learning}`);
      const known: Tried[] = [];
      for (let i = 0; i < 40; i++) {
        const names = searchedFamilies();
        const spec = learning
          ? evolveStrategist.propose(briefing, { ...task, archive: known }, draws).spec
          : randomSpec(names[draws.int(names.length)]!, task, draws);
        known.unshift(tried(spec, worth(spec)));
      }
      return Math.max(...known.map((t) => t.gain));
    };
    const seeds = [1, 2];
    const sum = (learning: boolean) => seeds.reduce((s, seed) => s + run(learning, seed), 0);
    expect(sum(true)).toBeGreaterThanOrEqual(sum(false));
    expect(run(true, 5)).toBeGreaterThan(0.045);
  });
});

describe('programs', () => {
  const programs = families.recursion.choices!['program'] as string[];

  it('mutate into programs most of the time, and are changed by it', () => {
    const draws = rng('programs');
    const start = families.recursion.start('BTC', 86_400);
    let valid = 0;
    let changed = 0;
    for (let i = 0; i < 200; i++) {
      const parent = programs[i % programs.length]!;
      const child =
        i % 4 === 0
          ? crossPrograms(parent, programs[(i + 1) % programs.length]!, draws)
          : mutateProgram(parent, 0.2, draws);
      if (child !== parent) changed += 1;
      try {
        parseSpec({ ...start, program: child });
        valid += 1;
      } catch (error) {
        expect((error as { code: string }).code).toBe('SWARM_E_SPEC_INVALID');
      }
    }
    expect(valid).toBeGreaterThan(120);
    expect(changed).toBeGreaterThan(100);
  });
});
