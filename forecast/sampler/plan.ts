// How a model's many simulated paths become the few that are sent: what is stated in its manifest, and the grids that a
// competition scores.
// Promises: a sampling is bounded, so a hostile manifest cannot ask for a day of work.
// Leaves to others: the placing itself (place.ts).
import { z } from 'zod';
import { lawSchema } from '../direct/law.js';
import type { ScoringInterval } from '../score/index.js';
import { correctionSchema } from './correction.js';

/** A stated law of its own, or a correction of the simulated one. */
const blockLawSchema = z.union([lawSchema, correctionSchema]);
export type BlockLaw = z.infer<typeof blockLawSchema>;

export const samplingSchema = z.strictObject({
  /** Paths that are simulated to know the law of every block. */
  source_paths: z.number().int().min(1000).max(50_000),
  sweeps: z.number().int().min(1).max(6),
  /**
   * Recalibration by block length: the law of a block return in units of its simulated root mean square, or a
   * correction of the simulated law. `first`: of the horizon's first block of that length. Without entries the
   * simulated law is taken as it is.
   */
  laws: z
    .array(z.strictObject({ seconds: z.number().int().positive(), first: z.boolean(), law: blockLawSchema }))
    .max(32),
});
export type Sampling = z.infer<typeof samplingSchema>;

/**
 * Sweeps after which another gains little. Of the iid excess over a Gaussian law, from 20,000 paths, two leave 1.6% in a
 * day and three 1.4%; an hour, whose gap grids overlap, 5.0% and 3.5%.
 */
export const sweepsFor = (horizon_s: number): number => (horizon_s > 3 * 3600 ? 2 : 3);

/** One scored grid, in steps. blocks: all of the horizon one after the other; levels: [0, steps), [0, 2 steps), ...; first: one. */
export interface Grid {
  readonly steps: number;
  readonly kind: 'blocks' | 'levels' | 'first';
  readonly law?: BlockLaw | undefined;
}

export interface PlacePlan {
  readonly source_paths: number;
  readonly sweeps: number;
  /** Coarse to fine. */
  readonly grids: readonly Grid[];
}

/** The grids that intervals score on a horizon of `steps`; those that fix the same sums appear once. */
export function placePlan(
  sampling: Sampling,
  intervals: readonly ScoringInterval[],
  increment_s: number,
  steps: number,
): PlacePlan {
  const grids: Grid[] = [];
  for (const interval of intervals) {
    const length = Math.trunc(interval.seconds / increment_s);
    if (length < 1 || length > steps) continue;
    const whole = length === steps;
    const kind =
      interval.kind === 'gaps' || whole ? 'first' : interval.kind === 'absolute' ? 'levels' : 'blocks';
    if (grids.some((g) => g.steps === length && g.kind === kind)) continue;
    grids.push({ steps: length, kind, law: lawFor(sampling, length * increment_s, kind === 'first') });
  }
  // Among equals the whole grid last: its blocks are many, the first block's own law is one of them.
  const order = { levels: 0, blocks: 1, first: 2 } as const;
  grids.sort((a, b) => b.steps - a.steps || order[a.kind] - order[b.kind]);
  return { source_paths: sampling.source_paths, sweeps: sampling.sweeps, grids };
}

/** The law stated for a length, else that of the nearest length: shapes change slowly with it. */
function lawFor({ laws }: Sampling, seconds: number, first: boolean): BlockLaw | undefined {
  const distance = (v: Sampling['laws'][number]): number =>
    Math.abs(Math.log(v.seconds / seconds)) + (v.first === first ? 0 : 1e-3);
  return [...laws].sort((a, b) => distance(a) - distance(b))[0]?.law;
}
