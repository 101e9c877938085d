// What to try next. A strategist sees one briefing and proposes one spec; it knows nothing of fitting, leases or claims.
// One that thinks longer may also ask the desk; one that does not is a pure function of what it is given.

import type { Spec } from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { Briefing } from '../../trust/briefing.js';
import type { Antipattern } from './antipatterns.js';

export interface Proposal {
  readonly spec: Spec;
  /** What kind of step it is: new, mutate, cross, refine. */
  readonly move: string;
  /** Digests of the specs it was bred from. */
  readonly parents: readonly string[];
  readonly reason: string;
  /** Who made it, where that is not the strategist that was asked: one without means asks another. */
  readonly by?: string;
  /** Of the conversation behind it: what its calls share, and where it is kept. */
  readonly thought?: string;
  readonly transcript?: string;
}

export interface Strategist {
  readonly name: string;
  propose(briefing: Briefing, task: Task, rng: Rng, desk: Desk): Proposal | Promise<Proposal>;
  /** Asked after a proposal that turned out to be known already; default: the same one again. */
  readonly otherwise?: QuickStrategist;
}

/** One that needs nothing but its arguments, and answers at once. */
export interface QuickStrategist {
  readonly name: string;
  propose(briefing: Briefing, task: Task, rng: Rng): Proposal;
}

/** An experiment of the slot, of whomever: a gain on public windows, by the word of who ran it. */
export interface Tried {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly spec_digest: string;
  readonly gain: number;
  readonly se: number;
  /** What verdicts made of it on hidden windows, as the ladder of trust tells it; absent: none yet. */
  readonly verdict?: { readonly gain: number; readonly se: number };
}

/** A pattern as its author stated it. */
export interface Noted {
  readonly id: string;
  readonly owner: string;
  readonly family: string | null;
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly direction: number;
  readonly effect: number;
  readonly note: string;
  /** What verdicts make of it; null before any bear on it. */
  readonly verified_effect: number | null;
}

/** What whoever decides may ask beyond its briefing: reading through views, and one cheap measurement. */
export interface Desk {
  readonly owner: string;
  tried(limit: number): Promise<readonly (Tried & { readonly id: string; readonly owner: string })[]>;
  noted(limit: number): Promise<readonly Noted[]>;
  /** Failures of the slot's experiments, most frequent first. */
  failures(limit: number): Promise<readonly FailureSeen[]>;
  /** Whether nobody has run the spec on this slot and day. */
  isNew(spec: Spec): Promise<boolean>;
  /** Fits, and scores on a few public windows. */
  probe(spec: Spec): Promise<{ readonly gain: number; readonly se: number; readonly n_windows: number }>;
  /** Records a pattern in the agent's own name. */
  note(pattern: Omit<Noted, 'id' | 'owner' | 'verified_effect'>): Promise<void>;
}

export interface FailureSeen {
  readonly family: string;
  readonly code: string;
  readonly reason: string;
  /** What was tried; absent where only the error is of interest. */
  readonly spec?: Readonly<Record<string, unknown>>;
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
  /** What was tried on the slot, newest first; absent: nothing. */
  readonly archive?: readonly Tried[];
  /** Specs of the slot's experiments that came to nothing, newest first; absent: none. */
  readonly failed?: readonly Readonly<Record<string, unknown>>[];
  /** Where everything has failed so far; absent: nowhere. */
  readonly avoid?: readonly Antipattern[];
}
