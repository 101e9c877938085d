// The router learns which model pays, leaves alone what does not, and climbs when it fails or stalls.
import { describe, expect, it } from 'vitest';
import {
  type History,
  isStalled,
  type Judged,
  ladder,
  type Routes,
  route,
} from '../../../agents/llm/router.js';
import { rng } from '../../../forecast/rng.js';

const routes: Routes = {
  models: [
    { id: 'good', usd_in: 1, usd_out: 1 },
    { id: 'bad', usd_in: 1, usd_out: 1 },
  ],
  strategies: ['improve', 'explore'],
  temperatures: [0.2, 0.6, 1],
  usd_per_gain: 100,
};
const history = (judged: readonly Judged[], over: Partial<History> = {}): History => ({
  judged,
  without: [],
  behaviour: [],
  ...over,
});
const judged = (model: string, gain: number, cost_usd = 0.01): Judged => ({
  model,
  strategy: 'improve',
  temperature: 0.2,
  gain,
  cost_usd,
});

describe('the router', () => {
  it('starves a bad model within 30 decisions, in nearly every history', () => {
    let starved = 0;
    for (let h = 0; h < 100; h++) {
      const draws = rng(`starve ${h}`);
      const known: Judged[] = [];
      const asked: string[] = [];
      while (asked.length < 40) {
        const choice = route(routes, history(known), draws);
        if ('skip' in choice) {
          asked.push('nobody');
          continue;
        }
        const { id } = choice.arms[0]!.model;
        asked.push(id);
        known.push(judged(id, id === 'good' && draws.uniform() < 0.5 ? 0.02 : 0));
      }
      if (asked.slice(30).filter((id) => id === 'bad').length <= 1) starved += 1;
    }
    expect(starved).toBeGreaterThan(90);
  });

  it('prefers the cheaper of two that gain alike', () => {
    const priced: Routes = {
      ...routes,
      models: [
        { id: 'dear', usd_in: 20, usd_out: 20 },
        { id: 'cheap', usd_in: 1, usd_out: 1 },
      ],
    };
    const known = Array.from({ length: 20 }, (_, i) =>
      judged(i % 2 ? 'dear' : 'cheap', 0.01 + (i % 5) / 1000, i % 2 ? 0.4 : 0.02),
    );
    const picks = Array.from({ length: 200 }, (_, i) =>
      route({ ...priced, usd_per_gain: 1e6 }, history(known), rng(`price ${i}`)),
    );
    const cheap = picks.filter((p) => 'arms' in p && p.arms[0]!.model.id === 'cheap').length;
    expect(cheap).toBeGreaterThan(180);
  });

  it('asks nobody when the gain is not worth the cost, but looks again now and then', () => {
    const useless = Array.from({ length: 40 }, (_, i) => judged(i % 2 ? 'good' : 'bad', 0, 0.5));
    const picks = Array.from({ length: 1000 }, (_, i) =>
      route(routes, history(useless, { without: [0.01, 0.02] }), rng(`skip ${i}`)),
    );
    const skipped = picks.filter((p) => 'skip' in p).length;
    expect(skipped).toBeGreaterThan(950);
    expect(skipped).toBeLessThan(1000);
  });

  it('draws the same from the same history and seed', () =>
    expect(route(routes, history([]), rng('x'))).toEqual(route(routes, history([]), rng('x'))));
});

describe('the ladder', () => {
  const arm = { model: routes.models[0]!, strategy: 'improve', temperature: 0.2 };

  it('goes to a warmer draw, then to the next model', () =>
    expect(ladder(routes, arm).map((a) => [a.model.id, a.temperature])).toEqual([
      ['good', 0.2],
      ['good', 0.6],
      ['bad', 0.2],
    ]));

  it('has no rung twice', () => {
    const one: Routes = { ...routes, models: [routes.models[0]!], temperatures: [0.2] };
    expect(ladder(one, arm)).toHaveLength(1);
  });

  it('starts one rung up where decisions do the same again and again to no avail', () => {
    const same = Array.from({ length: 4 }, () => ({ digest: 'a', gained: false }));
    expect(isStalled(same)).toBe(true);
    expect(isStalled([...same.slice(1), { digest: 'b', gained: false }])).toBe(false);
    expect(isStalled([{ digest: 'a', gained: true }, ...same.slice(1)])).toBe(false);
    const [stalled, fresh] = [same, []].map((behaviour) =>
      route(routes, history([], { behaviour }), rng('stall')),
    );
    expect(stalled).toEqual({ arms: (fresh as { arms: unknown[] }).arms.slice(1) });
  });
});
