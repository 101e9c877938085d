// The explorer: proposes new models for every slot and claims what looks good. `evolve` learns from the briefing,
// `random` is the control that never does.
import type { AgentKind } from '../runtime/life.js';
import { openSearch } from '../runtime/search.js';
import { evolveStrategist } from '../strategist/evolve.js';
import { randomStrategist } from '../strategist/random.js';

export const explorerStrategists = { evolve: evolveStrategist, random: randomStrategist };

export const explorer = (options: {
  strategist: keyof typeof explorerStrategists;
  overclaim: number;
}): AgentKind => ({
  wakes: [],
  sweepMs: 1000,
  nice: 19,
  open: (context) =>
    openSearch(context, {
      strategist: explorerStrategists[options.strategist],
      overclaim: options.overclaim,
    }),
});
