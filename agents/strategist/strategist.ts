// What to try next. A strategist sees one briefing and proposes one spec; it knows nothing of fitting, leases or claims.

import type { Spec } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing } from '../../trust/briefing.js';

export interface Proposal {
  readonly spec: Spec;
  /** What kind of step it is: new, mutate, cross, refine. */
  readonly move: string;
  /** Digests of the specs it was bred from. */
  readonly parents: readonly string[];
  readonly reason: string;
}

export interface Strategist {
  readonly name: string;
  propose(briefing: Briefing, task: Task, rng: Rng): Proposal;
}

export interface Task {
  readonly asset: string;
  readonly horizon_s: number;
  /** Seconds per bar of the slot. */
  readonly step_s: number;
  /** Longest history that every window of the slot offers. */
  readonly max_history_bars: number;
  /** Other assets whose bars a pooled fit could use. */
  readonly peers: number;
}
