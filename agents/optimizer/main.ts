// The optimizer: refines the best verified specs of every slot by small steps.
import type { AgentKind } from '../runtime/life.js';
import { openSearch } from '../runtime/search.js';
import { refineStrategist } from '../strategist/refine.js';

export const optimizer = (): AgentKind => ({
  wakes: [],
  sweepMs: 1000,
  nice: 19,
  open: (context) => openSearch(context, { strategist: refineStrategist, overclaim: 0 }),
});
