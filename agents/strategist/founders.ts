// Where the search of a slot begins: what is known of the families before anything was measured on it.
// Promises: pure; valid specs that fit the task, the likeliest to be good first. Leaves to others: breeding from them.
import { families, parseSpec, type Spec } from '../../forecast/families/index.js';
import { homeWeek } from '../../forecast/profile/home-week.js';
import { misfit, searchedFamilies } from './space.js';
import type { Task } from './strategist.js';

/** The best as they come on days that no contest is held on (docs/agents.md). They err differently: their pool is a founder too. */
const STRONGEST = ['har_season_mix', 'har_rv', 'ewma_t'] as const;

/** A family where it says to start, knowing the hours of the week: whatever the volatility, a day is not flat. */
export function founder(name: Spec['family'], task: Task): Spec {
  const { choices = {}, start } = families[name];
  const first = start(task.asset, task.horizon_s);
  return 'profile' in choices ? parseSpec({ ...first, profile: homeWeek(task.asset) }) : first;
}

/** One of each family, and the pool of the strongest. */
export function founders(task: Task): Spec[] {
  const fits = (spec: Spec): boolean => misfit(spec, task) === null;
  const strong = STRONGEST.map((name) => founder(name, task)).filter(fits);
  const pool =
    strong.length < 2
      ? []
      : [
          parseSpec({
            family: 'pool',
            horizon_s: task.horizon_s,
            members: strong,
            weights: strong.map(() => Number((1 / strong.length).toFixed(9))),
          }),
        ];
  const others = searchedFamilies().filter((name) => name !== 'pool' && !STRONGEST.includes(name as never));
  return [...strong, ...pool, ...others.map((name) => founder(name, task)).filter(fits)];
}
