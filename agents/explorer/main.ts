// The explorer: proposes new models for every slot and claims what looks good. `evolve` learns from the briefing, `llm` asks a
// language model about it, `random` is the control that never does either.
import type { AgentKind } from '../runtime/life.js';
import { openSearch } from '../runtime/search.js';
import { evolveStrategist } from '../strategist/evolve.js';
import { randomStrategist } from '../strategist/random.js';
import { openThinking } from '../strategist/think/open.js';

export const explorerStrategists = { evolve: evolveStrategist, random: randomStrategist };
export const explorerStrategistNames = [...Object.keys(explorerStrategists), 'llm'] as const;

export const explorer = (options: {
  strategist: keyof typeof explorerStrategists | 'llm';
  overclaim: number;
}): AgentKind => ({
  wakes: [],
  sweepMs: 1000,
  nice: 19,
  open: (context) =>
    openSearch(context, {
      strategist:
        options.strategist === 'llm' ? openThinking(context) : explorerStrategists[options.strategist],
      overclaim: options.overclaim,
    }),
});
