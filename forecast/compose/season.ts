// The profile at a fit's door: returns freed from it, and its parameters told from the others by their prefix.
// Promises: volatility, shocks and level only ever see returns without the profile.
// Leaves to others: the profile itself.
import type { Fitted } from '../families/family.js';
import {
  MIN_RETURNS,
  type TrainingData,
  type TrainingReturns,
  tooFew,
  trainingReturns,
} from '../fit/training.js';
import { type FittedWeek, fitProfile, type Profile, profileFactors } from '../profile/index.js';
import { keepsHours, tradingRun } from './trading-time.js';

const PREFIX = 'profile.';

/** Returns divided by their factors, and the profile's parameters by prefixed name. */
export function deseasonalised(
  train: TrainingData,
  profile: Profile | undefined,
): { returns: TrainingReturns; profile: Fitted } {
  const raw = trainingReturns(train);
  if (profile === undefined) return { returns: raw, profile: {} };
  const params = fitProfile(train, profile);
  const prefixed = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [PREFIX + name, value]),
  ) as Fitted;
  if (keepsHours(profile)) {
    const run = tradingRun(train, profile, params);
    if (run.length < MIN_RETURNS) throw tooFew(train, run.length);
    return { returns: { runs: [run], count: run.length, variance: meanSquare([run]) }, profile: prefixed };
  }
  const starts = train.starts_s.filter((_, i) => train.segments[i].length > 1);
  const runs = raw.runs.map((run, r) => {
    // A run's first return is its second bar's.
    const factors = profileFactors(profile, params, starts[r] + train.step_s, train.step_s, run.length);
    return run.map((v, i) => v / factors[i]);
  });
  return { returns: { runs, count: raw.count, variance: meanSquare(runs) }, profile: prefixed };
}

function meanSquare(runs: readonly Float64Array[]): number {
  const count = runs.reduce((n, run) => n + run.length, 0);
  return runs.reduce((sum, run) => run.reduce((s, u) => s + u * u, sum), 0) / count;
}

/** The profile's parameters under their own names, and the others. Without a profile all are others. */
export function profileOf(fitted: Fitted, present: boolean): { profile: Fitted; others: Fitted } {
  const entries = Object.entries(fitted);
  const belongs = (name: string) => present && name.startsWith(PREFIX);
  return {
    profile: Object.fromEntries(
      entries.filter(([name]) => belongs(name)).map(([name, value]) => [name.slice(PREFIX.length), value]),
    ),
    others: Object.fromEntries(entries.filter(([name]) => !belongs(name))),
  };
}

/** The fitted profile of a spec; undefined: it has none. */
export function weekOf(
  { profile }: { readonly profile?: Profile | undefined },
  fitted: Fitted,
): FittedWeek | undefined {
  return profile && { profile, params: profileOf(fitted, true).profile };
}
