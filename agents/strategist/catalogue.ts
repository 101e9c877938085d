// The catalogue of errors: what failed on a slot, alike ones together, most frequent first, with what to do about each.
// Promises: it grows by itself from the attempts that agents record; text of others is only ever counted and carried.
// Leaves to others: telling it to whoever writes specs, and noting what keeps failing as an antipattern.
import type { FailureSeen } from './strategist.js';

export interface KnownError {
  readonly family: string;
  readonly code: string;
  /** The message with numbers and names taken out. */
  readonly form: string;
  readonly times: number;
  /** One of the messages, as it was. */
  readonly example: string;
  readonly lesson: string;
}

/** By what a message says; the first that matches. */
const LESSONS: readonly (readonly [RegExp, string])[] = [
  [
    /held at its bound|explodes|does not settle/,
    'Lower the persistence, or let the state return to a level: x + p * (s - x).',
  ],
  [/quarter/, 'The variance drifts: make it return to a level.'],
  [/unknown name|unknown function/, 'Declare it above with param, state or let; r and z are given.'],
  [/never reaches the variance/, 'Use it in the variance or in a state that does, or leave it out.'],
  [/reads the last return/, 'Put the return into a state; the variance reads states and parameters alone.'],
  [/has no update|two updates/, "Exactly one line x' = ... for each state."],
  [/bounds/, 'Lower bound first, the start inside.'],
  [/boolean/, 'Compare, or use if(c, 1, 0).'],
  [/more than|nested deeper/, 'Shorten it: the limits are in the grammar.'],
  [/TOO_FEW|whole bars/, 'Read fewer bars of history.'],
  [/converge/, 'Fix some of the fitted parameters.'],
];

export const lessonOf = (text: string): string =>
  LESSONS.find(([form]) => form.test(text))?.[1] ??
  'Change what the message names; do not try the same again.';

export const formOf = (reason: string): string =>
  reason
    .replace(/"[^"]*"/g, '"…"')
    .replace(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/gi, '#')
    .slice(0, 160);

/** Failures of one form of one family are one entry. */
export function catalogue(failures: readonly FailureSeen[]): KnownError[] {
  const entries = new Map<string, KnownError>();
  for (const { family, code, reason } of failures) {
    const form = formOf(reason);
    const key = JSON.stringify([family, code, form]);
    const known = entries.get(key);
    entries.set(
      key,
      known === undefined
        ? { family, code, form, times: 1, example: reason, lesson: lessonOf(`${code} ${reason}`) }
        : { ...known, times: known.times + 1 },
    );
  }
  return [...entries.values()].sort((a, b) => b.times - a.times);
}
