// The space of specs: components are chosen, and their knobs moved, within what the schemas accept.
import { describe, expect, it } from 'vitest';
import { crossSpecs, mutateSpec, randomSpec, searchedFamilies } from '../../agents/strategist/space.js';
import type { Task } from '../../agents/strategist/strategist.js';
import { families, parseSpec, type Spec } from '../../forecast/families/index.js';
import { rng } from '../../forecast/rng.js';

const task: Task = { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 2 };
const composed = searchedFamilies().filter((name) => families[name].choices?.['innovation'] !== undefined);
type Loose = Record<string, unknown> & { innovation?: { kind: string }; members?: Record<string, unknown>[] };
const loose = (spec: Spec) => spec as unknown as Loose;

describe('components in the space', () => {
  it.each(composed)('%s: every choice is valid by itself, and random specs reach it', (name) => {
    const { choices = {}, start } = families[name];
    const { nu, ...first } = loose(start('BTC', 86_400));
    for (const [field, options] of Object.entries(choices))
      for (const option of options) {
        const fields = { ...first, ...(option === undefined ? {} : { [field]: option }) };
        const spec = field === 'innovation' && option !== undefined ? fields : { ...fields, nu };
        expect(parseSpec(spec).family).toBe(name);
      }
    const draws = rng(`reach/${name}`);
    const seen = new Set(
      Array.from({ length: 400 }, () => {
        const { innovation, dynamics } = loose(randomSpec(name, task, draws));
        return `${innovation?.kind}/${dynamics === undefined ? '' : 'bounce'}`;
      }),
    );
    const kinds = [undefined, 'gaussian', 'johnson_su', 'mixture', 'historical', 'student_t'];
    for (const kind of kinds)
      for (const dynamics of ['', 'bounce']) expect(seen).toContain(`${kind}/${dynamics}`);
  });

  it('moves knobs inside components, leaving the parent as it was', () => {
    const parent = parseSpec({
      ...families.garch_t.start('BTC', 86_400),
      nu: undefined,
      innovation: { kind: 'johnson_su', skew: 0.1, tail: 2 },
    });
    const before = structuredClone(parent);
    const draws = rng('nested');
    const skews = Array.from({ length: 60 }, () => {
      const { innovation } = loose(mutateSpec(parent, 0.1, task, draws));
      return innovation?.kind === 'johnson_su'
        ? (innovation as unknown as { skew: number }).skew
        : Number.NaN;
    }).filter(Number.isFinite);
    expect(new Set(skews).size).toBeGreaterThan(10);
    expect(parent).toEqual(before);
  });

  it('crosses specs that name their innovations differently into valid ones', () => {
    const a = families.egarch_t.start('BTC', 86_400);
    const b = parseSpec({ ...a, nu: undefined, innovation: { kind: 'mixture', components: 3 } });
    const draws = rng('cross');
    const kinds = new Set(
      Array.from({ length: 60 }, () => loose(crossSpecs(a, b, task, draws)).innovation?.kind ?? 'nu'),
    );
    expect([...kinds].sort()).toEqual(['mixture', 'nu']);
  });

  it('varies the members of pools', () => {
    const draws = rng('pools');
    const lives = Array.from({ length: 30 }, () => {
      const pool = randomSpec('pool', task, draws);
      return loose(pool).members?.[0]?.['half_life_s'];
    });
    expect(new Set(lives).size).toBeGreaterThan(20);
  });
});
