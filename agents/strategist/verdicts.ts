// What verdicts say of the word of whoever ran an experiment: hidden windows are another month than public ones, and markets
// differ between months by more than sampling.
// Promises: pure; without verdicts it says nothing and knows it. Leaves to others: who is believed.
import type { Tried } from './strategist.js';

export interface Shift {
  /** By how much verdicts lie above stated gains, drawn towards none while there are few. */
  readonly mean: number;
  /** By how much one spec's difference departs from that. */
  readonly sd: number;
}

/** Verdicts that "no shift" counts for. */
const PRIOR = 1;
/** Gains of one spec in two months differ by about so much, before anything is known. */
const PRIOR_SD = 0.002;

export function shiftOf(archive: readonly Tried[]): Shift {
  const differences = archive.flatMap((t) => (t.verdict === undefined ? [] : [t.verdict.gain - t.gain]));
  const mean = differences.reduce((s, d) => s + d, 0) / (differences.length + PRIOR);
  const squares = differences.reduce((s, d) => s + (d - mean) ** 2, 0);
  return { mean, sd: Math.sqrt((squares + PRIOR_SD ** 2) / (differences.length + 1)) };
}
